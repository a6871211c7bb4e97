"""Where the cortex over a lesion is missing: posterior wall, endplates, the rest of the vertebra's surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.lesion.distance import signed_distance_mm
from cvt_planner.anatomy.spine.model import Part, Vertebra
from cvt_planner.base.arrays import Float32Array, LabelArray, MaskArray, Points, Vec3, vec3
from cvt_planner.geometry.frames import Grid

_ALONG_MM = np.arange(-2.5, 1.6, 0.5)  # across the surface, inside negative: cortex is looked for there
_UNDER_MM = 3.0  # a surface so near to the lesion lies over it; assumed
_AWAY_MM = 6.0  # cortex farther from the lesion than this is taken for intact; assumed
_THIN_PERCENT = 10.0  # of the surface away from the lesion: thin as on the body, not thick as on the arch; assumed
_FACING = 0.65  # cosine: a surface this much along an axis of the vertebra belongs to its endplate or its back
_CANAL_MM = 6.0  # the posterior wall has the canal so close behind it
_LEAST_CORTEX_HU = 200.0  # intact cortex below this cannot be told from bone; assumed
_SOFT_HU = 50.0  # what lies where cortex is missing; assumed
SMALLEST_MM2 = 12.0  # smaller defects may be noise or a vein's opening; assumed


@dataclass(frozen=True)
class Defects:
    """Areas where cortex over the lesion is missing, mm2, and the middle of each, LPS mm (None: no defect there).

    Only what hangs together over at least 12 mm2 counts. `judged` is false where the vertebra's intact cortex is not
    seen either (thick slices, thin bone): then the areas mean nothing.
    """

    posterior_wall_mm2: float = 0.0
    upper_endplate_mm2: float = 0.0
    lower_endplate_mm2: float = 0.0
    other_cortex_mm2: float = 0.0
    posterior_wall_lps_mm: Vec3 | None = None
    upper_endplate_lps_mm: Vec3 | None = None
    lower_endplate_lps_mm: Vec3 | None = None
    other_cortex_lps_mm: Vec3 | None = None
    judged: bool = True


def find_defects(
    hu: Float32Array,
    grid: Grid,
    bone: MaskArray,
    parts: LabelArray,
    lesion_mm: Float32Array,
    lesion_hu: float,
    vertebra: Vertebra,
) -> Defects:
    """Return where the cortex over a lesion is missing.

    Across each point of the vertebra's surface the brightest HU is taken. Cortex is missing where that lies nearer to
    soft tissue than to the thin cortex of the same vertebra away from the lesion.

    Parameters
    ----------
    hu
        (k, j, i) of a box that holds the vertebra, lightly denoised.
    bone, parts
        The vertebra, with what a lesion has eaten of it, and `Part` of each voxel.
    lesion_mm
        Signed distance to the lesion, negative inside.
    lesion_hu
        Its mean.

    Notes
    -----
    On slices above 2 mm a thin cortex is blurred away along the slices, so endplate defects are overestimated.
    """
    spacing = grid.spacing_kji_mm
    surface_mm = signed_distance_mm(bone.astype(np.float32), spacing, 0.5)
    smooth = ndimage.gaussian_filter(surface_mm, 1.2 / spacing)
    points = np.argwhere((np.abs(surface_mm) <= 0.51 * float(spacing.max())) & bone)
    if len(points) == 0:
        return Defects(judged=False)
    slopes = np.stack([np.gradient(smooth, axis=a) / spacing[a] for a in range(3)])[:, *points.T]
    slopes /= np.maximum(np.linalg.norm(slopes, axis=0), 1e-6)  # outward, per mm along each array axis
    places = points.T[:, :, None] + (slopes / spacing[:, None])[:, :, None] * _ALONG_MM
    peak = ndimage.map_coordinates(hu, places, order=1, mode="nearest").max(axis=1)
    near = lesion_mm[tuple(points.T)]
    intact = peak[near > _AWAY_MM]
    usual = float(np.percentile(intact, _THIN_PERCENT)) if intact.size >= 50 else 0.0
    if usual < _LEAST_CORTEX_HU:
        return Defects(judged=False)
    missing = (near <= _UNDER_MM) & (peak < (min(lesion_hu, _SOFT_HU) + usual) / 2.0)
    # The area that one surface voxel stands for: the whole area, from the gradient of the smoothed mask, shared out.
    soft = ndimage.gaussian_filter(bone.astype(np.float32), 1.0 / spacing)
    total = sum((np.gradient(soft, axis=a) / spacing[a]) ** 2 for a in range(3))
    each_mm2 = float(np.sqrt(total).sum()) * grid.voxel_volume_mm3 / len(points)
    axes = grid.lps_from_index[:3, :3] / spacing
    outward = axes @ slopes
    where = grid.lps_of(points.astype(np.float64))
    behind = ndimage.distance_transform_edt(parts != Part.CANAL, sampling=spacing)[tuple(points.T)]
    back = (outward.T @ np.array(vertebra.back) > _FACING) & (behind <= _CANAL_MM)
    up = outward.T @ np.array(vertebra.up)
    of_body = parts[tuple(points.T)] == Part.BODY
    groups = {
        "posterior_wall": back,
        "upper_endplate": (up > _FACING) & of_body & ~back,
        "lower_endplate": (up < -_FACING) & of_body & ~back,
    }
    groups["other_cortex"] = ~np.logical_or.reduce(list(groups.values()))
    found: dict[str, Any] = {}
    for name, group in groups.items():
        gone = _in_one_piece(missing & group, points, bone.shape, SMALLEST_MM2 / each_mm2)
        found[f"{name}_mm2"], found[f"{name}_lps_mm"] = _area(gone, each_mm2, where)
    return Defects(**found)


def _in_one_piece(chosen: MaskArray, points: NDArray[np.int64], shape: tuple[int, ...], least: float) -> MaskArray:
    """Return which of the chosen surface voxels hang together with at least so many others; specks are noise."""
    there = np.zeros(shape, dtype=bool)
    there[tuple(points[chosen].T)] = True
    pieces, count = ndimage.label(there, structure=np.ones((3, 3, 3)))
    large = np.bincount(pieces.ravel(), minlength=count + 1) >= least
    large[0] = False
    return np.asarray(chosen & large[pieces[tuple(points.T)]])


def _area(missing: MaskArray, each_mm2: float, where: Points) -> tuple[float, Vec3 | None]:
    if not missing.any():
        return 0.0, None
    area = float(missing.sum()) * each_mm2
    chosen = where[missing]
    middle = chosen[int(np.argmin(np.linalg.norm(chosen - chosen.mean(axis=0), axis=1)))]
    return area, vec3(middle)
