"""The bony spinal canal in a transverse section, measured from the operator's click, and its wall as points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import FloatArray, MaskArray, Points, Vec3, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.sampling import sample_hu
from cvt_planner.imaging.volume import Volume

RAYS = 24
NEAREST_MM, FARTHEST_MM = 2.0, 17.0
BONE_HU = 160.0  # above the sac's content, also with contrast medium in its vessels; assumed
_STEP_MM = 0.25
_PEAK_WITHIN_MM = 3.0  # the wall's brightest HU lies so near behind its edge
_LEAST_HITS = 14  # of 24: the arch and the body, with both foramina open
_RIM_MM = 0.4  # standard deviation across neighbouring rays and sections over which noise is averaged
# Widths seen in adults, with room for a child and for a wide sac; assumed.
_WIDTHS_MM = (7.0, 34.0)
_LONGEST_GAP_MM = 60.0  # marks farther apart are not joined; the spine bends between them
_DEFAULT_STEP_MM = 1.0


@dataclass(frozen=True)
class CanalSection:
    """The bony canal in one transverse section: centre, closed outline of 24 points, and its extents, LPS mm."""

    centre_lps_mm: Vec3
    wall_lps_mm: tuple[Vec3, ...]
    anteroposterior_mm: float
    transverse_mm: float


def measure_canal(volume: Volume, centre_lps_mm: Vec3) -> CanalSection:
    """Return the outline of the bony canal around a click in a transverse section.

    24 rays run from the click, 2 to 17 mm; each ends where bone begins (half-way up to the wall's HU, between voxels).
    Rays that escape through a foramen or a gap between arches take the middle of their neighbours. Then the same once
    more from the centre of what was found.

    Parameters
    ----------
    centre_lps_mm
        A point inside the canal, LPS mm.

    Raises
    ------
    InputRefused
        If the point lies outside the CT or in bone, fewer than 14 rays meet bone, or the outline is no canal's.

    Notes
    -----
    The bony wall, in the transverse plane of the patient's axes (not tilted to the level). Not modelled: dura, cord,
    ligaments (the yellow ligament narrows the canal by 3 to 5 mm behind), soft tumour inside the canal. Where tumour
    has destroyed the wall the outline there is a guess from its neighbours.
    """
    centre = np.array(centre_lps_mm, dtype=np.float64)
    if not volume.grid.contains(centre):
        raise InputRefused("This point lies outside the CT. Click into the spinal canal.")
    radii, _ = _wall_radii(volume, centre)
    # The middle of the outline, not of the click, sees the wall most nearly at right angles.
    outline = _rays() * radii[:, None]
    centre = centre + np.array([*_polygon_centre(outline[:, :2]), 0.0])
    radii, _ = _wall_radii(volume, centre)
    outline = _rays() * radii[:, None]
    transverse, anteroposterior = (float(np.ptp(outline[:, axis])) for axis in (0, 1))
    if not all(_WIDTHS_MM[0] <= width <= _WIDTHS_MM[1] for width in (transverse, anteroposterior)):
        raise InputRefused(
            f"What was found here is {transverse:.0f} mm wide and {anteroposterior:.0f} mm deep, which is not a spinal "
            "canal. Click into the middle of the canal."
        )
    return CanalSection(vec3(centre), tuple(vec3(p) for p in centre + outline), anteroposterior, transverse)


def _rays() -> Points:
    turn = 2.0 * np.pi * np.arange(RAYS) / RAYS
    return np.stack([np.cos(turn), np.sin(turn), np.zeros(RAYS)], axis=1)


def _wall_radii(volume: Volume, centre: Points) -> tuple[FloatArray, MaskArray]:
    """Return the 24 distances to bone, mm, and which were measured."""
    rays = _rays()
    along = np.arange(0.0, FARTHEST_MM + _PEAK_WITHIN_MM + _STEP_MM, _STEP_MM)
    points = centre + rays[:, None] * along[None, :, None]
    across = np.stack([-rays[:, 1], rays[:, 0], np.zeros(RAYS)], axis=1)
    up = np.array([0.0, 0.0, 1.0])
    shifts = [np.zeros((RAYS, 3)), _RIM_MM * across, -_RIM_MM * across]
    shifts += [np.tile(_RIM_MM * up, (RAYS, 1)), np.tile(-_RIM_MM * up, (RAYS, 1))]
    hu = np.mean([sample_hu(volume, points + shift[:, None]) for shift in shifts], axis=0)
    inner = float(np.median(hu[:, along <= NEAREST_MM]))
    if inner > BONE_HU:
        raise InputRefused("This point lies in bone, not in the spinal canal. Click into the middle of the canal.")
    hits = np.array([_edge_mm(along, profile, inner) for profile in hu])
    hits = _without_strays(hits)
    measured = np.isfinite(hits)
    if int(measured.sum()) < _LEAST_HITS:
        raise InputRefused(
            f"Only {int(measured.sum())} of {RAYS} rays from this point meet bone within {FARTHEST_MM:g} mm, so this "
            "is not a spinal canal, or its wall is destroyed here. Click into the canal at the height of the pedicles."
        )
    return _filled(hits), measured


def _edge_mm(along: FloatArray, hu: FloatArray, inner: float) -> float:
    """Return where a ray enters bone, mm; NaN where it meets none."""
    window = (along >= NEAREST_MM) & (along <= FARTHEST_MM)
    above = np.nonzero(window & (hu > BONE_HU))[0]
    if above.size == 0:
        return float("nan")
    first = int(above[0])
    reach = round(_PEAK_WITHIN_MM / _STEP_MM)
    peak = first + int(np.argmax(hu[first : first + reach]))
    half = (inner + float(hu[peak])) / 2.0
    # From the wall's peak back inwards to where it falls below half its height.
    below = np.nonzero(hu[: peak + 1] < half)[0]
    if below.size == 0:
        return float("nan")
    n = int(below[-1])
    return float(along[n] + _STEP_MM * (half - hu[n]) / max(float(hu[n + 1] - hu[n]), 1e-6))


def _without_strays(hits: FloatArray) -> FloatArray:
    """Return the hits without those that escaped and met some other bone much farther than their neighbours'."""
    middle = _neighbours_median(hits, 3)
    return np.where(hits > np.maximum(1.5 * middle, middle + 3.0), np.nan, hits)


def _neighbours_median(hits: FloatArray, reach: int) -> FloatArray:
    around = [np.roll(hits, shift) for shift in range(-reach, reach + 1) if shift != 0]
    stacked = np.stack(around)
    known = np.isfinite(stacked).any(axis=0)
    return np.where(known, np.nanmedian(np.where(known, stacked, 0.0), axis=0), np.nan)


def _filled(hits: FloatArray) -> FloatArray:
    out = hits.copy()
    for reach in (2, 3, 5, 8, 12):
        missing = ~np.isfinite(out)
        if not missing.any():
            break
        out = np.where(missing, _neighbours_median(hits, reach), out)
    return out


def _polygon_centre(corners: FloatArray) -> FloatArray:
    """Return (2,) the centre of gravity of a closed polygon's area."""
    following = np.roll(corners, -1, axis=0)
    cross = corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]
    return np.asarray(((corners + following) * cross[:, None]).sum(axis=0) / (3.0 * cross.sum()))


