"""Whether a needle reaches, and whether its probe passes through it and reaches beyond it."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.devices.cryoprobe import CryoprobeModel

# A probe slides freely when the needle's bore is this much wider; assumed (a 17 G probe has 0.33 mm in a 13 G needle
# and only 0.13 mm in a 14 G one).
LEAST_BORE_SLACK_MM = 0.2


@dataclass(frozen=True)
class AssemblyFit:
    """Lengths and clearances of one needle with its probe, mm. A negative spare length says what is missing.

    `needle_needed_mm` and `needle_outside_mm` are None where the skin was not found.
    """

    needle_needed_mm: float | None  # from the skin to the needle's tip
    needle_outside_mm: float | None  # what stands out of the skin, up to the hub
    probe_spare_mm: float  # of the probe's shaft, when its tip stands out of the needle as planned
    bore_slack_mm: float  # difference of the diameters


def assembly_fit(
    needle: BoneNeedleModel, probe: CryoprobeModel, depth_from_skin_mm: float | None, retraction_mm: float
) -> AssemblyFit:
    """Return the lengths and clearances of a needle with its probe.

    Parameters
    ----------
    depth_from_skin_mm
        From the skin to the probe's tip along the axis; None where the CT does not show the skin.
    retraction_mm
        How far the needle's tip lies behind the probe's tip.

    Notes
    -----
    The probe is taken to rest on the needle's hub, with all of its shaft usable; the height of hubs, luers and depth
    stops is not modelled, nor is a skin incision that lets the hub sink in.
    """
    needed = None if depth_from_skin_mm is None else max(depth_from_skin_mm - retraction_mm, 0.0)
    return AssemblyFit(
        needle_needed_mm=needed,
        needle_outside_mm=None if needed is None else needle.length_mm - needed,
        probe_spare_mm=probe.shaft_length_mm - (needle.length_mm + retraction_mm),
        bore_slack_mm=needle.inner_diameter_mm - probe.outer_diameter_mm,
    )
