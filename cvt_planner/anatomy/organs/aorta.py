"""The aorta along the spine, where contrast medium makes it bright: a tube in front of the bodies, or left of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from cvt_planner.anatomy.organs.blocks import Box, block_means
from cvt_planner.anatomy.organs.model import Aorta
from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray, Matrix4, Points
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

IndexArray = NDArray[np.int64]

NO_CONTRAST = (
    "The header names no contrast medium in vessels: the aorta cannot be told from what lies around it, and no "
    "distance to it is given."
)
NOT_SEEN = (
    "Contrast medium was given, but no aorta is seen as a bright tube beside the spine: no distance to it is given."
)
NO_SPINE = "The aorta is looked for along the spine, and that is not found: no distance to it is given."
NOT_YET = "The aorta is looked for once the spine is found."

# All figures here are assumed: usual adult anatomy, tried on two real CTs with contrast medium and on phantoms.
BLOOD_HU = (110.0, 450.0)  # with contrast medium, from late venous to early arterial
_CELL_MM = (3.0, 2.0, 2.0)
_FRONT_MM, _BACK_MM, _LEFT_MM, _RIGHT_MM = 105.0, 10.0, 75.0, 45.0  # of the canal, where it is looked for
_RADII_MM = (6.5, 8.0, 10.0, 12.0, 14.5, 17.5)
_RIM_MM = (1.5, 5.0)  # beyond the lumen: its wall and blur are passed, fat or lung is met
_CLEAR_HU, _EVEN_HU = 80.0, 45.0  # brighter than its surroundings; spread within
_NEAR_MM = 10.0  # between lumen and spine
_RIGHT_AT_MM, _RIGHT_SIGMA_MM = -8.0, 8.0  # the lower caval vein, which may be as bright, lies further right
_ALIKE_HU = 35.0  # blood is as bright all along
_NOISE_HU, _FAT_HU = 30.0, -100.0
_STEEPEST = 1.0  # mm across the body per mm along it
_STEP_COST = 0.02
_SEEN, _LEAST_LONG_MM = 0.3, 25.0


def may_be_seen(volume: Volume) -> bool:
    """Return whether the header says that contrast medium was given into vessels."""
    return bool(volume.series.contrast_agent)


def find_aorta(volume: Volume, spine: Spine, progress: Progress | None = None) -> Aorta | None:
    """Return the lumen of the aorta beside a found spine; None where it is not seen. Ask `may_be_seen` before.

    Raises
    ------
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    In transverse sections a place scores by how even, bright and clear of its surroundings a disc about it is, near the
    spine and not to its right; the path through all sections is the best there is, and the longest stretch of it that
    is seen throughout is kept. Radii are those of a disc of the lumen's area, plaques included. Not modelled: a wall
    thickened by thrombus, which is not bright; the arch; the iliac arteries; a dissection, whose lumina may be taken
    for one; an aorta on the right.
    """
    progress = progress or Progress()
    around = _Around.of(volume, spine)
    if around is None:
        return None
    progress.check()
    scores, radii, blood = _scores(around, progress)
    path = _path(scores, around)
    on = scores[tuple(path.T)] > _SEEN
    if not on.any():
        return None
    progress.check()
    level = float(np.median(blood[tuple(path[on].T)]))
    scores, radii, blood = _scores(around.without_plaques(level), progress)
    alike = scores * np.exp(-0.5 * ((blood - level) / _ALIKE_HU) ** 2)
    path = _path(np.asarray(alike, dtype=np.float32), around)
    kept = _longest(alike[tuple(path.T)], float(around.grid.spacing_kji_mm[0]))
    if kept is None:
        return None
    return _tube(around, path[kept], radii[tuple(path[kept].T)], level)


@dataclass(frozen=True, eq=False)
class _Around:
    """What lies in front and to the left of the canal, on coarse cells (k, j, i).

    `free` is where no bone or disc of the spine is, `near` weights by the distance from it in the section, `lateral`
    by the side of the canal.
    """

    hu: Float32Array = field(repr=False)
    free: Float32Array = field(repr=False)
    away_mm: Float32Array = field(repr=False)
    lateral: Float32Array = field(repr=False)
    grid: Grid

    def without_plaques(self, blood_hu: float) -> _Around:
        """Return the same with nothing much brighter than blood: calcified walls count as blood then."""
        return replace(self, hu=np.minimum(self.hu, np.float32(blood_hu + _NOISE_HU)))

    @classmethod
    def of(cls, volume: Volume, spine: Spine) -> _Around | None:
        """Return the surroundings of a spine; None where too little of it is known."""
        canal = spine.canal_lps_mm
        if len(canal) < _LEAST_LONG_MM:
            return None
        box = _box(volume, canal)
        hu, _, grid = block_means(volume, _CELL_MM, box)
        if min(hu.shape) < 2:
            return None
        bone = _spine_on(grid, spine)
        spacing = grid.spacing_kji_mm
        away = np.stack([ndimage.distance_transform_edt(~one, sampling=spacing[1:]) for one in bone])
        x, _, z = _places(grid.lps_from_index, grid.shape_kji)
        order = np.argsort(canal[:, 2])
        left = x - np.interp(z, canal[order, 2], canal[order, 0])
        lateral = np.exp(-0.5 * (np.minimum(left - _RIGHT_AT_MM, 0.0) / _RIGHT_SIGMA_MM) ** 2)
        free = ndimage.binary_erosion(~bone, np.ones((1, 3, 3), dtype=np.bool_), border_value=1)
        return cls(hu, free.astype(np.float32), away.astype(np.float32), np.asarray(lateral, dtype=np.float32), grid)


def _box(volume: Volume, canal: Points) -> Box:
    low, high = canal.min(axis=0), canal.max(axis=0)
    ends = np.array([low, high]) + np.array([(-_RIGHT_MM, -_FRONT_MM, 0.0), (_LEFT_MM, _BACK_MM, 0.0)])
    corners = ends[np.indices((2, 2, 2)).reshape(3, -1), np.arange(3)[:, None]].T
    index = volume.grid.index_of(corners)
    shape = np.array(volume.grid.shape_kji)
    first = np.clip(np.floor(index.min(axis=0)).astype(int), 0, shape - 1)
    last = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, first + 1, shape)
    return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])


def _spine_on(grid: Grid, spine: Spine) -> MaskArray:
    """Return which cells are vertebra, disc or canal, by the voxel in their middle."""
    solid = (spine.vertebrae > 0) | (spine.parts == Part.DISC) | (spine.parts == Part.CANAL)
    index = np.stack(_places(spine.grid.index_from_lps @ grid.lps_from_index, grid.shape_kji), axis=-1)
    at = np.rint(index).astype(np.int64).reshape(-1, 3)
    inside = np.all((at >= 0) & (at < np.array(solid.shape)), axis=1)
    out = np.zeros(len(at), dtype=np.bool_)
    out[inside] = solid[tuple(at[inside].T)]
    return out.reshape(grid.shape_kji)


def _places(matrix: Matrix4, shape: tuple[int, int, int]) -> tuple[FloatArray, ...]:
    """Return the three coordinates, each (k, j, i), to which an affine takes the indices of an array."""
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return tuple(row[0] * k + row[1] * j + row[2] * i + row[3] for row in matrix[:3])


def _scores(around: _Around, progress: Progress) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Return for each cell as the middle of a lumen: how well that is seen, 0 to 1, its radius, mm, and its HU."""
    hu = np.clip(around.hu, -200.0, 600.0)
    best: Float32Array = np.zeros(hu.shape, dtype=np.float32)
    radii, blood = np.zeros_like(best), np.zeros_like(best)
    parts = np.stack([around.free, around.free * hu, around.free * hu * hu])
    for radius in _RADII_MM:
        progress.check()
        disc, ring = _disc(around.grid, 0.0, radius), _disc(around.grid, radius + _RIM_MM[0], radius + _RIM_MM[1])
        n, total, square = _sums(parts, disc)
        m, rim, _ = _sums(parts, ring)
        mean, beyond = total / np.maximum(n, 1.0), rim / np.maximum(m, 1.0)
        spread = np.sqrt(np.maximum(square / np.maximum(n, 1.0) - mean * mean, 0.0))
        score = np.clip((mean - beyond) / _CLEAR_HU, 0.0, 1.0) * np.clip(1.0 - spread / _EVEN_HU, 0.0, 1.0)
        gap = np.maximum(around.away_mm - radius, 0.0)
        score = score * around.lateral * np.exp(-0.5 * (gap / _NEAR_MM) ** 2)
        fits = (n > 0.85 * disc.sum()) & (m > 0.4 * ring.sum()) & (mean > BLOOD_HU[0]) & (mean < BLOOD_HU[1])
        better = fits & (score > best)
        best[better], radii[better], blood[better] = score[better], radius, mean[better]
    return best, radii, blood


