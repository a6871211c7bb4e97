"""The figures of a plan, as the panels, the safety strip, the checks and the command line show them.

Only the records stand here; `planning.summary` and `planning.ice` compute them. A figure that cannot be known is None.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.base.arrays import Vec3

UNIFORM_ICE = "In two uniform tissues: no blood flow, no cortex, no cerebrospinal fluid."
CT_ICE = (
    "In two uniform tissues and at both extremes of this CT's own (HU, lesions and canal as marked): no large vessels, "
    "no lung."
)
FIRST_VERSION_CEMENT = "First estimate from the marked lesion and a reference vertebra of the level."


@dataclass(frozen=True)
class AssemblyFigures:
    """The figures of one bone needle with its probe.

    Lengths are mm, angles degrees. `needle_needed_mm` is the length of needle between skin and needle tip;
    `needle_outside_mm` is what remains of it outside the skin (negative: the needle is too short by so much).
    `probe_spare_mm` is what the probe's shaft has left beyond the needle's hub (negative: the probe is too short).
    `bore_play_mm` is the needle's inner diameter less the probe's outer one. `metal_gap_mm` is the length of free probe
    between the needle's tip and the active zone (negative: the needle covers part of the zone).
    """

    assembly_id: str
    depth_from_skin_mm: float | None
    depth_from_bone_mm: float | None
    needle_needed_mm: float | None
    needle_outside_mm: float | None
    probe_spare_mm: float
    bore_play_mm: float
    metal_gap_mm: float
    in_plane_deg: float
    cranio_caudal_deg: float
    tip_in_ct: bool | None  # None: the CT is not open
    lesion_in_ct: bool | None
    partner_id: str | None  # the nearest other assembly of the lesion
    partner_distance_mm: float | None  # smallest distance between the axes of the two active zones
    partner_widest_mm: float | None  # the larger of the distances between the zones' ends
    partner_tip_distance_mm: float | None
    partner_angle_deg: float | None  # between the two axes


@dataclass(frozen=True)
class Nearness:
    """How near a needle's metal comes to an organ on its way from the skin to the probe's tip.

    `gap_mm` is the smallest distance to the organ's surface, negative inside it; `through_mm` the length of way inside;
    `words` names what is nearest, `place_lps_mm` where that is.
    """

    words: str
    gap_mm: float
    through_mm: float
    place_lps_mm: Vec3


@dataclass(frozen=True)
class WayFigures:
    """What lies beside a needle's way: None where no lung or air is within 30 mm, or nothing is known of the aorta.

    `aorta_everywhere` is whether the aorta is known at every height of the way.
    """

    assembly_id: str
    air: Nearness | None  # lung, airway, bowel gas
    aorta: Nearness | None
    aorta_everywhere: bool


@dataclass(frozen=True)
class IsothermFigures:
    """What one isotherm encloses; the two ends of each range come from different kinds of tissue.

    `covered_percent` is the part of the lesion inside the ice that covers least of it, `covered_high_percent` inside
    the one that covers most; `covered_in` and `covered_high_in` say in which tissue each is. The volumes in the tissues
    of the CT are None where those were not solved.
    """

    temperature_c: float
    volume_soft_tissue_ml: float
    volume_marrow_bone_ml: float
    covered_percent: float
    covered_high_percent: float
    covered_in: str
    covered_high_in: str
    volume_ct_least_ml: float | None = None
    volume_ct_most_ml: float | None = None


@dataclass(frozen=True)
class IceFigures:
    """The figures of one lesion's ice at the end of the last freeze.

    Distances to the canal's wall come from the ice that comes nearest: mm from the isotherm's surface to the nearest
    point of the wall, negative where the wall lies inside; all marked canals count, each place at its coldest moment,
    which for the wall mostly comes some minutes after the last freeze. None where no marked canal passes near, or
    where nothing of the tissue gets so cold.
    """

    lesion_id: str
    isotherms: tuple[IsothermFigures, ...]
    canal_marked: bool  # at the lesion's height and all along the active zones; if not, colder wall may be unmarked
    canal_to_0c_mm: float | None
    canal_to_minus_20c_mm: float | None
    canal_minimum_c: float | None
    canal_minimum_high_c: float | None  # the other end of the range: in the ice that leaves it warmest
    label: str = UNIFORM_ICE
    canal_coldest_in: str | None = None  # in which tissue the canal's wall gets coldest

    def isotherm(self, temperature_c: float) -> IsothermFigures:
        """Return the figures of one of the isotherms."""
        return next(i for i in self.isotherms if i.temperature_c == temperature_c)


@dataclass(frozen=True)
class CementFigures:
    """The cement estimate of one lesion, mL, with the most its level should take."""

    lesion_id: str
    estimate_ml: float
    low_ml: float
    high_ml: float
    cap_ml: float
    body_volume_ml: float
    is_capped: bool  # the estimate stands at the cap
    lines_ml: tuple[tuple[float, float], ...]  # (percent of the vertebral body, mL)
    dead_space_ml: float | None  # what stays in one needle and is drawn up in addition; None without a needle
    reasons: tuple[str, ...]
    label: str = FIRST_VERSION_CEMENT
