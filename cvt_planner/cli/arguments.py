"""What several subcommands read from their arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvt_planner.base.errors import InputRefused

if TYPE_CHECKING:
    from cvt_planner.base.arrays import Vec3
    from cvt_planner.geometry.frames import Grid

POINT = "--at"


def nrrd_target(path: str, what: str) -> Path:
    """Return where a volume is to be written, before long work begins; `what` it is begins the refusal.

    Raises
    ------
    InputRefused
        When the name does not end in .nrrd, or its folder does not exist.
    """
    target = Path(path)
    if target.suffix.lower() != ".nrrd" or not target.parent.is_dir():
        raise InputRefused(f"{what} written as NRRD: {path} must end in .nrrd, in a folder that exists.")
    return target


def point_lps_mm(text: str) -> Vec3:
    """Return the point of `--at X,Y,Z`, LPS mm.

    Raises
    ------
    InputRefused
        When it is not three finite numbers.
    """
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(map(math.isfinite, (x, y, z))):
        raise InputRefused(f"{POINT} takes three numbers, LPS mm, as in {POINT} -12.5,30,-410; not {text!r}.")
    return (x, y, z)


def must_lie_inside(point_lps_mm: Vec3, grid: Grid, source: str) -> None:
    """Return when a point of `--at` lies in the CT of a source.

    Raises
    ------
    InputRefused
        When it does not: says what the CT reaches over, LPS mm.
    """
    import numpy as np

    if grid.contains(np.array(point_lps_mm)):
        return
    given = ",".join(f"{value:g}" for value in point_lps_mm)
    ends = zip("xyz", *grid.bounds_lps_mm(), strict=True)
    reach = ", ".join(f"{axis} {low:.0f} to {high:.0f}" for axis, low, high in ends)
    raise InputRefused(f"{POINT} {given} lies outside the CT {source}, which reaches over {reach} mm (LPS).")


def points_joined(argv: Sequence[str]) -> list[str]:
    """Return the arguments with a point and its `--at` as one: argparse takes a value like -1,2,3 for an option."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == POINT:
            words[-1] = f"{POINT}={word}"
        else:
            words.append(word)
    return words
