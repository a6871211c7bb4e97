"""How two cryoprobes lie to each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import Vec3
from cvt_planner.geometry.lines import angle_between_deg, segment_gap


@dataclass(frozen=True)
class ProbeSeparation:
    """Distances and angle of two probes.

    `zone_gap_mm` is the smallest distance between the axes of the two active zones, `widest_gap_mm` the larger of the
    distances between their ends (first to first, last to last), `tip_gap_mm` from tip to tip, and `angle_deg` 0 for
    parallel probes, up to 90.
    """

    zone_gap_mm: float
    widest_gap_mm: float
    tip_gap_mm: float
    angle_deg: float


def probe_separation(
    first_tip_lps_mm: Vec3,
    first_zone_lps_mm: tuple[Vec3, Vec3],
    second_tip_lps_mm: Vec3,
    second_zone_lps_mm: tuple[Vec3, Vec3],
) -> ProbeSeparation:
    """Return the distances and the angle between two probes.

    Parameters
    ----------
    first_tip_lps_mm, second_tip_lps_mm
        The points of the probes' metal, LPS mm.
    first_zone_lps_mm, second_zone_lps_mm
        The ends of each active zone, the one nearer the tip first, LPS mm.

    Notes
    -----
    Between the axes; a probe's radius is not subtracted. Bending of the probes is not modelled.
    """
    first, second = (np.array(zone) for zone in (first_zone_lps_mm, second_zone_lps_mm))
    ends = (math.dist(first[0], second[0]), math.dist(first[1], second[1]))
    return ProbeSeparation(
        zone_gap_mm=segment_gap(first[0], first[1], second[0], second[1]).distance_mm,
        widest_gap_mm=max(ends),
        tip_gap_mm=math.dist(first_tip_lps_mm, second_tip_lps_mm),
        angle_deg=angle_between_deg(first[1] - first[0], second[1] - second[0]),
    )
