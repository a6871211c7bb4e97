"""The patient's body in a CT, coarse: which voxels are patient, and not couch, cover or air."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import Float32Array, MaskArray, read_only
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

BODY_HU = -300.0  # above fat's lower end, below it lung and air
_CELL_MM = 3.0  # fine enough to tell a couch from the back, coarse enough to take a fraction of a second
_OPEN_AIR_HU = -900.0  # below it the air of the room, above it lung and bowel gas with their walls; assumed
_OPENING_MM = 6.0  # sheets thinner than this (couch shells, blankets, gowns) are taken off


@dataclass(frozen=True, eq=False)
class Body:
    """The patient as a coarse mask (k, j, i), read-only, lungs and gas filled, with its places."""

    mask: MaskArray
    grid: Grid


_KNOWN: weakref.WeakKeyDictionary[Volume, Body] = weakref.WeakKeyDictionary()
_ONE_AT_A_TIME = threading.Lock()


def body_of(volume: Volume) -> Body:
    """Return the patient's body in a CT, computed once per volume and kept as long as the volume is.

    Notes
    -----
    Cells of about 3 mm whose mean lies above `BODY_HU`, freed of sheets thinner than 6 mm, the largest connected
    part; in each transverse section its holes are filled, and lung that the edge of the field cuts open.
    Arms that do not touch the trunk within the CT are left out.
    """
    with _ONE_AT_A_TIME:
        body = _KNOWN.get(volume)
        if body is None:
            body = _find_body(volume)
            _KNOWN[volume] = body
        return body


def _find_body(volume: Volume) -> Body:
    means, field, grid = _coarse(volume)
    solid = means > BODY_HU
    spacing = grid.spacing_kji_mm
    cells = max(round(_OPENING_MM / 2.0 / float(spacing[1:].max())), 1)
    disc = _disc(cells)[None]
    opened = np.stack(
        [ndimage.binary_opening(section, disc[0]) for section in np.pad(solid, _edge(cells), mode="edge")]
    )
    opened = opened[:, cells:-cells, cells:-cells]
    parts, count = ndimage.label(opened)
    if count == 0:
        return Body(read_only(np.zeros(grid.shape_kji, dtype=np.bool_)), grid)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    body = parts == int(sizes.argmax())
    filled = np.stack([_filled(body[k], means[k], field[k]) for k in range(body.shape[0])])
    return Body(read_only(filled), grid)


def _filled(body: MaskArray, means: Float32Array, field: MaskArray) -> MaskArray:
    """Return one section of the body with its gas: holes, and lung that the edge of the field cuts open."""
    parts, count = ndimage.label(~body & field)
    if count == 0:
        return body
    beyond = ndimage.binary_dilation(np.pad(~field, 1, constant_values=True))[1:-1, 1:-1]
    at_edge = set(np.unique(parts[beyond]).tolist())
    medians = np.asarray(ndimage.median(means, parts, np.arange(1, count + 1)))
    gas = [n for n in range(1, count + 1) if n not in at_edge or medians[n - 1] > _OPEN_AIR_HU]
    return np.asarray(body | np.isin(parts, gas))


def _edge(cells: int) -> tuple[tuple[int, int], ...]:
    """Return the padding that keeps the opening from eating the body where the field of view cuts it."""
    return ((0, 0), (cells, cells), (cells, cells))


def _disc(radius: int) -> MaskArray:
    j, i = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(j * j + i * i <= (radius + 0.5) ** 2)


def _coarse(volume: Volume) -> tuple[Float32Array, MaskArray, Grid]:
    """Return the means over blocks of voxels, (k, j, i), which blocks were reconstructed, and the blocks' grid."""
    step = np.maximum(np.round(_CELL_MM / volume.grid.spacing_kji_mm), 1).astype(int)
    step = np.minimum(step, volume.grid.shape_kji)
    slices, rows, columns = volume.grid.shape_kji
    k_step, j_step, i_step = (int(s) for s in step)
    # The last slab may be thinner: every slice lies in some cell. A cut-off row or column at the edge holds air.
    shape = (-(-slices // k_step), rows // j_step, columns // i_step)
    out = np.zeros(shape, dtype=np.float32)
    field = np.zeros(shape, dtype=np.bool_)
    for k in range(shape[0]):  # slab by slab: a clipped copy of the whole CT would cost its size again
        slab = np.maximum(volume.hu[k * k_step : (k + 1) * k_step, : shape[1] * j_step, : shape[2] * i_step], -1024)
        cells = slab.reshape(slab.shape[0], shape[1], j_step, shape[2], i_step)
        out[k] = cells.mean(axis=(0, 2, 4), dtype=np.float32)
        field[k] = cells.max(axis=(0, 2, 4)) > -1024
    affine = volume.grid.lps_from_index.copy()
    affine[:3, :3] *= step
    affine[:3, 3] = volume.grid.lps_of((step - 1) / 2.0)
    return out, field, Grid(shape, affine, volume.grid.frame_of_reference_uid)
