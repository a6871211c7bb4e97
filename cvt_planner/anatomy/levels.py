"""The names of vertebrae from head to foot, also where a person has one more or one less, and counting along them."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.base.errors import InputRefused

# All names, in order. T13 is a 13th vertebra with ribs, L6 a sixth one without, above the sacrum. C1 and C2 can be
# counted from but are not treated.
NAMES: tuple[str, ...] = (
    *(f"C{n}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 14)),
    *(f"L{n}" for n in range(1, 7)),
    "S1",
)
LEVELS: tuple[str, ...] = NAMES[NAMES.index("C3") :]  # what can be treated
THORACIC = (11, 12, 13)
LUMBAR = (4, 5, 6)


def is_name(name: str) -> bool:
    """Return whether this is the name of a vertebra."""
    return name in NAMES


def is_level(name: str) -> bool:
    """Return whether this is the name of a level that can be treated, C3 to S1."""
    return name in LEVELS


@dataclass(frozen=True)
class LevelScheme:
    """How many vertebrae a person has: with ribs (11 to 13), and between these and the sacrum (4 to 6).

    Seven cervical vertebrae are taken for granted; persons with six or eight are not modelled.
    """

    thoracic: int = 12
    lumbar: int = 5

    def __post_init__(self) -> None:
        if self.thoracic not in THORACIC or self.lumbar not in LUMBAR:
            raise InputRefused(
                f"{self.thoracic} thoracic and {self.lumbar} lumbar vertebrae cannot be expressed. "
                "Choose 11 to 13 thoracic and 4 to 6 lumbar ones."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of this person's vertebrae, C1 to S1."""
        beyond = {f"T{n}" for n in range(self.thoracic + 1, 14)} | {f"L{n}" for n in range(self.lumbar + 1, 7)}
        return tuple(name for name in NAMES if name not in beyond)

    @property
    def is_usual(self) -> bool:
        """Return whether this is the usual count, 12 and 5."""
        return self == USUAL

    @property
    def words(self) -> str:
        """Return the scheme in words."""
        return f"{self.thoracic} thoracic, {self.lumbar} lumbar"

    def shifted(self, name: str, steps: int) -> str:
        """Return the name so many vertebrae nearer the feet (negative: the head).

        Raises
        ------
        InputRefused
            Where the scheme has no such vertebra.
        """
        names = self.names
        if name not in names:
            raise InputRefused(f"With {self.words} vertebrae there is no {name}. Choose another count of vertebrae.")
        row = names.index(name) + steps
        if not 0 <= row < len(names):
            end = "above C1" if row < 0 else "below S1"
            raise InputRefused(f"{name} cannot be counted on by {abs(steps)}: that would be {end}.")
        return names[row]

    def steps(self, from_name: str, to_name: str) -> int:
        """Return by how many vertebrae `to_name` lies nearer the feet; negative: nearer the head."""
        self.shifted(from_name, 0)
        self.shifted(to_name, 0)
        return self.names.index(to_name) - self.names.index(from_name)


USUAL = LevelScheme()
SCHEMES: tuple[LevelScheme, ...] = tuple(LevelScheme(t, n) for t in (12, 11, 13) for n in (5, 4, 6))  # the usual first
