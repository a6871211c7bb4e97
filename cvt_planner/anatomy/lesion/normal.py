"""How normal bone looks about a vertebra: its HU, how they vary over the size of a lesion, and towards the cortex."""

from __future__ import annotations

import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.box import bounds_in, depth_below_mm, labels_on, taken_together
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM
from cvt_planner.anatomy.spine.model import Part, Spine, Vertebra
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray
from cvt_planner.base.progress import Progress
from cvt_planner.base.remembered import Remembered
from cvt_planner.imaging.volume import Volume

COARSE_MM = 0.85  # voxels below this are taken together: what is read here is no finer
_INNER_MM = 3.5  # spongy bone lies so deep below the surface, clear of the cortex and its blur
_LOCAL_SIGMA_MM = 2.0  # a Gaussian that averages as much as a ball of 4.5 mm radius, a lesion of 0.4 mL
_CLEAR_MM = 2.5  # below this depth cortex shines into local means; assumed
_OTHERS = 2  # vertebrae above and below that normal variation is read from; assumed
_DEPTHS_MM = np.arange(0.5, 7.0, 1.0)
_ENOUGH_VOXELS, _LEAST_VOXELS = 60, 30  # of spongy bone, for a middle and a spread; assumed
_ABOUT_MM = 8.0  # about a body: what is read of the arch is its pedicles and what lies beside the canal; assumed
_AT_ONCE = 2  # vertebrae looked at side by side: most of it leaves the interpreter
_LEAST_HU = 8.0  # no scan's bone is more even than that; assumed


@dataclass(frozen=True, eq=False)
class Body:
    """A neighbour's body, cut out: HU, depth below the bone's surface, where it is clear of cortex; all (k, j, i)."""

    hu: Float32Array
    depth_mm: Float32Array
    clear: MaskArray
    spacing_kji_mm: FloatArray


