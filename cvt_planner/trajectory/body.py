"""The patient's body in a CT, coarse: which voxels are patient, and not couch, cover or air."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import MaskArray, read_only
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

BODY_HU = -300.0  # above fat's lower end, below it lung and air
_CELL_MM = 3.0  # fine enough to tell a couch from the back, coarse enough to take a fraction of a second
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
    part, holes of each transverse section filled. Arms that do not touch the trunk within the CT are left out.
    """
    with _ONE_AT_A_TIME:
        body = _KNOWN.get(volume)
        if body is None:
            body = _find_body(volume)
            _KNOWN[volume] = body
        return body


def _find_body(volume: Volume) -> Body:
    means, grid = _coarse(volume)
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
    filled = np.stack([ndimage.binary_fill_holes(section) for section in body])
    return Body(read_only(filled), grid)


def _edge(cells: int) -> tuple[tuple[int, int], ...]:
    """Return the padding that keeps the opening from eating the body where the field of view cuts it."""
    return ((0, 0), (cells, cells), (cells, cells))


def _disc(radius: int) -> MaskArray:
    j, i = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(j * j + i * i <= (radius + 0.5) ** 2)


def _coarse(volume: Volume) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], Grid]:
    """Return the means over blocks of voxels, (k, j, i), and the grid of the blocks."""
    step = np.maximum(np.round(_CELL_MM / volume.grid.spacing_kji_mm), 1).astype(int)
    step = np.minimum(step, volume.grid.shape_kji)
    count = np.array(volume.grid.shape_kji) // step
    out = np.zeros(tuple(int(n) for n in count), dtype=np.float32)
    k_step, j_step, i_step = (int(s) for s in step)
    hu = volume.hu[: count[0] * k_step, : count[1] * j_step, : count[2] * i_step]
    for k in range(int(count[0])):  # slab by slab: a clipped copy of the whole CT would cost its size again
        slab = np.maximum(hu[k * k_step : (k + 1) * k_step], -1024)
        out[k] = slab.reshape(k_step, count[1], j_step, count[2], i_step).mean(axis=(0, 2, 4), dtype=np.float32)
    affine = volume.grid.lps_from_index.copy()
    affine[:3, :3] *= step
    affine[:3, 3] = volume.grid.lps_of((step - 1) / 2.0)
    return out, Grid(tuple(int(n) for n in count), affine, volume.grid.frame_of_reference_uid)  # type: ignore[arg-type]
