"""Results that remember their inputs and say by themselves when they are out of date."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, Vec3
from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.geometry.frames import Grid
from cvt_planner.plan.model import FreezePhase, Plan

SOFT_TISSUE = "soft tissue"
MARROW_BONE = "marrow-filled bone"
CT_LEAST = "this CT, least ice"  # its tissues, with blood and warm fluid in the canal
CT_MOST = "this CT, most ice"  # its tissues, without either, frozen bone conducting well
HOMOGENEOUS: tuple[str, ...] = (SOFT_TISSUE, MARROW_BONE)
OF_CT: tuple[str, ...] = (CT_LEAST, CT_MOST)
_WORDS = {CT_LEAST: "this CT's tissues with blood and a warm canal", CT_MOST: "this CT's tissues without blood"}
ISOTHERMS_C: tuple[float, ...] = (0.0, -20.0, -40.0)
# Of the grid, mm: coarser ones lose the cold core (at 4 mm the canal's coldest wall was 15 K too warm); assumed.
ICE_SPACING_MM = (0.25, 2.0)
CENTI = 100.0  # steps per degree of temperatures kept as whole numbers


@dataclass(frozen=True)
class ProbePlace:
    """A probe as the ice sees it, and the bone needle around its shaft, whose tip lies `needle_tip_mm` behind its own.

    Without a needle in results of versions that knew none.
    """

    probe_tip_lps_mm: Vec3
    outward: Vec3
    probe: CryoprobeModel
    needle: BoneNeedleModel | None = None
    needle_tip_mm: float = 0.0


@dataclass(frozen=True)
class IceInputs:
    """All that the ice of one lesion's probes was computed from; compared by value."""

    lesion_id: str
    content_hash: str  # of the CT
    probes: tuple[ProbePlace, ...]
    protocol: tuple[FreezePhase, ...]
    spacing_mm: float
    model_version: str
    ct_marks: str = ""  # of the lesions and canal marked in the CT whose tissues were solved too; empty: they were not


@dataclass(frozen=True, eq=False)
class IceFrames:
    """The temperatures at moments of the whole protocol and the warming after it, on a coarse grid, for playing.

    Not written into the plan file: ice that was read from one has none.
    """

    times_s: tuple[float, ...]  # from the start of the protocol, rising
    centi_c: NDArray[np.int16] = field(repr=False)  # (time, k, j, i), hundredths of a degree, read-only
    grid: Grid = field(repr=False)


@dataclass(frozen=True, eq=False)
class IceField:
    """The temperatures in one kind of tissue at the end of the last freeze, and the coldest that each place ever got.

    `coldest_c` counts the whole protocol and a while of warming after it: beyond the edge of the ice tissue goes on
    cooling when the probes are off. None in files written before it was kept.
    """

    tissue: str  # one of HOMOGENEOUS or OF_CT
    temperature_c: Float32Array = field(repr=False)  # (k, j, i), read-only
    grid: Grid = field(repr=False)
    volumes_ml: tuple[tuple[float, float], ...]  # (isotherm degC, mL) for each of ISOTHERMS_C
    energy_imbalance: float
    wall_s: float
    coldest_c: Float32Array | None = field(default=None, repr=False)  # (k, j, i), read-only
    frames: IceFrames | None = field(default=None, repr=False)  # None in ice that was read from a file


@dataclass(frozen=True, eq=False)
class IceResult:
    """The predicted ice of one lesion's probes: in both homogeneous tissues, and in those of the CT where asked for."""

    inputs: IceInputs
    fields: tuple[IceField, ...]

    def field_of(self, tissue: str) -> IceField:
        """Return the temperatures for one kind of tissue."""
        return next(f for f in self.fields if f.tissue == tissue)


def stand_in(tissue: str) -> str:
    """Return the homogeneous tissue that is shown where nothing was solved in the CT's own: the nearest to it."""
    return {CT_LEAST: MARROW_BONE, CT_MOST: SOFT_TISSUE}.get(tissue, tissue)


def ice_words(tissue: str) -> str:
    """Return the words for a tissue within a sentence, after "in"."""
    return _WORDS.get(tissue, tissue)


def is_current(result: IceResult, plan: Plan, wanted: IceInputs | None) -> bool:
    """Return whether the result was computed from what the plan says now (`wanted`; None: nothing can be computed).

    Ice on a grid outside `ICE_SPACING_MM` never is.
    """
    if not ICE_SPACING_MM[0] <= result.inputs.spacing_mm <= ICE_SPACING_MM[1]:
        return False
    return wanted is not None and result.inputs == wanted and any(s.id == wanted.lesion_id for s in plan.lesions)
