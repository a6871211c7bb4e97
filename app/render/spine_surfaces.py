"""The surfaces of a found spine for the 3-D scene: one per vertebra and the canal's tube, made beside the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.surface import Surface, surface_of

SPACING_MM = 1.6  # of the voxels that surfaces are made from: half the triangles of 1.25 mm; assumed to be fine enough
ROUGH_MM = 4.0  # while something is dragged in another view: a sixth of the triangles, drawn in a third of the time
_PICK_STEP_MM = 0.4
_Box = tuple[slice, ...]


class Detail(NamedTuple):
    """A surface to look at, and a rough one for while the hand moves."""

    fine: Surface
    rough: Surface


@dataclass(frozen=True, eq=False)
class SpineSurfaces:
    """Surfaces by vertebra number, and the canal's."""

    spine: Spine = field(repr=False)
    vertebrae: dict[int, Detail] = field(repr=False)
    boxes: Sequence[_Box | None] = field(repr=False)
    canal: Detail | None = field(repr=False)


def make_surfaces(spine: Spine, before: SpineSurfaces | None, progress: Progress) -> SpineSurfaces:
    """Return the surfaces of a spine; runs on any thread.

    Those of vertebrae whose voxels are as `before` are taken from there: after a brush stroke one or two are new.
    """
    boxes = find_objects(spine.vertebrae)
    made: dict[int, Detail] = {}
    for vertebra in spine.found:
        progress.report(vertebra.number / (len(spine.found) + 1), "Surfaces of the vertebrae")
        box = boxes[vertebra.number - 1] if vertebra.number <= len(boxes) else None
        if box is None:
            continue
        surface = _kept(before, spine, vertebra.number, box)
        if surface is None:
            surface = _surface(spine.vertebrae[box] == vertebra.number, spine, box)
        if surface is not None:
            made[vertebra.number] = surface
    mask = spine.parts == Part.CANAL
    found = find_objects(mask.view(np.uint8))
    canal = _surface(mask[found[0]], spine, found[0]) if found and found[0] is not None else None
    return SpineSurfaces(spine, made, boxes, canal)


def vertebra_on_ray(spine: Spine, start: Vec3, direction: Vec3, length_mm: float) -> tuple[int, Vec3] | None:
    """Return the number of the first vertebra that a ray meets and the LPS point where; None: it meets none."""
    along = np.arange(0.0, length_mm, _PICK_STEP_MM)
    places = np.array(start) + along[:, None] * np.array(direction)
    index = np.rint(spine.grid.index_of(places)).astype(int)
    inside = np.all((index >= 0) & (index < np.array(spine.grid.shape_kji)), axis=1)
    numbers = np.zeros(len(along), dtype=np.uint8)
    numbers[inside] = spine.vertebrae[tuple(index[inside].T)]
    met = np.flatnonzero(numbers)
    if not len(met):
        return None
    x, y, z = (float(value) for value in places[met[0]])
    return int(numbers[met[0]]), (x, y, z)


def _kept(before: SpineSurfaces | None, spine: Spine, number: int, box: _Box) -> Detail | None:
    """Return the surface made before where the vertebra has the very same voxels."""
    if before is None or spine.grid is not before.spine.grid or number > len(before.boxes):
        return None
    if before.boxes[number - 1] != box:
        return None
    one, two = (found.vertebrae[box] == number for found in (spine, before.spine))
    return before.vertebrae.get(number) if np.array_equal(one, two) else None


def _surface(mask: NDArray[np.bool_], spine: Spine, box: _Box) -> Detail | None:
    start = (int(box[0].start), int(box[1].start), int(box[2].start))
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    grid = spine.grid.crop(start, shape)
    fine = surface_of(mask, grid, SPACING_MM)
    if fine is None:
        return None
    rough = surface_of(mask, grid, ROUGH_MM)
    return Detail(fine, fine if rough is None else rough)
