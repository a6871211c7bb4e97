"""Where a needle's axis passes the skin and where it first meets bone."""

from __future__ import annotations

import numpy as np

from cvt_planner.anatomy.organs.body import body_of
from cvt_planner.base.arrays import FloatArray, Points, Vec3, vec3
from cvt_planner.geometry.sampling import falling_crossing, line_points, sample_grid, sample_hu
from cvt_planner.imaging.volume import Volume

SKIN_HU = -500.0  # half-way between air and skin; the edge a scanner's blur leaves in place
BONE_HU = 200.0  # above contrast-free soft tissue; assumed
_STEP_MM = 0.25
_OUTSIDE = -9999.0  # marks samples beyond the CT
_LASTING_MM = 1.0  # air must last so long to be outside: more than noise, less than the gap under a back on its couch
_BONE_LASTING_MM = 1.0  # bone must last so long, so that a speck of noise or calcification is none
_PADDING_HU = -1024.0  # at or below: voxels that were not reconstructed, or air clipped by the scanner
_BUNDLE_MM = 0.6  # radius of the bundle of rays over which bone is averaged


def find_skin_entry(volume: Volume, tip_lps_mm: Vec3, outward: Points | Vec3) -> Vec3 | None:
    """Return where the ray from a point inside the patient outwards passes the skin, LPS mm.

    None where the CT ends before the skin does (by its last slice or by the edge of the reconstructed field), and where
    the point lies outside the patient.

    Parameters
    ----------
    tip_lps_mm
        A point inside the patient.
    outward
        Direction from the point towards the outside; need not be a unit vector.

    Notes
    -----
    The surface is that of the largest connected body in the CT, its lungs and gas filled, without couch and covers
    (`body_of`); it is placed between voxels at `SKIN_HU`. A cover that clings to the skin without a film of air and is
    denser than `SKIN_HU` counts as skin.
    """
    direction = np.asarray(outward, dtype=np.float64)
    length = float(np.linalg.norm(direction))
    body = body_of(volume)
    if length == 0.0 or not volume.grid.contains(np.array(tip_lps_mm)):
        return None
    tip = np.array(tip_lps_mm, dtype=np.float64)
    low, high = volume.grid.bounds_lps_mm()
    far = tip + direction / length * float(np.linalg.norm(high - low))
    distance_mm, points = line_points(tip, far, 2.0 * _STEP_MM)
    inside = sample_grid(body.mask, body.grid, points, 0.0) >= 0.5
    if not inside.any():
        return None
    # The coarse body says which surface is the outer one; the voxels say where exactly it lies.
    leaves_mm = float(distance_mm[np.nonzero(inside)[0][-1]])
    reach = 2.0 * float(body.grid.spacing_kji_mm.max())
    return _surface_near(volume, tip, direction / length, leaves_mm, reach)


def _surface_near(volume: Volume, tip: Points, outward: Points, leaves_mm: float, reach_mm: float) -> Vec3 | None:
    start = tip + max(leaves_mm - reach_mm, 0.0) * outward
    distance_mm, points = line_points(start, tip + (leaves_mm + reach_mm) * outward, _STEP_MM)
    hu = sample_hu(volume, points, _OUTSIDE)
    lasting = round(_LASTING_MM / _STEP_MM)
    air = hu < SKIN_HU
    # Outside begins where air begins and lasts: count the air samples in the stretch that starts at each sample.
    run = np.convolve(air, np.ones(lasting, dtype=np.int64), mode="full")[lasting - 1 :]
    begins = np.nonzero(run[: hu.size - lasting + 1] == lasting)[0]
    if begins.size == 0:
        return None
    at = falling_crossing(distance_mm, hu, SKIN_HU, max(int(begins[0]) - 1, 0))
    if at is None or begins[0] == 0:
        return None
    if np.any(hu[begins[0] : begins[0] + lasting] == _OUTSIDE) or _at_edge_of_field(volume, start + at * outward):
        return None
    return vec3(start + at * outward)


def _at_edge_of_field(volume: Volume, point: Points) -> bool:
    """Return whether a surface point lies where the scanner's reconstructed circle or the last row or column ends."""
    index = volume.grid.index_of(point)
    _, rows, columns = volume.grid.shape_kji
    spacing = volume.grid.spacing_kji_mm
    off = (index[1:] - (np.array([rows, columns]) - 1) / 2.0) * spacing[1:]
    half = np.array([rows, columns]) * spacing[1:] / 2.0
    margin = 2.0 * float(spacing[1:].max())
    if bool(np.any(np.abs(off) > half - margin)):
        return True
    if float(np.hypot(*off)) < float(half.min()) - margin:
        return False
    # On the circle itself: the field ends here if the voxels just beyond are padding, all alike, and not noisy air.
    beyond = point + np.outer(np.linspace(1.0, 4.0, 4), _outward_in_plane(volume, off))
    hu = sample_hu(volume, beyond, _PADDING_HU)
    return bool(np.all(hu <= _PADDING_HU) and np.ptp(hu) == 0.0)


def _outward_in_plane(volume: Volume, off_mm: FloatArray) -> Points:
    axes = volume.grid.lps_from_index[:3, 1:3] / volume.grid.spacing_kji_mm[1:]
    direction = axes @ (off_mm / max(float(np.hypot(*off_mm)), 1e-9))
    return np.asarray(direction * float(volume.grid.spacing_kji_mm[1:].max()))


def find_bone_entry(volume: Volume, tip_lps_mm: Vec3, from_lps_mm: Vec3) -> Vec3 | None:
    """Return the first point of bone on the way from the skin (or the entry) to the tip, LPS mm; None without bone.

    Notes
    -----
    The HU are averaged over a bundle of rays 1.2 mm wide and along the ray, and must stay above `BONE_HU` for
    `_BONE_LASTING_MM`; the crossing lies between voxels. Whatever bone comes first counts, a rib or a spinous process
    too. Calcified vessels and contrast medium above `BONE_HU` are not told from bone.
    """
    start, tip = np.array(from_lps_mm, dtype=np.float64), np.array(tip_lps_mm, dtype=np.float64)
    if float(np.linalg.norm(tip - start)) < _STEP_MM:
        return None
    distance_mm, points = line_points(start, tip, _STEP_MM)
    axis = (tip - start) / np.linalg.norm(tip - start)
    aside = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    aside /= np.linalg.norm(aside)
    second = np.cross(axis, aside)
    bundle = _BUNDLE_MM * np.stack([np.zeros(3), aside, -aside, second, -second])
    hu = sample_hu(volume, points[None] + bundle[:, None]).mean(axis=0)
    hu = np.convolve(np.pad(hu, 1, mode="edge"), np.full(3, 1.0 / 3.0), mode="valid")
    lasting = round(_BONE_LASTING_MM / _STEP_MM)
    run = np.convolve(hu > BONE_HU, np.ones(lasting, dtype=np.int64), mode="valid")
    begins = np.nonzero(run == lasting)[0]
    if begins.size == 0:
        return None
    at = falling_crossing(distance_mm, -hu, -BONE_HU, max(int(begins[0]) - 1, 0))
    return None if at is None else vec3(start + at * axis)
