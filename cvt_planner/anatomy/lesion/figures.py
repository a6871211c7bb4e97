"""The figures of a lesion: size, HU, what kind it looks like, where it lies and what it has eaten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.anatomy.lesion.defects import Defects, find_defects
from cvt_planner.anatomy.lesion.distance import SURFACE, share_of, signed_distance_mm
from cvt_planner.anatomy.lesion.evidence import least_contrast_hu
from cvt_planner.anatomy.lesion.ground import nearest_vertebra
from cvt_planner.anatomy.lesion.normal import NormalBone, normal_bone
from cvt_planner.anatomy.lesion.reshape import region_on
from cvt_planner.anatomy.lesion_shape import LesionShape, Region
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.anatomy.spine.model import CANAL_LINING_MM, Part, Spine, Vertebra
from cvt_planner.base.arrays import Float32Array, LabelArray, MaskArray, Points, Vec3
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import CONTRAST_HU, Volume

Kind = Literal["lytic", "mixed", "blastic"]
_MIXED_SHARE = 0.08  # tissue of both kinds from this share on is mixed; assumed
_CONTEXT_MM = 6.0
_EPIDURAL_MM = 3.0  # soft tissue so near to the canal, outside bone, is epidural; assumed
_INVOLVED_ML = 0.05  # less of a pedicle or arch is the outline's own uncertainty; assumed


@dataclass(frozen=True)
class LesionFigures:
    """What can be measured of a lesion. What a spine is needed for is None where none was given.

    Parameters
    ----------
    longest_mm
        The largest distance of two points of its surface.
    across_mm
        Its extent along LPS x, y and z.
    mean_hu, spread_hu
        Mean and standard deviation of the CT inside, the outermost voxels left out.
    hu_within
        The mean is off by up to this: 0, or 30 HU where contrast medium was given.
    kind
        What its HU look like against normal bone; None where they do not tell.
    body_share
        How much of its vertebral body it takes, 0 to 1.
    in_bone_ml, epidural_ml, paravertebral_ml
        Its parts; they add up to the volume.
    arch_left_ml, arch_right_ml
        What of it lies in pedicle and posterior elements of each side.
    canal_mm
        The shortest way to the canal's bony wall, 0 where it touches or enters.
    height_lost
        By how much its vertebra is lower than its neighbours, 0 to 1; None where these are not whole.
    """

    volume_ml: float
    longest_mm: float
    across_mm: Vec3
    mean_hu: float
    spread_hu: float
    hu_within: float = 0.0
    normal_hu: float | None = None
    kind: Kind | None = None
    vertebra: int = 0
    body_share: float | None = None
    in_bone_ml: float | None = None
    epidural_ml: float | None = None
    paravertebral_ml: float | None = None
    arch_left_ml: float | None = None
    arch_right_ml: float | None = None
    canal_mm: float | None = None
    height_lost: float | None = None
    defects: Defects | None = None
    notes: tuple[str, ...] = ()


def lesion_figures(volume: Volume, shape: LesionShape, spine: Spine | None = None) -> LesionFigures:
    """Return the figures of a lesion; those about the vertebra need the spine.

    Raises
    ------
    InputRefused
        If the lesion lies outside the CT.
    """
    region = region_on(shape, volume.grid, _CONTEXT_MM)
    surface = _surface_points(region)
    across = np.ptp(surface, axis=0)
    notes = []
    hu, mean, spread = _hu_inside(volume, region)
    contrast = bool(volume.series.contrast_agent)
    if contrast:
        notes.append(
            f"Contrast medium was given: HU are up to {CONTRAST_HU:.0f} HU too high, "
            "and a type is proposed only where the difference is larger."
        )
    base: dict[str, Any] = {
        "volume_ml": shape.volume_ml,
        "longest_mm": _longest_mm(surface),
        "across_mm": (float(across[0]), float(across[1]), float(across[2])),
        "mean_hu": mean,
        "spread_hu": spread,
        "hu_within": CONTRAST_HU if contrast else 0.0,
    }
    vertebra = None if spine is None else nearest_vertebra(spine, shape.centre_lps_mm)
    if spine is None or vertebra is None:
        notes.append("Share of the body, defects and the distance to the canal need the spine: find it first.")
        return LesionFigures(**base, notes=tuple(notes))
    normal = normal_bone(volume, spine, vertebra)
    return LesionFigures(
        **base,
        normal_hu=None if normal is None else normal.hu,
        kind=None if normal is None else _kind(hu, normal, CONTRAST_HU if contrast else 0.0),
        vertebra=vertebra.number,
        height_lost=_height_lost(spine, vertebra),
        **_about_vertebra(volume, region, spine, vertebra, mean),
        notes=tuple(notes),
    )


def _hu_inside(volume: Volume, region: Region) -> tuple[Float32Array, float, float]:
    """Return the denoised HU inside, and mean and standard deviation of the plain ones; the rim is left out."""
    start = np.rint(volume.grid.index_of(region.grid.lps_of(np.zeros(3)))).astype(int)
    box = tuple(slice(int(s), int(s) + n) for s, n in zip(start, region.ramp.shape, strict=True))
    plain = np.maximum(volume.hu[box], -1024).astype(np.float32)
    inner = ndimage.binary_erosion(region.mask)
    inner = inner if inner.sum() >= 20 else region.mask
    smooth = ndimage.gaussian_filter(plain, DENOISE_SIGMA_MM / volume.grid.spacing_kji_mm, mode="nearest")
    return smooth[inner], float(plain[inner].mean()), float(plain[inner].std())


def _kind(hu: Float32Array, normal: NormalBone, widened_hu: float) -> Kind | None:
    least = least_contrast_hu(normal) + widened_hu
    dark, bright = float((hu < normal.hu - least).mean()), float((hu > normal.hu + least).mean())
    if dark >= _MIXED_SHARE and bright >= _MIXED_SHARE:
        return "mixed"
    if max(dark, bright) < 0.5:
        return None
    return "lytic" if dark > bright else "blastic"


def _height_lost(spine: Spine, vertebra: Vertebra) -> float | None:
    beside = [v.height_mm for v in spine.found if abs(v.number - vertebra.number) == 1 and v.complete]
    if not vertebra.complete or not beside:
        return None
    return max(0.0, 1.0 - vertebra.height_mm / float(np.mean(beside)))


def _about_vertebra(volume: Volume, region: Region, spine: Spine, vertebra: Vertebra, mean_hu: float) -> dict[str, Any]:
    """Return the figures that need the spine, measured in a box about lesion and vertebra."""
    grid, labels, parts = _box_about(volume, region, spine, vertebra)
    placed = region_on(region, grid, 1000.0)
    first = np.rint(grid.index_of(placed.grid.lps_of(np.zeros(3)))).astype(int)
    ramp = np.zeros(grid.shape_kji, dtype=np.uint8)
    ramp[tuple(slice(int(s), int(s) + n) for s, n in zip(first, placed.ramp.shape, strict=True))] = placed.ramp
    spacing = grid.spacing_kji_mm
    share = share_of(ramp)
    voxel_ml = ml_from_mm3(grid.voxel_volume_mm3)

    def inside_ml(mask: MaskArray) -> float:
        return float(share[mask].sum(dtype=np.float64)) * voxel_ml

    own = labels == vertebra.number
    body = own & (parts == Part.BODY)
    canal = parts == Part.CANAL
    bone = (labels > 0) & ~canal
    to_canal = ndimage.distance_transform_edt(~canal, sampling=spacing) if canal.any() else None
    epidural = canal if to_canal is None else ~bone & (to_canal <= _EPIDURAL_MM)
    arch = own & ~body & (parts != Part.DISC) & ~canal
    side = _offset_left_mm(grid, vertebra)
    total_ml, body_ml = inside_ml(np.ones_like(own)), float(body.sum()) * voxel_ml
    # Counted voxels are scaled to the lesion's own volume, which an old file may state a little differently.
    scale = region.volume_ml / max(total_ml, 1e-9)
    in_bone, in_canal = scale * inside_ml(bone), scale * inside_ml(epidural)
    lesion_mm = signed_distance_mm(ramp, spacing, SURFACE)
    start = np.rint(volume.grid.index_of(grid.lps_of(np.zeros(3)))).astype(int)
    box = tuple(slice(int(s), int(s) + n) for s, n in zip(start, grid.shape_kji, strict=True))
    hu = ndimage.gaussian_filter(np.maximum(volume.hu[box], -1024).astype(np.float32), 0.4 / spacing, mode="nearest")
    nearest = None
    if to_canal is not None:
        near_lesion = lesion_mm[canal]
        nearest = max(0.0, float(near_lesion.min()) - 0.5 * float(spacing.min()) - CANAL_LINING_MM)
    return {
        "body_share": inside_ml(body) / body_ml if body_ml > 0.0 else None,
        "in_bone_ml": in_bone,
        "epidural_ml": in_canal,
        "paravertebral_ml": max(region.volume_ml - in_bone - in_canal, 0.0),
        "arch_left_ml": scale * inside_ml(arch & (side > 0.0)),
        "arch_right_ml": scale * inside_ml(arch & (side <= 0.0)),
        "canal_mm": nearest,
        "defects": find_defects(hu, grid, own, parts, lesion_mm, mean_hu, vertebra),
    }


def _box_about(volume: Volume, region: Region, spine: Spine, vertebra: Vertebra) -> tuple[Grid, LabelArray, LabelArray]:
    """Return a box of the CT about lesion and vertebra, and the spine's labels in it."""
    own = spine.grid.lps_of(np.argwhere(spine.vertebrae == vertebra.number).astype(np.float64))
    low, high = region.grid.bounds_lps_mm()
    places = np.concatenate([own, np.stack(np.meshgrid(*zip(low, high, strict=True)), axis=-1).reshape(-1, 3)])
    index = volume.grid.index_of(places)
    room = _CONTEXT_MM / volume.grid.spacing_kji_mm
    first = np.maximum(np.floor(index.min(axis=0) - room).astype(int), 0)
    last = np.minimum(np.ceil(index.max(axis=0) + room).astype(int) + 1, volume.grid.shape_kji)
    grid = volume.grid.crop(index_kji(first), index_kji(last - first))
    return grid, labels_on(spine, spine.vertebrae, grid), labels_on(spine, spine.parts, grid)


