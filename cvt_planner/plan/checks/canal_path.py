"""Does a needle's way pass through the spinal canal?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvt_planner.anatomy.canal import canal_points_lps
from cvt_planner.base.arrays import FloatArray, Points, Vec3, vec3
from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.plan.model import Assembly, Plan

LEAST_GAP_MM = 1.0  # assumed: the marked wall is good to about as much
_STEP_MM = 0.5
_NEAR_MM = 1.0  # a section of the canal speaks for points within this of its height
_SECTION = 48  # points of an outline, as `canal_points_lps` gives them


def _find(context: CheckContext) -> Iterator[Finding]:
    sections = _sections(context.plan)
    for assembly in context.plan.assemblies:
        name = context.needle_name(assembly)
        found = None if sections is None else _nearest(assembly, sections)
        if found is None:
            text = f"No spinal canal is marked where the needle {name} passes it, so its way is not judged."
            yield about_needle(context, assembly, "not judged", f"{text} Mark the canal.")
            continue
        gap, place = found
        band = context.axial_band_mm
        unsure = f" (± {band:.1f} mm along the body: slices lie {2.0 * band:.1f} mm apart)" if band else ""
        if gap < 0.0:
            text = f"The needle {name} passes through the spinal canal, {-gap:.1f} mm within its wall{unsure}."
            yield about_needle(context, assembly, "stop", text, gap, place)
        elif gap - band < LEAST_GAP_MM:
            text = f"The needle {name} passes the spinal canal at only {gap:.1f} mm{unsure}."
            yield about_needle(context, assembly, "look", text, gap, place)
        else:
            text = f"The needle {name} passes the spinal canal at {gap:.1f} mm{unsure}."
            yield about_needle(context, assembly, "ok", text, gap, place)


def _sections(plan: Plan) -> Points | None:
    """Return (n, 48, 3) outlines of all marked canals, LPS mm; None where none is marked."""
    canals = [mark.canal for mark in plan.levels if mark.canal is not None]
    if not canals:
        return None
    return canal_points_lps([(c.centre_lps_mm, c.wall_lps_mm) for c in canals]).reshape(-1, _SECTION, 3)


def _nearest(assembly: Assembly, sections: Points) -> tuple[float, Vec3] | None:
    """Return the smallest gap between the needle's metal and the wall, mm, negative inside, and where; None unknown."""
    outside = assembly.skin_entry_lps_mm or assembly.entry_lps_mm
    points = _steps(np.array(assembly.probe_tip_lps_mm), np.array(outside))
    centres = sections.mean(axis=1)
    nearest = np.abs(points[:, 2, None] - centres[None, :, 2]).argmin(axis=1)
    known = np.abs(points[:, 2] - centres[nearest, 2]) <= _NEAR_MM
    if not known.any():
        return None
    gaps = _gaps_mm(points[known], sections[nearest[known]], centres[nearest[known]])
    smallest = int(np.argmin(gaps))
    return float(gaps[smallest]) - assembly.needle.outer_diameter_mm / 2.0, vec3(points[known][smallest])


def _steps(start: Points, end: Points) -> Points:
    count = max(int(np.ceil(float(np.linalg.norm(end - start)) / _STEP_MM)), 1)
    return np.asarray(start + np.linspace(0.0, 1.0, count + 1)[:, None] * (end - start))


def _gaps_mm(points: Points, outlines: Points, centres: Points) -> FloatArray:
    """Return (n,) distances of points from an outline each, in the transverse plane, mm, negative inside.

    Parameters
    ----------
    points, outlines, centres
        (n, 3), (n, 48, 3) and (n, 3), LPS mm. All at once: a window asks for it whenever a needle moves.
    """
    off, wall = points[:, :2] - centres[:, :2], outlines[:, :, :2] - centres[:, None, :2]
    away = np.sqrt(((wall - off[:, None]) ** 2).sum(axis=2).min(axis=1))
    inside = np.hypot(off[:, 0], off[:, 1]) < _radius_towards_mm(off, wall)
    return np.asarray(np.where(inside, -away, away))


def _radius_towards_mm(off: Points, wall: Points) -> FloatArray:
    """Return (n,) how far each outline (n, 48, 2) lies from the origin in the direction of a point (n, 2), mm.

    Between neighbouring corners the radius is taken as changing evenly with the angle.
    """
    turn = np.arctan2(wall[:, :, 1], wall[:, :, 0])
    order = np.argsort(turn, axis=1)
    turn = np.take_along_axis(turn, order, axis=1)
    radius = np.take_along_axis(np.hypot(wall[:, :, 0], wall[:, :, 1]), order, axis=1)
    towards = np.arctan2(off[:, 1], off[:, 0])
    after = (turn <= towards[:, None]).sum(axis=1) % _SECTION
    rows, before = np.arange(len(off)), after - 1  # before the first comes the last
    apart = (turn[rows, after] - turn[rows, before]) % (2.0 * np.pi)
    share = ((towards - turn[rows, before]) % (2.0 * np.pi)) / np.where(apart > 0.0, apart, 1.0)
    return np.asarray(radius[rows, before] + share * (radius[rows, after] - radius[rows, before]))


CHECK = Check(
    key="canal-path",
    title="Needle outside the spinal canal",
    unit="mm from the canal's wall",
    limit=f"at least {LEAST_GAP_MM:g} mm from needle to wall; inside the canal: stop",
    not_modelled=(
        "Bony wall as marked, in the transverse plane, within 15 mm of a mark; its outline is good to 1 to 2 mm. "
        "Nerve roots, foramina and the pedicle's other walls are not looked at. Needles do not bend."
    ),
    source="assumed",
    find=_find,
)
