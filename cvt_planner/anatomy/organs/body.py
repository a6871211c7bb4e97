"""The patient's body in a CT, coarse: which voxels are patient, and not couch, cover or air."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.organs.blocks import PADDING_HU, block_means
from cvt_planner.base.arrays import Float32Array, MaskArray, read_only
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

BODY_HU = -300.0  # above fat's lower end, below it lung and air
_CELL_MM = 3.0  # fine enough to tell a couch from the back, coarse enough to take a fraction of a second
_OPEN_AIR_HU = -900.0  # below it the air of the room, above it lung and bowel gas with their walls; assumed
_OPENING_MM = 6.0  # sheets thinner than this (couch shells, blankets, gowns) are taken off


@dataclass(frozen=True, eq=False)
class Body:
    """The patient on cells of about 3 mm.

    Parameters
    ----------
    mask
        (k, j, i) the patient, lungs and gas filled.
    grid
        Where the cells lie.
    mean_hu
        (k, j, i) of the voxels of each cell; what was not reconstructed counts as -1024 HU.
    seen
        (k, j, i) which cells were reconstructed.
    """

    mask: MaskArray = field(repr=False)
    grid: Grid
    mean_hu: Float32Array = field(repr=False)
    seen: MaskArray = field(repr=False)


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
    means, most, grid = block_means(volume, (_CELL_MM, _CELL_MM, _CELL_MM))
    seen = most > PADDING_HU
    solid = means > BODY_HU
    spacing = grid.spacing_kji_mm
    cells = max(round(_OPENING_MM / 2.0 / float(spacing[1:].max())), 1)
    disc = _disc(cells)
    opened = ndimage.binary_opening(_widened(solid, cells), disc[None])[:, cells:-cells, cells:-cells]
    parts, count = ndimage.label(opened)
    if count == 0:
        return Body(read_only(np.zeros(grid.shape_kji, dtype=np.bool_)), grid, read_only(means), read_only(seen))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    body = parts == int(sizes.argmax())
    filled = np.stack([_filled(body[k], means[k], seen[k]) for k in range(body.shape[0])])
    return Body(read_only(filled), grid, read_only(means), read_only(seen))


def _filled(body: MaskArray, means: Float32Array, seen: MaskArray) -> MaskArray:
    """Return one section of the body with its gas: holes, and lung that the edge of the field cuts open."""
    parts, count = ndimage.label(~body & seen)
    if count == 0:
        return body
    beyond = ndimage.binary_dilation(np.pad(~seen, 1, constant_values=True))[1:-1, 1:-1]
    at_edge = set(np.unique(parts[beyond]).tolist())
    medians = np.asarray(ndimage.median(means, parts, np.arange(1, count + 1)))
    gas = [n for n in range(1, count + 1) if n not in at_edge or medians[n - 1] > _OPEN_AIR_HU]
    return np.asarray(body | np.isin(parts, gas))


def _widened(solid: MaskArray, cells: int) -> MaskArray:
    """Return the sections continued beyond their edges, so that the opening does not eat a body that the field cuts.

    What lies along an edge as a single row or column, as a couch may, is not continued: it would be thick then.
    """
    inner = solid.copy()
    inner[:, [0, -1]] &= solid[:, [min(1, solid.shape[1] - 1), max(-2, -solid.shape[1])]]
    inner[:, :, [0, -1]] &= solid[:, :, [min(1, solid.shape[2] - 1), max(-2, -solid.shape[2])]]
    wide = np.pad(inner, ((0, 0), (cells, cells), (cells, cells)), mode="edge")
    wide[:, cells:-cells, cells:-cells] = solid
    return wide


def _disc(radius: int) -> MaskArray:
    j, i = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(j * j + i * i <= (radius + 0.5) ** 2)