def _disc(grid: Grid, least_mm: float, most_mm: float) -> Float32Array:
    _, dj, di = (float(v) for v in grid.spacing_kji_mm)
    rows, columns = int(most_mm / dj), int(most_mm / di)
    away = np.hypot(np.arange(-rows, rows + 1)[:, None] * dj, np.arange(-columns, columns + 1) * di)
    return np.asarray((away >= least_mm) & (away <= most_mm), dtype=np.float32)


def _sums(parts: Float32Array, kernel: Float32Array) -> Float32Array:
    return np.asarray(signal.fftconvolve(parts, kernel[None, None], mode="same", axes=(2, 3)), dtype=np.float32)


def _path(scores: Float32Array, around: _Around) -> IndexArray:
    """Return (k, 3) the best path through all sections, as cells (dynamic programming)."""
    dz, dj, di = (float(v) for v in around.grid.spacing_kji_mm)
    reach = [max(round(_STEEPEST * dz / step), 1) for step in (dj, di)]
    rows, columns = np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1)
    cost = _STEP_COST * ((rows[:, None] * dj) ** 2 + (columns * di) ** 2) / dz
    sums = [scores[0].astype(np.float64)]
    for section in scores[1:]:
        # The stubs know only masks for a structure.
        before = ndimage.grey_dilation(sums[-1], structure=-cost, mode="nearest")  # type: ignore[call-overload]
        sums.append(section + before)
    at = np.array(np.unravel_index(int(sums[-1].argmax()), sums[-1].shape))
    path = [at]
    for one in reversed(sums[:-1]):
        low = np.maximum(at - reach, 0)
        high = np.minimum(at + reach + 1, one.shape)
        off = low - (at - reach)
        part = cost[off[0] : off[0] + high[0] - low[0], off[1] : off[1] + high[1] - low[1]]
        near = one[low[0] : high[0], low[1] : high[1]] - part
        at = low + np.array(np.unravel_index(int(near.argmax()), near.shape))
        path.append(at)
    return np.column_stack([np.arange(len(scores)), np.array(path[::-1])])