def canal_points_lps(
    marks: Sequence[tuple[Vec3, Sequence[Vec3]]], half_height_mm: float = 15.0, step_mm: float = _DEFAULT_STEP_MM
) -> Points:
    """Return (n, 3) LPS points of the canal's wall, for distances from ice and temperatures at the wall.

    Parameters, errors and what is not modelled as in `canal_sections_lps`.
    """
    return canal_sections_lps(marks, half_height_mm, step_mm).reshape(-1, 3)


def canal_sections_lps(
    marks: Sequence[tuple[Vec3, Sequence[Vec3]]], half_height_mm: float = 15.0, step_mm: float = _DEFAULT_STEP_MM
) -> Points:
    """Return (sections, 48, 3) outlines of the canal from below upwards, LPS mm, each at even angles about its centre.

    Parameters
    ----------
    marks
        (centre, outline) of each marked section, LPS mm; outlines have at least three points, in any number.
    half_height_mm
        How far the canal is continued along z above the uppermost and below the lowest mark, and around lone marks.
    step_mm
        Distance of neighbouring sections, mm.

    Raises
    ------
    InputRefused
        If there is no mark or an outline has fewer than three points.

    Notes
    -----
    Between marks up to 60 mm apart the outline is interpolated; beyond the marks it is continued straight along z with
    the mark's own outline. The bend of the spine within these stretches, foramina and the canal's change from pedicle
    to disc height are not modelled: within 15 mm of a mark the wall may be off by a few millimetres.
    """
    if not marks or any(len(wall) < 3 for _, wall in marks):
        raise InputRefused("The canal is not marked: mark it in at least one section, with three points or more.")
    ordered = sorted(marks, key=lambda mark: mark[0][2])
    centres = np.array([centre for centre, _ in ordered], dtype=np.float64)
    outlines = np.stack([_by_angle(np.array(centre), np.array(wall)) for centre, wall in ordered])
    sections: list[Points] = []
    for n, (centre, outline) in enumerate(zip(centres, outlines, strict=True)):
        joined = n + 1 < len(ordered) and centres[n + 1, 2] - centre[2] <= _LONGEST_GAP_MM
        below = n == 0 or centre[2] - centres[n - 1, 2] > _LONGEST_GAP_MM
        if below:
            sections += [centre + outline - [0.0, 0.0, h] for h in _heights(half_height_mm, step_mm)[::-1]]
        sections.append(centre + outline)
        if joined:
            shares = np.linspace(0.0, 1.0, max(int(np.ceil((centres[n + 1, 2] - centre[2]) / step_mm)), 1) + 1)[1:-1]
            sections += [(1 - s) * (centre + outline) + s * (centres[n + 1] + outlines[n + 1]) for s in shares]
        else:
            sections += [centre + outline + [0.0, 0.0, h] for h in _heights(half_height_mm, step_mm)]
    return np.stack(sections)


def _heights(half_height_mm: float, step_mm: float) -> FloatArray:
    return np.linspace(0.0, half_height_mm, max(int(np.ceil(half_height_mm / step_mm)), 1) + 1)[1:]


def _by_angle(centre: Points, wall: Points) -> Points:
    """Return (48, 3) the outline relative to its centre, at even angles, so that outlines can be interpolated."""
    off = wall - centre
    turn = np.arctan2(off[:, 1], off[:, 0])
    even = 2.0 * np.pi * np.arange(2 * RAYS) / (2 * RAYS) - np.pi
    order = np.argsort(turn)
    parts = [np.interp(even, turn[order], off[order, axis], period=2.0 * np.pi) for axis in range(3)]
    return np.stack(parts, axis=1)
