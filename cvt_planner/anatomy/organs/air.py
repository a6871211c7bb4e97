"""What of the air within the body is lung, right and left, and what is airway or bowel gas."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.organs.body import Body
from cvt_planner.anatomy.organs.model import Organ
from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray, MaskArray

# All figures here are assumed; they were set on real CTs of 1 to 5 mm and on phantoms.
AIR_HU = -400.0  # half-way between lung with its vessels and tissue
_GAS_HU = -950.0  # the mean of a cell of gas lies below, of lung tissue above; emphysema comes near
_ROOM_HU = -850.0
_DARK_LUNG_HU = -940.0  # of the darkest tenth of a piece of lung: small pieces of gas are dense only at their rims
_LEAST_LUNG_ML, _SURELY_LUNG_ML = 4.0, 300.0  # bowel gas so large is mostly no rim
_LEAST_GAS_ML = 0.15  # less is noise, or a cell at a rim
_AIRWAY_CM2 = 8.0  # a section of the trachea or of both main bronchi has less, bullae and emphysema more
_AIRWAY_LONG_MM = 20.0
_AIRWAY_ML = 1.0
_BONE_HU = 200.0
_CROSSES = 0.15  # of a lung's cells beyond the middle: then it is both lungs, grown together on coarse cells
_MOST_ERODED = 5  # cells


def air_labels(body: Body) -> LabelArray:
    """Return (k, j, i) uint8 `Organ` of each of the body's cells.

    Notes
    -----
    A piece of air is lung where the cells within it are denser than gas. Lungs that touch before heart or aorta are
    parted where they are thinnest. Air between an arm and the trunk, or in a fold of skin, is no air of the body where
    it opens to the room within the CT. Not modelled: a lung full of fluid or collapsed (it is tissue here), severe
    emphysema and a pneumothorax (they are air here), lung cut open by the edge of the field that is as thin as air.
    """
    labels = np.where(body.mask, np.uint8(Organ.TISSUE), np.uint8(0))
    air = body.mask & body.seen & (body.mean_hu < AIR_HU) & ~_room(body)
    cell_ml = body.grid.voxel_volume_mm3 / 1000.0
    parts, count = ndimage.label(air)
    if count == 0:
        return labels
    lung = _lung(body, air, parts, cell_ml)
    gas = air & ~lung
    pieces, _ = ndimage.label(gas)
    labels[(np.bincount(pieces.ravel()) * cell_ml >= _LEAST_GAS_ML)[pieces] & gas] = Organ.AIR
    _part_sides(labels, lung, body)
    return labels


def _room(body: Body) -> MaskArray:
    """Return the air that is in one piece with that around the patient."""
    thin = body.seen & (body.mean_hu < _ROOM_HU)
    parts, count = ndimage.label(thin)
    outside = np.zeros(count + 1, dtype=np.bool_)
    outside[np.unique(parts[thin & ~body.mask])] = True
    outside[0] = False
    return np.asarray(outside[parts])


def _lung(body: Body, air: MaskArray, parts: NDArray[Any], cell_ml: float) -> MaskArray:
    """Return which cells of the pieces of air are lung, without the airways in them."""
    within = ndimage.binary_erosion(air, border_value=1)
    thin = body.mean_hu < _GAS_HU
    sizes_ml = np.bincount(parts.ravel()) * cell_ml
    lung = np.zeros(air.shape, dtype=np.bool_)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        if sizes_ml[number] < _LEAST_LUNG_ML:
            continue
        one = parts[box] == number
        inside = one & within[box]
        mostly_dense = np.count_nonzero(inside & thin[box]) < 0.5 * np.count_nonzero(inside)
        if mostly_dense and (sizes_ml[number] >= _SURELY_LUNG_ML or _darkest(body.mean_hu[box][one]) > _DARK_LUNG_HU):
            lung[box] |= one
    return lung & ~_airways(body, lung & thin, lung, cell_ml)


def _darkest(hu: Float32Array) -> float:
    return float(np.percentile(hu, 10.0))


def _airways(body: Body, thin: MaskArray, lung: MaskArray, cell_ml: float) -> MaskArray:
    """Return the trachea and main bronchi that are in one piece with a lung: gas in a narrow, long piece."""
    spacing = body.grid.spacing_kji_mm
    cross = ndimage.generate_binary_structure(2, 1)[None]
    core = ndimage.binary_opening(thin, cross)
    parts, count = ndimage.label(core)
    found = np.zeros(core.shape, dtype=np.bool_)
    area_cm2 = float(spacing[1] * spacing[2]) / 100.0
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        one = parts[box] == number
        sections = one.sum(axis=(1, 2)) * area_cm2
        cut_off = box[0].stop == len(core)
        tall = cut_off or one.shape[0] * float(spacing[0]) >= _AIRWAY_LONG_MM
        if tall and sections.max() <= _AIRWAY_CM2 and one.sum() * cell_ml >= _AIRWAY_ML:
            found[box] |= one
    return np.asarray(ndimage.binary_dilation(found, cross) & lung) if count else found


def _part_sides(labels: LabelArray, lung: MaskArray, body: Body) -> None:
    """Write right and left lung: each piece by its side of the spine; one that crosses it is parted first."""
    middle = _middle(body)
    left = np.broadcast_to(_lefts_mm(body) > middle[:, None, None], lung.shape)
    parts, _ = ndimage.label(lung)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        one = parts[box] == number
        beyond = float(left[box][one].mean())
        both = _CROSSES < beyond < 1.0 - _CROSSES
        here = _parted(one, left[box]) if both else np.full(one.shape, beyond >= 0.5)
        labels[box][one & here] = Organ.LEFT_LUNG
        labels[box][one & ~here] = Organ.RIGHT_LUNG


def _parted(lungs: MaskArray, left: MaskArray) -> MaskArray:
    """Return which cells belong to the left of two lungs that touch: to the nearer core, once thinning parts them."""
    core = lungs
    for _ in range(_MOST_ERODED):
        core = ndimage.binary_erosion(core, border_value=1)
        parts, count = ndimage.label(core)
        if count < 2:
            continue
        sizes = np.bincount(parts.ravel())[1:]
        first, second = (int(n) + 1 for n in np.argsort(-sizes)[:2])
        if sizes[second - 1] < 0.2 * sizes.sum():
            continue
        sides = [float(left[parts == n].mean()) for n in (first, second)]
        if min(sides) < 0.5 < max(sides):
            cores = np.isin(parts, (first, second))
            nearest = ndimage.distance_transform_edt(~cores, return_distances=False, return_indices=True)
            on_left = first if sides[0] > sides[1] else second
            return np.asarray(parts[tuple(nearest)] == on_left)
    return left


def _lefts_mm(body: Body) -> FloatArray:
    """Return (1, 1, i) how far to the patient's left the columns lie, as if the axes were straight, mm."""
    grid = body.grid
    i = np.arange(grid.shape_kji[2])
    return np.asarray(grid.lps_from_index[0, 2] * i + grid.lps_from_index[0, 3])[None, None, :]


def _middle(body: Body) -> FloatArray:
    """Return (k,) the x of the patient's middle in each section, mm: that of the bone in the back half of the body.

    A field cut to one side shows no middle of the body, but it shows the spine.
    """
    x = _lefts_mm(body)[0, 0]
    rows = np.flatnonzero(body.mask.any(axis=(0, 2)))
    back = slice(int(rows.mean()), None) if len(rows) else slice(None)
    bone = ((body.mean_hu > _BONE_HU) & body.mask)[:, back].sum(axis=1).astype(np.float64)
    bone = np.asarray(ndimage.uniform_filter1d(bone, 15, axis=0, mode="nearest"))
    if not bone.any():
        tissue = body.mask.sum(axis=(0, 1))
        return np.full(len(bone), float(np.average(x, weights=tissue)) if tissue.any() else 0.0)
    share = np.cumsum(bone.sum(axis=0)) / bone.sum()
    whole = float(x[int(np.searchsorted(share, 0.5))])
    sums = np.cumsum(bone, axis=1)
    at = (sums < 0.5 * sums[:, -1:]).sum(axis=1)
    return np.where(sums[:, -1] > 0.0, x[np.minimum(at, len(x) - 1)], whole)
