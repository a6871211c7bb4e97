"""A spine whose vertebrae were segmented elsewhere, joined to the canal and the pedicles found in the CT."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.model import Endplate, Part, Spine, Vertebra
from cvt_planner.anatomy.structure_names import order_of
from cvt_planner.base.arrays import LabelArray, MaskArray, Points, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.segmentation import Segment

_SAME_SHARE = 0.5  # of a vertebra's voxels that must agree before its pedicles are taken to be those found
_LEAST_ML = 0.5  # smaller pieces are no vertebra
_CANAL_HALF_MM = 8.0  # a voxel farther in front of the canal's middle than this is body; assumed
_CORE = 0.4  # of the body's width and depth: endplates are read there, away from the rims
NO_CANAL = (
    "No spinal canal was found in the CT and {source} marks none, so front and back of the vertebrae are not known. "
    "Import a segmentation that holds the canal or cord as well."
)
CUT_OFF = "Not wholly in the CT: its measures are not to be used."


@dataclass(frozen=True, eq=False)
class NamedVertebra:
    """One vertebra of a segmentation, with the level its maker gave it."""

    level: str
    segment: Segment


def spine_from_segments(
    found: Spine, grid: Grid, vertebrae: Sequence[NamedVertebra], canal: Segment | None, source: str
) -> tuple[Spine, dict[int, str]]:
    """Return the spine with the imported vertebrae, and the level its maker gave to each number.

    Parameters
    ----------
    found
        What was found in the CT by itself: its canal and, where a vertebra agrees, its pedicles, foramina and parts.
    grid
        Of the whole CT.
    canal
        The imported canal or cord; it replaces the canal's middle line, not its wall.
    source
        For messages.

    Raises
    ------
    InputRefused
        If there is no vertebra, two have one name, or their order along the body is not that of their names.

    Notes
    -----
    Sizes are extents of the imported body along the vertebra's own axes. An imported shape is as coarse as its maker's
    voxels.
    """
    line = _canal_line(found, canal, source)
    ordered = _ordered(vertebrae, line, source)
    box = _union(found, grid, [v.segment for v in ordered] + ([canal] if canal else []))
    numbers = np.zeros(box.shape_kji, dtype=np.uint8)
    parts = np.zeros(box.shape_kji, dtype=np.uint8)
    start = np.rint(grid.index_of(box.lps_of(np.zeros(3)))).astype(int)
    at = np.rint(grid.index_of(found.grid.lps_of(np.zeros(3)))).astype(int) - start
    old = tuple(slice(int(a), int(a) + n) for a, n in zip(at, found.grid.shape_kji, strict=True))
    if found.found:
        kept = np.isin(found.parts, (Part.CANAL, Part.DISC))
        parts[old][kept] = found.parts[kept]
    made = []
    for number, vertebra in enumerate(ordered, 1):
        segment = vertebra.segment
        place = tuple(
            slice(int(a - s), int(a - s) + n)
            for a, s, n in zip(segment.start_kji, start, segment.mask.shape, strict=True)
        )
        numbers[place][segment.mask] = number
        twin = _twin(found, segment, start, at, box)
        parts[place][segment.mask] = _parts_of(segment, line, found, twin, place, old)
        made.append(_measured(number, vertebra, parts[place], line, grid, twin))
    spine = Spine(
        box, numbers, parts, line, tuple(made), found.content_hash, (f"Vertebrae from {source}: look at them.",)
    )
    return spine, {number: vertebra.level for number, vertebra in enumerate(ordered, 1)}


def _canal_line(found: Spine, canal: Segment | None, source: str) -> Points:
    if canal is None:
        if len(found.canal_lps_mm) < 2:
            raise InputRefused(NO_CANAL.format(source=source))
        return found.canal_lps_mm
    rows = [np.concatenate([[k], np.argwhere(plane).mean(axis=0)]) for k, plane in enumerate(canal.mask) if plane.any()]
    if len(rows) < 2:
        raise InputRefused(NO_CANAL.format(source=source))
    return canal.grid.lps_of(np.array(rows))


def _ordered(vertebrae: Sequence[NamedVertebra], line: Points, source: str) -> list[NamedVertebra]:
    """Return the vertebrae from head to feet, as they lie along the canal."""
    large = [v for v in vertebrae if v.segment.volume_ml >= _LEAST_ML]
    if not large:
        raise InputRefused(f"{source} marks no vertebra of {_LEAST_ML:g} mL or more. Choose another segmentation.")
    along = [_nearest(line, _centre(v.segment)) for v in large]
    ordered = [large[n] for n in np.argsort(along)[::-1]]
    levels = [v.level for v in ordered]
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise InputRefused(f"{source} names two structures {twice}. Leave one of them out.")
    for upper, lower in itertools.pairwise(levels):
        if order_of(upper) > order_of(lower):
            raise InputRefused(
                f"{source} has {upper} above {lower}: its numbering is another one than chosen, or the file is turned "
                "upside down. Choose another numbering, or do not use it."
            )
    return ordered


def _centre(segment: Segment) -> Points:
    return np.asarray(segment.grid.lps_of(np.argwhere(segment.mask).astype(np.float64)).mean(axis=0))


def _nearest(line: Points, point: Points) -> int:
    return int(np.argmin(np.linalg.norm(line - point, axis=1)))


def _union(found: Spine, grid: Grid, segments: Sequence[Segment]) -> Grid:
    low = np.min([s.start_kji for s in segments], axis=0)
    high = np.max([np.add(s.start_kji, s.mask.shape) for s in segments], axis=0)
    if found.found:
        start = np.rint(grid.index_of(found.grid.lps_of(np.zeros(3)))).astype(int)
        low, high = np.minimum(low, start), np.maximum(high, start + found.grid.shape_kji)
    k, j, i = (int(v) for v in high - low)
    return grid.crop((int(low[0]), int(low[1]), int(low[2])), (k, j, i))


def _twin(found: Spine, segment: Segment, start: Points, at: Points, box: Grid) -> Vertebra | None:
    """Return the vertebra found in the CT that is the same as an imported one; None where none is."""
    if not found.found:
        return None
    voxels = np.argwhere(segment.mask) + np.array(segment.start_kji) - start - at
    inside = np.all((voxels >= 0) & (voxels < np.array(found.grid.shape_kji)), axis=1)
    k, j, i = voxels[inside].T
    counts = np.bincount(found.vertebrae[k, j, i], minlength=len(found.found) + 1)
    counts[0] = 0
    best = int(np.argmax(counts))
    return found.found[best - 1] if counts[best] >= _SAME_SHARE * len(voxels) else None


def _parts_of(
    segment: Segment,
    line: Points,
    found: Spine,
    twin: Vertebra | None,
    place: tuple[slice, ...],
    old: tuple[slice, ...],
) -> LabelArray:
    """Return (n,) the part of each of a vertebra's voxels: as found in the CT where both agree, else by its place."""
    places = segment.grid.lps_of(np.argwhere(segment.mask).astype(np.float64))
    n = _nearest(line, places.mean(axis=0))
    _, back, _ = _axes(line, n)
    ahead = -(places - line[n]) @ back
    out = np.where(ahead > _CANAL_HALF_MM, Part.BODY, Part.POSTERIOR).astype(np.uint8)
    if twin is None:
        return out
    theirs = np.zeros(segment.mask.shape, dtype=np.uint8)
    voxels = np.argwhere(segment.mask)
    index = voxels + [p.start for p in place] - np.array([o.start for o in old])
    inside = np.all((index >= 0) & (index < np.array(found.grid.shape_kji)), axis=1)
    k, j, i = index[inside].T
    theirs[tuple(voxels[inside].T)] = np.where(found.vertebrae[k, j, i] == twin.number, found.parts[k, j, i], 0)
    # What was not found in the CT belongs to the part next to it.
    nearest = ndimage.distance_transform_edt(
        theirs == 0, sampling=segment.grid.spacing_kji_mm, return_distances=False, return_indices=True
    )
    return np.asarray(theirs[tuple(nearest)][segment.mask])


