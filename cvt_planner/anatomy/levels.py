"""The vertebral levels, from head to foot, by their usual names."""

from __future__ import annotations

LEVELS: tuple[str, ...] = (
    *(f"C{n}" for n in range(3, 8)),
    *(f"T{n}" for n in range(1, 13)),
    *(f"L{n}" for n in range(1, 6)),
    "S1",
)


def is_level(name: str) -> bool:
    """Return whether this is the name of a level the planner knows."""
    return name in LEVELS
