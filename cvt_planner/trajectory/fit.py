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
    probe_needed_mm: float  # from the needle's hub to the probe's tip
    probe_spare_mm: float
    bore_slack_mm: float  # difference of the diameters

    @property
    def needle_reaches(self) -> bool | None:
        """Return whether the needle is long enough; None where the skin was not found."""
        return None if self.needle_outside_mm is None else self.needle_outside_mm >= 0.0

    @property
    def probe_reaches(self) -> bool:
        """Return whether the probe is long enough to pass the needle and stand out of it as planned."""
        return self.probe_spare_mm >= 0.0

    @property
    def probe_passes(self) -> bool:
        """Return whether the probe slides through the needle with at least `LEAST_BORE_SLACK_MM` to spare."""
        return self.bore_slack_mm >= LEAST_BORE_SLACK_MM - 1e-9


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
    probe_needed = needle.length_mm + retraction_mm
    return AssemblyFit(
        needle_needed_mm=needed,
        needle_outside_mm=None if needed is None else needle.length_mm - needed,
        probe_needed_mm=probe_needed,
        probe_spare_mm=probe.shaft_length_mm - probe_needed,
        bore_slack_mm=needle.inner_diameter_mm - probe.outer_diameter_mm,
    )
