"""How the window's part draws for the command line; it is handed in by the program's door where Qt is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvt_planner.imaging.volume import Volume
    from cvt_planner.plan.model import Lesion, Plan
    from cvt_planner.plan.results import IceResult


@dataclass(frozen=True)
class Drawing:
    """Functions that write a PNG; each may raise `PlannerError` where it cannot draw.

    Parameters
    ----------
    scene
        Draws volume, plan and ice in 3-D.
    slice
        Draws the slice through a lesion in one of "axial", "sagittal" and "coronal", with letters, scale and
        temperatures as in the window.
    """

    scene: Callable[[Volume, Plan, tuple[IceResult, ...], Path], object]
    slice: Callable[[Volume, Plan, tuple[IceResult, ...], Lesion, str, Path], object]