def _longest(scores: Float32Array, dz: float) -> slice | None:
    """Return the longest stretch in which the aorta is seen; a single section may fail. None: it is too short."""
    parts, count = ndimage.label(ndimage.median_filter(scores, 3, mode="nearest") > _SEEN)
    if not count:
        return None
    at = np.flatnonzero(parts == 1 + int(np.argmax(np.bincount(parts)[1:])))
    return slice(int(at[0]), int(at[-1]) + 1) if len(at) * dz >= _LEAST_LONG_MM else None


def _tube(around: _Around, path: IndexArray, rough: FloatArray, hu: float) -> Aorta:
    """Return the tube along a path: in each section the middle and the area of what is bright about it."""
    _, dj, di = (float(v) for v in around.grid.spacing_kji_mm)
    rough = ndimage.median_filter(rough, 5, mode="nearest")
    centres, radii = [], []
    for (k, j, i), radius in zip(path, rough, strict=True):
        reach = radius + _RIM_MM[1]
        rows, columns = int(reach / dj), int(reach / di)
        box = (slice(max(j - rows, 0), j + rows + 1), slice(max(i - columns, 0), i + columns + 1))
        lumen = _lumen(around.hu[k][box], around.free[k][box] > 0, (j - box[0].start, i - box[1].start), hu)
        if lumen.any():
            radius = min(float(np.sqrt(np.count_nonzero(lumen) * dj * di / np.pi)), radius + _RIM_MM[1] - 1.0)
            j, i = (float(v.mean()) + b.start for v, b in zip(np.nonzero(lumen), box, strict=True))
        centres.append((float(k), float(j), float(i)))
        radii.append(radius)
    smooth = ndimage.gaussian_filter1d(np.array(centres), 1.0, axis=0, mode="nearest")
    widths = ndimage.gaussian_filter1d(ndimage.median_filter(np.array(radii), 3, mode="nearest"), 1.0, mode="nearest")
    return Aorta(around.grid.lps_of(smooth), np.asarray(widths), hu)


def _lumen(hu: Float32Array, free: MaskArray, middle: tuple[int, int], blood_hu: float) -> MaskArray:
    """Return what is connected with the middle and nearer to blood than to what lies around it, in one section."""
    around = float(np.percentile(hu[free], 10.0)) if free.any() else _FAT_HU
    dark = min(max(around, _FAT_HU), blood_hu - _CLEAR_HU / 2.0)  # half-way to lung would lie outside the wall
    parts, _ = ndimage.label(free & (hu > (blood_hu + dark) / 2.0))
    return np.asarray((parts == parts[middle]) & (parts > 0))
