"""How far ice reaches: the box around all that freezes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvt_planner.base.arrays import Vec3, vec3
from cvt_planner.plan.results import IceResult

EDGE_C = 0.0


def ice_boxes(results: Mapping[str, IceResult]) -> dict[str, tuple[Vec3, Vec3]]:
    """Return the lowest and highest LPS corner, mm, of the 0 degC ice of each lesion that has any, whichever tissue."""
    found = {}
    for lesion_id, result in results.items():
        points = []
        for one in result.fields:
            coldest = one.temperature_c if one.coldest_c is None else one.coldest_c
            index = np.argwhere(coldest <= EDGE_C)
            if len(index):
                points.append(one.grid.lps_of(np.stack([index.min(axis=0) - 0.5, index.max(axis=0) + 0.5])))
        if points:
            corners = np.concatenate(points)
            found[lesion_id] = (vec3(corners.min(axis=0)), vec3(corners.max(axis=0)))
    return found
