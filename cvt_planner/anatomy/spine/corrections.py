"""What the operator corrected of a found spine, as small values, and the spine with them applied.

They name places and not numbers, so that they still hold when the search numbers the vertebrae in another way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cvt_planner.anatomy.spine.correction_kernels import paint_piece, set_boundary
from cvt_planner.anatomy.spine.model import Endplate, Part, Pedicle, Spine, Vertebra
from cvt_planner.base.arrays import LabelArray, Vec3, vec3
from cvt_planner.base.errors import InputRefused

IndexArray = NDArray[np.int64]

NEAR_MM = 15.0  # a correction belongs to the boundary or vertebra so near to the place it names; assumed
THINNEST_DISC_MM = 1.0
TOUCHED_MM = 8.0  # a pedicle so near to what was painted is not judged any more; half a pedicle's height, assumed
BRUSH_MM = (0.5, 20.0)  # smallest and largest radius
SET_BY_HAND = "Its {} boundary was set by hand."
PAINTED = "It was corrected by hand after it was measured."


SeedKind = Literal["canal", "disc", "no disc"]


@dataclass(frozen=True)
class Seed:
    """What the operator says of a place: the canal runs here (the search starts from it), a disc is or is not here."""

    kind: SeedKind
    lps_mm: Vec3


@dataclass(frozen=True)
class BoundaryMove:
    """The boundary between two bodies, set to another plane.

    `found_lps_mm` is the middle of the boundary as it was found, by which it is known; `centre_lps_mm` and the unit
    `normal` (towards the head) are those of the plane in the middle of the disc.
    """

    found_lps_mm: Vec3
    centre_lps_mm: Vec3
    normal: Vec3


@dataclass(frozen=True)
class Stroke:
    """One stroke of a round brush.

    `structure` is what is painted: a vertebra (the one whose middle lies nearest to `vertebra_lps_mm`), the canal, or
    nothing (an eraser). The stroke runs along `points_lps_mm`.
    """

    structure: Literal["vertebra", "canal", "nothing"]
    points_lps_mm: tuple[Vec3, ...]
    radius_mm: float
    vertebra_lps_mm: Vec3 | None = None

    def __post_init__(self) -> None:
        if not BRUSH_MM[0] <= self.radius_mm <= BRUSH_MM[1]:
            raise InputRefused(f"A brush's radius is between {BRUSH_MM[0]:g} and {BRUSH_MM[1]:g} mm.")
        if not self.points_lps_mm or (self.structure == "vertebra") != (self.vertebra_lps_mm is not None):
            raise InputRefused("A stroke needs a point, and a vertebra's stroke the vertebra. Paint it again.")


@dataclass(frozen=True)
class AnatomyEdits:
    """All corrections of one plan, in the order they were made."""

    seeds: tuple[Seed, ...] = ()
    boundaries: tuple[BoundaryMove, ...] = ()  # at most one for each boundary
    strokes: tuple[Stroke, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.seeds or self.boundaries or self.strokes)

    def with_seed(self, seed: Seed) -> AnatomyEdits:
        """Return these and one more seed."""
        return replace(self, seeds=(*self.seeds, seed))

    def with_boundary(self, move: BoundaryMove) -> AnatomyEdits:
        """Return these with a boundary set; what was set before for the same boundary is dropped."""
        others = tuple(m for m in self.boundaries if m.found_lps_mm != move.found_lps_mm)
        return replace(self, boundaries=(*others, move))

    def with_stroke(self, stroke: Stroke) -> AnatomyEdits:
        """Return these and one more stroke."""
        return replace(self, strokes=(*self.strokes, stroke))


NO_EDITS = AnatomyEdits()


@dataclass(frozen=True)
class Boundary:
    """Where two neighbouring bodies meet: the plane in the middle of the disc.

    `upper` is the number of the vertebra above it; `thickness_mm` is the disc's at the middle of the endplates.
    """

    upper: int
    centre_lps_mm: Vec3
    normal: Vec3
    thickness_mm: float


def boundaries(spine: Spine) -> tuple[Boundary, ...]:
    """Return the boundaries between the bodies of a spine, from head to feet."""
    found = []
    for above, below in zip(spine.found, spine.found[1:], strict=False):
        low, high = np.array(above.lower.centre_lps_mm), np.array(below.upper.centre_lps_mm)
        normal = np.array(above.lower.normal) + np.array(below.upper.normal)
        normal /= np.linalg.norm(normal)
        thickness = max(float((low - high) @ normal), THINNEST_DISC_MM)
        found.append(Boundary(above.number, vec3((low + high) / 2.0), vec3(normal), thickness))
    return tuple(found)


def corrected(spine: Spine, edits: AnatomyEdits) -> Spine:
    """Return the spine as found, with boundaries and strokes applied; that very spine where there are none.

    Seeds are not applied here: the search must run again for the canal, and `parting.parted` parts and joins vertebrae.
    A correction whose vertebra or boundary is no longer found within `NEAR_MM` is left out and named in the notices. A
    set boundary divides bodies and disc only; posterior parts are corrected with the brush. Measures of pedicles near a
    stroke are not judged any more.
    """
    if not edits.boundaries and not edits.strokes:
        return spine
    vertebrae, parts = spine.vertebrae.copy(), spine.parts.copy()
    found = list(spine.found)
    lost = 0
    known = boundaries(spine)
    for move in edits.boundaries:
        at = min(known, key=lambda b: math.dist(b.centre_lps_mm, move.found_lps_mm), default=None)
        if at is None or math.dist(at.centre_lps_mm, move.found_lps_mm) > NEAR_MM:
            lost += 1
            continue
        _set(spine, vertebrae, parts, found, at, move)
    for stroke in edits.strokes:
        lost += not _paint(spine, vertebrae, parts, found, stroke)
    notices = spine.notices
    if lost:
        words = "1 correction belongs" if lost == 1 else f"{lost} corrections belong"
        notices = (*notices, f"{words} to a place where no vertebra is found now and could not be applied.")
    return replace(spine, vertebrae=vertebrae, parts=parts, found=tuple(found), notices=notices)


def _set(
    spine: Spine, vertebrae: LabelArray, parts: LabelArray, found: list[Vertebra], at: Boundary, move: BoundaryMove
) -> None:
    above, below = found[at.upper - 1], found[at.upper]
    half = at.thickness_mm / 2.0
    centre, normal = np.array(move.centre_lps_mm), np.array(move.normal)
    reach = 0.7 * max(above.width_mm, above.depth_mm, below.width_mm, below.depth_mm)
    set_boundary(
        vertebrae, parts, spine.grid.lps_from_index, *_box(spine, (at.centre_lps_mm, move.centre_lps_mm), reach + 5.0),
        np.array([at.upper, at.upper + 1]), np.array([at.centre_lps_mm, at.normal, centre, normal]), half,
    )  # fmt: skip
    lower = Endplate(vec3(centre + half * normal), move.normal)
    upper = Endplate(vec3(centre - half * normal), move.normal)
    found[at.upper - 1] = _between(above, above.upper, lower, "lower")
    found[at.upper] = _between(below, upper, below.lower, "upper")


def _between(vertebra: Vertebra, upper: Endplate, lower: Endplate, which: str) -> Vertebra:
    top, bottom = np.array(upper.centre_lps_mm), np.array(lower.centre_lps_mm)
    return replace(
        vertebra,
        upper=upper,
        lower=lower,
        centre_lps_mm=vec3((top + bottom) / 2.0),
        height_mm=float(np.linalg.norm(top - bottom)),
        doubts=(*vertebra.doubts, SET_BY_HAND.format(which)),
    )


def _paint(spine: Spine, vertebrae: LabelArray, parts: LabelArray, found: list[Vertebra], stroke: Stroke) -> bool:
    """Paint; return whether what is to be painted is there."""
    number, plane = 0, np.zeros((2, 3))
    if stroke.vertebra_lps_mm is not None:
        wanted = stroke.vertebra_lps_mm
        near = min(found, key=lambda v: math.dist(v.centre_lps_mm, wanted), default=None)
        if near is None or math.dist(near.centre_lps_mm, wanted) > NEAR_MM:
            return False
        number = near.number
        behind = np.array(near.centre_lps_mm) + 0.5 * near.depth_mm * np.array(near.back)
        plane = np.array([behind, near.back])
    part = {"vertebra": 0, "canal": int(Part.CANAL), "nothing": 0}[stroke.structure]
    path = stroke.points_lps_mm
    for one, other in zip(path, path[1:] or path, strict=False):  # each piece in a box of its own
        start, end = _box(spine, (one, other), stroke.radius_mm)
        ends = np.array([one, other])
        paint_piece(
            vertebrae, parts, spine.grid.lps_from_index, start, end, ends, stroke.radius_mm, number, part, plane
        )
    for n, vertebra in enumerate(found):
        found[n] = _doubted(vertebra, stroke)
    return True


def _doubted(vertebra: Vertebra, stroke: Stroke) -> Vertebra:
    """Return the vertebra, its pedicles near the stroke not judged any more."""
    reach = stroke.radius_mm + TOUCHED_MM

    def touched(pedicle: Pedicle) -> bool:
        return any(math.dist(pedicle.isthmus_lps_mm, p) <= reach for p in stroke.points_lps_mm)

    if not any(touched(p) and p.judged for p in vertebra.pedicles):
        return vertebra
    pedicles = tuple(replace(p, judged=False, doubt=PAINTED) if touched(p) else p for p in vertebra.pedicles)
    return replace(vertebra, pedicles=pedicles)


def _box(spine: Spine, points_lps_mm: tuple[Vec3, ...], reach_mm: float) -> tuple[IndexArray, IndexArray]:
    """Return the first and one past the last voxel, in array order, of a box around points."""
    index = spine.grid.index_of(np.array(points_lps_mm))
    reach = reach_mm * np.abs(spine.grid.index_from_lps[:3, :3]).sum(axis=1)
    start = np.floor(index.min(axis=0) - reach).astype(np.int64)
    end = np.ceil(index.max(axis=0) + reach).astype(np.int64) + 1
    shape = np.array(spine.grid.shape_kji)
    return np.clip(start, 0, shape), np.clip(end, 0, shape)