@dataclass(frozen=True)
class Usual:
    """What normal bone shows of itself, as HU apart from the normal middle.

    Parameters
    ----------
    body_by_depth_hu, arch_by_depth_hu
        The median difference 0.5, 1.5 ... 6.5 mm below the surface, in bodies and behind them.
    darkest_hu, brightest_hu, patchiest_hu
        The extremes in bodies of local means (Gaussian, sigma 2 mm) of the difference, and of its size without sign,
        taken where it is `flattened`. The basivertebral vein is among them. None where no body is seen well enough.
    bodies
        What they were read from.
    """

    body_by_depth_hu: tuple[float, ...]
    arch_by_depth_hu: tuple[float, ...]
    darkest_hu: float | None = None
    brightest_hu: float | None = None
    patchiest_hu: float | None = None
    bodies: tuple[Body, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class NormalBone:
    """HU of spongy bone without lesion, denoised: its middle and its spread (robust standard deviation).

    `usual` says how the neighbours vary; None where there are none to compare with.
    """

    hu: float
    spread_hu: float
    vertebrae: int = 0  # how many it was read from; 0: from the lesion's surroundings alone
    usual: Usual | None = None


@dataclass(frozen=True, eq=False)
class _Sample:
    """A vertebra's body and what of its arch lies about it, denoised."""

    hu: Float32Array
    depth_mm: Float32Array
    bone: MaskArray
    body: MaskArray
    spacing_kji_mm: FloatArray


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one vertebra shows of itself, whatever it is held against.

    `spongy_hu` are middle and spread, None where too little lies clear of cortex. By depth: median HU, the deepest
    last; not a number where there is too little.
    """

    spongy_hu: tuple[float, float] | None
    body_by_depth_hu: FloatArray
    arch_by_depth_hu: FloatArray
    body: Body | None


_KNOWN: Remembered[NormalBone | None] = Remembered(32)
_SEEN: Remembered[_Seen] = Remembered(32)


def normal_bone(volume: Volume, spine: Spine, vertebra: Vertebra) -> NormalBone | None:
    """Return how normal bone looks in a vertebra and its neighbours; None where too little is seen.

    The middle is that of the medians of its own and the next bodies: a lesion in one of three does not shift it; the
    spread is the smallest one. How it varies is read in the others, two above and two below. The last 32 are kept with
    the CT: every click into a vertebra and every lesion's figures ask for it again.
    """
    key = (weakref.ref(spine), vertebra.number)
    return _KNOWN.get(volume, key, lambda: _normal_bone(volume, spine, vertebra))


def look_ahead(volume: Volume, spine: Spine, progress: Progress | None = None) -> None:
    """Look at every vertebra before it is asked for: it does not depend on where a click goes.

    Raises
    ------
    Cancelled
        When a stop was asked for.
    """
    step = progress or Progress()
    for n, vertebra in enumerate(spine.found):
        step.report(n / len(spine.found), "Looking at bone")
        _seen(volume, spine, vertebra)


def _normal_bone(volume: Volume, spine: Spine, vertebra: Vertebra) -> NormalBone | None:
    near = [v for v in spine.found if abs(v.number - vertebra.number) <= _OTHERS]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen = dict(zip([v.number for v in near], pool.map(partial(_seen, volume, spine), near), strict=True))
        spongy = [
            one.spongy_hu for n, one in seen.items() if abs(n - vertebra.number) <= 1 and one.spongy_hu is not None
        ]
        if not spongy:
            return None
        hu = float(np.median([middle for middle, _ in spongy]))
        others = [one for number, one in seen.items() if number != vertebra.number]
        usual = _usual(others, hu, pool)
    return NormalBone(hu, max(min(spread for _, spread in spongy), _LEAST_HU), len(spongy), usual)


def local_means(apart_hu: Float32Array, of: MaskArray, spacing_kji_mm: FloatArray) -> tuple[Float32Array, Float32Array]:
    """Return (k, j, i) the means over the size of a small lesion, of the masked voxels alone: signed, without sign."""
    sigma = _LOCAL_SIGMA_MM / spacing_kji_mm
    only = np.where(of, apart_hu, np.float32(0.0))
    weight, mean, size = (
        ndimage.gaussian_filter(v, sigma, truncate=2.5) for v in (of.astype(np.float32), only, np.abs(only))
    )
    weight = np.maximum(weight, np.float32(0.02))
    return mean / weight, size / weight


def clear_mm(spacing_kji_mm: FloatArray) -> float:
    """Return the depth from which local means are free of cortex; thick slices blur it farther."""
    return max(_CLEAR_MM, float(spacing_kji_mm.max()))


def above_normal(depth_mm: Float32Array, by_depth_hu: tuple[float, ...]) -> Float32Array:
    """Return (...) by how many HU bone so deep below the surface normally lies above the middle; not below 0."""
    above = np.interp(depth_mm, _DEPTHS_MM, np.maximum(np.array(by_depth_hu), 0.0))
    return np.asarray(above, dtype=np.float32)


def flattened(
    hu: Float32Array, depth_mm: Float32Array, normal_hu: float, by_depth_hu: tuple[float, ...]
) -> Float32Array:
    """Return (...) HU without the brightness that bone so deep below the surface normally has above the middle."""
    above = above_normal(depth_mm, by_depth_hu)
    return np.asarray(np.where(hu > normal_hu, np.maximum(hu - above, np.float32(normal_hu)), hu))


def _seen(volume: Volume, spine: Spine, vertebra: Vertebra) -> _Seen:
    """Return what a vertebra shows; kept, since its neighbours ask for it as well."""
    return _SEEN.get(volume, (weakref.ref(spine), vertebra.number), lambda: _looked_at(volume, spine, vertebra))


def _looked_at(volume: Volume, spine: Spine, vertebra: Vertebra) -> _Seen:
    sample = _sample(volume, spine, vertebra)
    inner = sample.hu[sample.body & (sample.depth_mm >= _INNER_MM)]
    if inner.size < _ENOUGH_VOXELS:  # a small body, as in the neck
        inner = sample.hu[sample.body & (sample.depth_mm >= clear_mm(sample.spacing_kji_mm))]
    spongy = None
    if inner.size >= _LEAST_VOXELS:
        middle = float(np.median(inner))
        spongy = middle, 1.4826 * float(np.median(np.abs(inner - middle)))
    arch = sample.bone & ~sample.body
    return _Seen(spongy, _by_depth(sample, sample.body), _by_depth(sample, arch), _body(sample))


def _sample(volume: Volume, spine: Spine, vertebra: Vertebra) -> _Sample:
    first, last = bounds_in(volume.grid, spine, vertebra, _ABOUT_MM, Part.BODY)
    factor = np.maximum(np.ceil(COARSE_MM / volume.grid.spacing_kji_mm - 1e-6).astype(int), 1)
    low = np.maximum(first.astype(int), 0)
    high = np.minimum(last.astype(int), np.array(volume.grid.shape_kji))
    high = low + np.maximum((high - low) // factor, 1) * factor
    hu, grid = taken_together(volume, low, high, factor)
    steps = grid.spacing_kji_mm
    hu = ndimage.gaussian_filter(hu, DENOISE_SIGMA_MM / steps, mode="nearest", truncate=3.0)
    bone = labels_on(spine, spine.vertebrae, grid) == vertebra.number
    body = bone & (labels_on(spine, spine.parts, grid) == Part.BODY)
    return _Sample(hu, depth_below_mm(bone, steps), bone, body, steps)


def _usual(seen: list[_Seen], hu: float, pool: ThreadPoolExecutor) -> Usual | None:
    """Return how several vertebrae vary; of the extremes the lower middle, so that a lesion in one does not count."""
    if not seen:
        return None
    of_bodies = np.median([_apart(one.body_by_depth_hu, hu) for one in seen], axis=0)
    of_arches = np.median([_apart(one.arch_by_depth_hu, hu) for one in seen], axis=0)
    usual = Usual(tuple(float(v) for v in of_bodies), tuple(float(v) for v in of_arches))
    bodies = tuple(one.body for one in seen if one.body is not None)
    if not bodies:
        return usual
    extremes = np.array(list(pool.map(partial(_extremes, hu=hu, usual=usual), bodies)))
    dark, bright, patchy = np.sort(extremes, axis=0)[(len(bodies) - 1) // 2]
    return replace(
        usual, darkest_hu=-float(dark), brightest_hu=float(bright), patchiest_hu=float(patchy), bodies=bodies
    )


def _body(sample: _Sample) -> Body | None:
    """Return a vertebra's body; None where too little of it is clear of cortex."""
    if not sample.body.any():
        return None
    box = bounding_box(sample.body, 0)
    depth, spacing = sample.depth_mm[box], sample.spacing_kji_mm
    clear = sample.body[box] & (depth >= clear_mm(spacing))
    if clear.sum() < _LEAST_VOXELS:
        return None
    return Body(sample.hu[box].copy(), depth.copy(), clear, spacing)


def _extremes(body: Body, hu: float, usual: Usual) -> tuple[float, float, float]:
    """Return how dark (positive), bright and patchy local means in a body become."""
    flat = flattened(body.hu, body.depth_mm, hu, usual.body_by_depth_hu)
    mean, size = local_means(flat - np.float32(hu), body.clear, body.spacing_kji_mm)
    low, high = np.percentile(mean[body.clear], (0.5, 99.5))
    return max(-float(low), _LEAST_HU), max(float(high), _LEAST_HU), float(np.percentile(size[body.clear], 99.5))


def _by_depth(sample: _Sample, part: MaskArray) -> FloatArray:
    """Return the median HU at the depths; where there is too little, that of the next below."""
    values, depths = sample.hu[part], sample.depth_mm[part]
    found = np.full(_DEPTHS_MM.shape, np.nan)
    for n in range(len(_DEPTHS_MM))[::-1]:
        there = values[np.abs(depths - _DEPTHS_MM[n]) <= 0.5]
        if there.size >= 30:
            found[n] = np.median(there)
        elif n + 1 < len(found):
            found[n] = found[n + 1]
    return found


def _apart(by_depth_hu: FloatArray, hu: float) -> FloatArray:
    """Return the difference from the middle; none where too little was seen."""
    return np.asarray(np.where(np.isnan(by_depth_hu), 0.0, by_depth_hu - hu))