def _offset_left_mm(grid: Grid, vertebra: Vertebra) -> Float32Array:
    """Return (k, j, i) how far each voxel lies to the left of the vertebra's middle, mm."""
    steps = grid.lps_from_index[:3, :3].T @ np.array(vertebra.left)
    offset = (grid.lps_from_index[:3, 3] - np.array(vertebra.centre_lps_mm)) @ np.array(vertebra.left)
    k, j, i = (steps[a] * np.arange(grid.shape_kji[a]) for a in range(3))
    return np.asarray(k[:, None, None] + j[None, :, None] + i[None, None, :] + offset, dtype=np.float32)


def _surface_points(region: Region) -> Points:
    """Return (n, 3) points where the surface crosses the lines between voxels, LPS mm."""
    box = bounding_box(region.mask, 1)
    values = np.pad(region.ramp[box].astype(np.float32) - np.float32(SURFACE), 1, constant_values=-SURFACE)
    inside = values >= 0.0
    start = np.array([s.start for s in box]) - 1.0
    found = []
    for axis in range(3):
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        one, other = values[tuple(low)], values[tuple(high)]
        crossed = np.argwhere(inside[tuple(low)] != inside[tuple(high)])
        at = crossed.astype(np.float64)
        a, b = one[tuple(crossed.T)], other[tuple(crossed.T)]
        at[:, axis] += a / (a - b)
        found.append(at + start)
    return region.grid.lps_of(np.concatenate(found))


def _longest_mm(surface: Points) -> float:
    try:
        corners = surface[ConvexHull(surface).vertices]
    except QhullError:  # all points in one plane
        corners = surface[:: max(len(surface) // 500, 1)]
    return float(pdist(corners).max())


def is_involved(part_ml: float | None) -> bool:
    """Return whether a part of the vertebra holds enough of a lesion to count as involved."""
    return part_ml is not None and part_ml >= _INVOLVED_ML
