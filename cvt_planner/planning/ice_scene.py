"""What the ice of a lesion's probes is solved in, shared by the full ice and its preview: box, tissues, probes, phases.

Not modelled: the probes of other lesions, large vessels, cooling along the probe's own shaft; in the two homogeneous
tissues also perfusion and the patient's own tissues (cortex, fat, cerebrospinal fluid, air). Tissue starts at 37 degC.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cvt_planner.base.arrays import Points, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.ct_tissue import Extreme
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import HeatBox, Phase, PhaseKind, ProbeBody, Sleeve
from cvt_planner.bioheat.tissue import MARROW_BONE as MARROW_BONE_MATERIAL
from cvt_planner.bioheat.tissue import SOFT_TISSUE as SOFT_TISSUE_MATERIAL
from cvt_planner.bioheat.tissue import Material
from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.plan.model import FreezePhase
from cvt_planner.plan.results import CT_LEAST, CT_MOST, MARROW_BONE, SOFT_TISSUE, IceInputs, ProbePlace
from cvt_planner.plan.timeline import last_freeze

BODY_C = 37.0
MARGIN_MM = 30.0  # of tissue around the active zones; a 17 G probe's ice reaches about 18 mm (0 degC) in 25 min
MATERIALS: dict[str, Material] = {SOFT_TISSUE: SOFT_TISSUE_MATERIAL, MARROW_BONE: MARROW_BONE_MATERIAL}
EXTREMES: dict[str, Extreme] = {CT_LEAST: Extreme.LEAST, CT_MOST: Extreme.MOST}


@lru_cache(maxsize=8)
def law_of(tissue: str) -> HeatLaw:
    """Return how temperature and Kirchhoff variable hang together in a tissue; in the CT's as in marrow-filled bone.

    Among many tissues no such variable is smooth everywhere; it serves to find isotherms between voxels only.
    """
    return HeatLaw(MATERIALS.get(tissue, MARROW_BONE_MATERIAL), BODY_C)


def zone(place: ProbePlace) -> Points:
    """Return (2, 3) the ends of the active zone, the one nearer the tip first, LPS mm."""
    tip, outward = np.array(place.probe_tip_lps_mm), np.array(place.outward)
    start = place.probe.dead_tip_mm
    return np.stack([tip + start * outward, tip + (start + place.probe.active_length_mm) * outward])


def bodies(inputs: IceInputs) -> tuple[ProbeBody, ...]:
    """Return the probes as the solver sees them."""
    return tuple(_body(place) for place in inputs.probes)


def box_around(inputs: IceInputs, spacing_mm: float) -> HeatBox:
    """Return a box of whole cells around all active zones, with at least `MARGIN_MM` on every side."""
    ends = np.concatenate([zone(place) for place in inputs.probes])
    low, high = ends.min(axis=0) - MARGIN_MM, ends.max(axis=0) + MARGIN_MM
    size = np.ceil((high - low) / spacing_mm - 1e-9) * spacing_mm
    return HeatBox(vec3(size), spacing_mm, vec3((low + high) / 2.0))


def until_last_freeze(protocol: tuple[FreezePhase, ...]) -> tuple[Phase, ...]:
    """Return the phases up to the end of the last freeze; raise `InputRefused` where there is no freeze."""
    last = last_freeze(protocol)
    if last is None:
        raise InputRefused("The protocol has no freeze, so there is no ice. Add a freeze to the protocol.")
    kinds: dict[str, PhaseKind] = {"freeze": "freeze", "thaw": "thaw"}
    return tuple(Phase(kinds[phase.kind], phase.seconds) for phase in protocol[: last + 1])


def _body(place: ProbePlace) -> ProbeBody:
    return ProbeBody(
        tip_lps_mm=place.probe_tip_lps_mm,
        direction=place.outward,
        active_length_mm=place.probe.active_length_mm,
        diameter_mm=place.probe.outer_diameter_mm,
        temperature_c=place.probe.tip_temperature_c,
        cooldown_s=place.probe.cooldown_s,
        power_limit_w=place.probe.power_limit_w,
        dead_tip_mm=place.probe.dead_tip_mm,
        sleeve=None if place.needle is None else _sleeve(place.needle, place.needle_tip_mm),
    )


def _sleeve(needle: BoneNeedleModel, tip_mm: float) -> Sleeve:
    return Sleeve(tip_mm, needle.outer_diameter_mm, needle.inner_diameter_mm, needle.length_mm)
