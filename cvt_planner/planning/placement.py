"""Laying an assembly: from a target and an entry to a needle with its places in the CT."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.mid_line import mid_line_x_mm
from cvt_planner.plan.model import Assembly, Lesion, Plan, Side, default_retraction_mm, new_id
from cvt_planner.trajectory.skin import find_bone_entry, find_skin_entry


def place_assembly(
    volume: Volume, plan: Plan, what: Assembly | str, probe_tip_lps_mm: Vec3, entry_lps_mm: Vec3
) -> Assembly:
    """Return an assembly with its probe's tip at the target, on the axis through the entry; it is not in the plan yet.

    Skin and bone entry are found in the CT, the side follows from the points. Quick enough for every mouse move of a
    drag; the first call on a CT takes a moment longer, because it looks for the patient's body.

    Parameters
    ----------
    what
        The assembly to move, which keeps its devices and retraction; or the id of a lesion for a new one, which takes
        the devices of the lesion's last assembly, or the usual ones.
    probe_tip_lps_mm, entry_lps_mm
        Target and a point on the axis farther out (skin, or any point the operator clicked), LPS mm.

    Raises
    ------
    InputRefused
        If entry and target coincide, or target or lesion lie outside the CT.
    """
    target, entry = vec3(probe_tip_lps_mm), vec3(entry_lps_mm)
    lesion = plan.lesion(what if isinstance(what, str) else what.lesion_id)
    if not all(math.isfinite(v) for v in target) or not volume.grid.contains(np.array(target)):
        raise InputRefused("The target lies outside the CT. Choose a target in the picture.")
    if not lesion_in_ct(volume, lesion.shape):
        raise InputRefused(f"{lesion.name} lies outside the CT. Mark it again on this CT.")
    side = side_of(plan, lesion, entry)
    base = _new(plan, lesion, side, target, entry) if isinstance(what, str) else what
    placed = replace(
        base,
        side=side,
        probe_tip_lps_mm=target,
        entry_lps_mm=entry,
        skin_entry_lps_mm=None,
        bone_entry_lps_mm=None,
    )
    skin = find_skin_entry(volume, target, placed.outward)
    start = skin if skin is not None else _end_of_ct(volume, target, placed.outward)
    return replace(placed, skin_entry_lps_mm=skin, bone_entry_lps_mm=find_bone_entry(volume, target, start))


def side_of(plan: Plan, lesion: Lesion, entry_lps_mm: Vec3) -> Side:
    """Return on which side of the patient's mid-line an entry lies (left is +x).

    `plan.mid_line` says where the mid-line is taken from.
    """
    return Side.LEFT if entry_lps_mm[0] >= mid_line_x_mm(plan, lesion) else Side.RIGHT


def lesion_in_ct(volume: Volume, shape: LesionShape) -> bool:
    """Return whether the lesion's centre lies in the CT."""
    return volume.grid.contains(np.array(shape.centre_lps_mm))


def _new(plan: Plan, lesion: Lesion, side: Side, target: Vec3, entry: Vec3) -> Assembly:
    fresh = Assembly(new_id(), lesion.id, side, target, entry)
    others = plan.assemblies_of(lesion.id)
    if others:
        fresh = replace(fresh, needle=others[-1].needle, probe=others[-1].probe)
    return replace(fresh, needle_retraction_mm=default_retraction_mm(fresh.probe))


def _end_of_ct(volume: Volume, target: Vec3, outward: Points) -> Vec3:
    """Return the last point of a ray within the CT, LPS mm."""
    start = volume.grid.index_of(np.array(target))
    step = volume.grid.index_of(np.array(target) + outward) - start
    last = np.array(volume.grid.shape_kji) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(step > 0, (last - start) / step, np.where(step < 0, -start / step, np.inf))
    return vec3(np.array(target) + max(float(reach.min()), 0.0) * outward)
