"""One compared figure, and a chapter of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Check:
    """One figure of the solver beside what it should be.

    Parameters
    ----------
    point
        The acceptance point it belongs to.
    setting
        The parameters, in words.
    quantity, unit
        What is compared.
    expected, found
        Both in `unit`.
    limit
        Largest allowed |found - expected| in `unit`, or as a part of `expected` when `relative`; None: for information.
    spacing_mm
        Grid of the run; None when it has none.
    at_least
        `expected` is an aim to be reached or passed, without a limit on the other side.
    """

    point: str
    setting: str
    quantity: str
    unit: str
    expected: float
    found: float
    limit: float | None
    spacing_mm: float | None = None
    relative: bool = False
    at_least: bool = False

    @property
    def error(self) -> float:
        """Return found - expected, in the limit's terms."""
        return (self.found - self.expected) / (abs(self.expected) if self.relative else 1.0)

    @property
    def met(self) -> bool:
        """Return whether the limit holds; a figure that is not a number does not."""
        if self.at_least:
            return self.found >= self.expected
        return self.limit is None or abs(self.error) <= self.limit

    @property
    def verdict(self) -> str:
        """Return it in words."""
        return "for information" if self.limit is None else "met" if self.met else "NOT MET"


@dataclass
class Chapter:
    """A part of the report: Markdown blocks in order, and every figure that they show."""

    title: str
    blocks: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    def say(self, *paragraphs: str) -> None:
        """Append paragraphs."""
        self.blocks.extend(paragraphs)

    def show(self, checks: Iterable[Check]) -> None:
        """Append a table of figures, one line per setting and quantity, one pair of columns per grid."""
        checks = list(checks)
        self.checks.extend(checks)
        self.blocks.append(figures_table(checks))

    def picture(self, name: str, words: str) -> None:
        """Append a picture of docs/pictures."""
        self.blocks.append(f"![{words}](pictures/{name})")


def markdown_table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Return a figure with as many digits as are worth reading."""
    size = abs(value)
    if size != size:
        return "none"
    if size != 0.0 and size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.3f}" if size < 10.0 else f"{value:.2f}" if size < 1000.0 else f"{value:.0f}"


def _limit(checks: list[Check]) -> str:
    texts = []
    for c in checks:
        if c.limit is not None:
            texts.append(f"{100.0 * c.limit:g} %" if c.relative else f"{c.limit:g} {c.unit}".strip())
    return " / ".join(dict.fromkeys(texts)) or "–"


def _error(c: Check) -> str:
    return f"{100.0 * c.error:+.2f} %" if c.relative else f"{c.error:+.3f}"


def figures_table(checks: list[Check]) -> str:
    """Return a table of figures."""
    spacings = sorted({c.spacing_mm for c in checks if c.spacing_mm is not None}, reverse=True)
    grouped: dict[tuple[str, str, str], list[Check]] = {}
    for c in checks:
        grouped.setdefault((c.setting, c.quantity, c.unit), []).append(c)
    columns: list[float | None] = [*spacings] if spacings else [None]
    head = ["setting", "quantity", "expected"]
    for spacing in columns:
        head += ["computed" if spacing is None else f"{spacing:g} mm", "error"]
    rows = []
    for (setting, quantity, unit), group in grouped.items():
        row = [setting, f"{quantity}{f', {unit}' if unit else ''}", number(group[0].expected)]
        for spacing in columns:
            at = [c for c in group if c.spacing_mm == spacing]
            row += [number(at[0].found), _error(at[0])] if at else ["", ""]
        words = {c.verdict for c in group}
        rows.append([*row, _limit(group), "NOT MET" if "NOT MET" in words else sorted(words)[-1]])
    return markdown_table([*head, "limit", "verdict"], rows)
