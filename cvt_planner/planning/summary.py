"""The figures of needles and cement: the one source for panels, safety strip, checks and command line."""

from __future__ import annotations

import math

import numpy as np

from cvt_planner.base.remembered import Remembered
from cvt_planner.cement.estimate import FillEstimate, dead_space_ml, estimate_fill
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.figures import AssemblyFigures, CementFigures
from cvt_planner.plan.model import Assembly, Lesion, Plan
from cvt_planner.planning.placement import lesion_in_ct
from cvt_planner.trajectory.axis import cranio_caudal_angle_deg, in_plane_angle_deg
from cvt_planner.trajectory.fit import assembly_fit
from cvt_planner.trajectory.separation import ProbeSeparation, probe_separation


def assembly_figures(plan: Plan, assembly: Assembly, volume: Volume | None) -> AssemblyFigures:
    """Return the figures of one needle with its probe; see `AssemblyFigures` for their units and meaning.

    Parameters
    ----------
    volume
        The planning CT; without it nothing is said about what lies inside it.

    Notes
    -----
    A straight rigid needle is assumed; the height of hubs and depth stops is not modelled.
    """
    entry = assembly.skin_entry_lps_mm or assembly.entry_lps_mm
    tip = assembly.probe_tip_lps_mm
    fit = assembly_fit(assembly.needle, assembly.probe, assembly.depth_from_skin_mm, assembly.needle_retraction_mm)
    partner, apart = _partner(plan, assembly)
    bone = assembly.bone_entry_lps_mm
    zone_end = assembly.probe.dead_tip_mm + assembly.probe.active_length_mm
    lesion = plan.lesion(assembly.lesion_id)
    return AssemblyFigures(
        assembly_id=assembly.id,
        depth_from_skin_mm=assembly.depth_from_skin_mm,
        depth_from_bone_mm=None if bone is None else math.dist(bone, tip),
        needle_needed_mm=fit.needle_needed_mm,
        needle_outside_mm=fit.needle_outside_mm,
        probe_spare_mm=fit.probe_spare_mm,
        bore_play_mm=fit.bore_slack_mm,
        metal_gap_mm=assembly.needle_retraction_mm - zone_end,
        in_plane_deg=in_plane_angle_deg(entry, tip, assembly.side.value),
        cranio_caudal_deg=cranio_caudal_angle_deg(entry, tip),
        tip_in_ct=None if volume is None else volume.grid.contains(np.array(tip)),
        lesion_in_ct=None if volume is None else lesion_in_ct(volume, lesion.shape),
        partner_id=partner.id if partner else None,
        partner_distance_mm=apart.zone_gap_mm if apart else None,
        partner_widest_mm=apart.widest_gap_mm if apart else None,
        partner_tip_distance_mm=apart.tip_gap_mm if apart else None,
        partner_angle_deg=apart.angle_deg if apart else None,
    )


def cement_figures(plan: Plan, lesion: Lesion, volume: Volume | None = None) -> CementFigures:
    """Return the cement estimate of one lesion, mL: from its volume, kind and level, and the CT's HU where it is open.

    First version; the most cautious needle of the lesion (the one that keeps most cement) gives the dead space.
    """
    fill = _fill(lesion, volume)
    kept = [dead_space_ml(assembly.needle) for assembly in plan.assemblies_of(lesion.id)]
    return CementFigures(
        lesion_id=lesion.id,
        estimate_ml=fill.estimate_ml,
        low_ml=fill.low_ml,
        high_ml=fill.high_ml,
        cap_ml=fill.cap_ml,
        body_volume_ml=fill.body_volume_ml,
        is_capped=fill.is_capped,
        lines_ml=tuple((100.0 * share, volume_ml) for share, volume_ml in fill.lines_ml),
        dead_space_ml=max(kept, default=None),
        reasons=fill.reasons,
    )


_FILLS: Remembered[FillEstimate] = Remembered(64)  # the window asks for those of all lesions


def _fill(lesion: Lesion, volume: Volume | None) -> FillEstimate:
    kind, level, shape = lesion.kind.value, lesion.level, lesion.shape
    if volume is None:
        return estimate_fill(shape.volume_ml, kind, level)
    return _FILLS.get(
        volume,
        (shape, kind, level),
        lambda: estimate_fill(shape.volume_ml, kind, level, volume=volume, shape=shape),
    )


def _partner(plan: Plan, assembly: Assembly) -> tuple[Assembly | None, ProbeSeparation | None]:
    """Return the nearest other assembly of the same lesion and how the two lie to each other."""
    others = [
        (other, _apart(assembly, other)) for other in plan.assemblies_of(assembly.lesion_id) if other.id != assembly.id
    ]
    return min(others, key=lambda pair: pair[1].zone_gap_mm) if others else (None, None)


def _apart(first: Assembly, second: Assembly) -> ProbeSeparation:
    return probe_separation(
        first.probe_tip_lps_mm, first.active_zone_lps_mm, second.probe_tip_lps_mm, second.active_zone_lps_mm
    )