def _axes(line: Points, n: int) -> tuple[Points, Points, Points]:
    """Return up, back and left at a place of the canal, from its course."""
    a, b = max(n - 10, 0), min(n + 10, len(line) - 1)
    up = line[b] - line[a]
    up = up / np.linalg.norm(up)
    back = np.array([0.0, 1.0, 0.0])
    back = back - (back @ up) * up
    back /= np.linalg.norm(back)
    return up, back, np.cross(back, up)


def _measured(
    number: int, vertebra: NamedVertebra, parts: LabelArray, line: Points, grid: Grid, twin: Vertebra | None
) -> Vertebra:
    segment = vertebra.segment
    body: MaskArray = segment.mask & (parts == Part.BODY)
    if not body.any():
        body = segment.mask
    places = segment.grid.lps_of(np.argwhere(body).astype(np.float64))
    centre = places.mean(axis=0)
    if twin is not None:
        up, back, left = (np.array(axis) for axis in (twin.up, twin.back, twin.left))
    else:
        up, back, left = _axes(line, _nearest(line, centre))
    local = (places - centre) @ np.stack([left, back, up], axis=1)
    half = float(np.max(segment.grid.spacing_kji_mm)) / 2.0
    low, high = np.percentile(local, 1.0, axis=0) - half, np.percentile(local, 99.0, axis=0) + half
    size = high - low
    core = local[np.all(np.abs(local[:, :2]) < _CORE / 2.0 * size[:2], axis=1), 2]
    bottom, top = (core.min() - half, core.max() + half) if len(core) else (low[2], high[2])
    complete = _is_inside(segment, grid)
    return Vertebra(
        number=number,
        centre_lps_mm=vec3(centre),
        left=vec3(left),
        back=vec3(back),
        up=vec3(up),
        upper=Endplate(vec3(centre + top * up), vec3(up)),
        lower=Endplate(vec3(centre + bottom * up), vec3(up)),
        width_mm=float(size[0]),
        depth_mm=float(size[1]),
        height_mm=float(top - bottom),
        pedicles=twin.pedicles if twin else (),
        foramina=twin.foramina if twin else (),
        complete=complete,
        confidence=1.0 if complete else 0.4,
        doubts=() if complete else (CUT_OFF,),
    )


def _is_inside(segment: Segment, grid: Grid) -> bool:
    """Return whether a vertebra ends before the first and last slice of the CT."""
    return segment.start_kji[0] > 0 and segment.start_kji[0] + segment.mask.shape[0] < grid.shape_kji[0]
