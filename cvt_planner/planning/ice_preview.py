"""A quick look at the ice while a needle moves: the same physics on a coarse grid, in one tissue, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.scene import Scene
from cvt_planner.bioheat.solver import simulate
from cvt_planner.plan.results import IceInputs
from cvt_planner.planning.ice_drawn import DrawnIce, drawn_from
from cvt_planner.planning.ice_scene import BODY_C, MATERIALS, bodies, box_around, until_last_freeze

# Over 50 random poses of two probes the lines of 0, -20 and -40 degC lie 0.15 mm (at most 1.4 mm) from the full ice.
PREVIEW_SPACING_MM = 2.85


@dataclass(frozen=True, eq=False)
class IcePreview:
    """Roughly the ice of one lesion's probes at the end of the last freeze; for the eye, never for a figure."""

    inputs: IceInputs
    drawn: DrawnIce = field(repr=False)
    wall_s: float

    @property
    def lesion_id(self) -> str:
        """Return whose ice it is."""
        return self.inputs.lesion_id


def preview_ice(inputs: IceInputs, tissue: str, progress: Progress | None = None) -> IcePreview:
    """Return the ice at the end of the last freeze on a grid of `PREVIEW_SPACING_MM`, to be drawn while a needle moves.

    Parameters
    ----------
    inputs
        As for the full ice; their own spacing is left aside.
    tissue
        The kind of tissue that is drawn.

    Raises
    ------
    InputRefused
        If probes cross or touch, lie so far apart that the box cannot be solved, or the protocol has no freeze.
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    Isotherms of 0, -20 and -40 degC lie within some tenths of a millimetre of those of the full solution on 1 mm
    (`tests/bench/bench_preview_accuracy.py` measures it).
    """
    box = box_around(inputs, PREVIEW_SPACING_MM)
    protocol = until_last_freeze(inputs.protocol)
    scene = Scene(box, MATERIALS[tissue], bodies(inputs), protocol, BODY_C)
    result = simulate(scene, progress, only_end=True)
    return IcePreview(inputs, drawn_from(tissue, result.snapshots[-1].temperature_c, result.grid), result.wall_s)
