"""The spine of a CT found by itself: canal, straightening, discs, bodies, posterior parts, vertebrae."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from cvt_planner.anatomy.spine.bodies import PLATE_U_MM, PLATE_V_MM, Outlines, Plates, find_outlines, find_plates
from cvt_planner.anatomy.spine.bone import cut_out
from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.coarse import coarse_of
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.dense import dense_notices
from cvt_planner.anatomy.spine.discs import Disc, DiscProfiles, disc_profiles, find_discs
from cvt_planner.anatomy.spine.ends import end_at_sacrum, sacral_top_mm, seen_span
from cvt_planner.anatomy.spine.faces import Rows
from cvt_planner.anatomy.spine.foramina import find_foramina
from cvt_planner.anatomy.spine.label import label_voxels
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.measure import level_confidence, measure_vertebrae
from cvt_planner.anatomy.spine.model import CANAL_LINING_MM, Spine, Vertebra
from cvt_planner.anatomy.spine.parts import label_arches
from cvt_planner.anatomy.spine.pedicles import measure_pedicles
from cvt_planner.anatomy.spine.posterior import split_posterior
from cvt_planner.anatomy.spine.search import CanalPath, find_canal
from cvt_planner.anatomy.spine.straight import Straight, straight_of
from cvt_planner.anatomy.spine.straighten import frame_along, symmetry_turn, turned
from cvt_planner.anatomy.spine.wall import CanalWall, find_wall
from cvt_planner.base.arrays import FloatArray, HuArray, LabelArray, Points, Vec3
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume

_FAINT, _SURE = 0.36, 0.5  # confidences
_SACRAL_ROOM_MM = 6.0  # a disc so far above where the canal last leans back may still be the sacrum's; assumed
_END_MM, _TILTED_MM = 5.0, 8.0  # a canal found so near the CT's end leaves it there, and runs on at its far side
_SECTION_MM = 17.0  # how far a section looks about the canal
_LEAST_UPRIGHT = 0.77  # 40 degrees: a canal that runs flatter is the sacrum's, and ends by itself
BEYOND_MM = 30.0  # a tilted end vertebra reaches beyond the end of its canal
REACH_BACK_MM, REACH_FRONT_MM, REACH_SIDE_MM = -75.0, 55.0, 62.0
NO_SPINE = (
    "No spine was found in this CT: no spinal canal with bone around it and a vertebral body in front of it. Mark "
    "levels, canal and lesions by hand, or set a point into the canal and search again."
)


@dataclass(frozen=True, eq=False)
class Column:
    """What is known along the canal, before voxels are labelled.

    Parameters
    ----------
    frame, straight, wall, outlines
        Each with n sections 1 mm apart; the frame runs `BEYOND_MM` beyond the canal seen at both ends.
    discs, plates
        From feet to head. Level `n` lies between disc n - 1 and disc n; level 0 below the lowest disc.
    lowest, highest
        The first and last level that is a vertebra in view.
    sacral
        Whether the lowest level is the upper sacrum.
    span_mm
        Where along the canal the CT shows the bodies.
    """

    frame: CurvedFrame
    straight: Straight
    wall: CanalWall
    outlines: Outlines
    profiles: DiscProfiles
    discs: tuple[Disc, ...]
    plates: tuple[Plates, ...]
    lowest: int
    highest: int
    sacral: bool
    span_mm: tuple[float, float]
    canal_span_mm: tuple[float, float]

    def borders_mm(self) -> FloatArray:
        """Return (n + 1, 2) where neighbouring vertebrae meet, head to feet: s on the middle line, and slope ds/dv."""
        rows = [(self.span_mm[1], 0.0)] if self.highest == len(self.discs) else []
        inner = self.discs[max(self.lowest - 1, 0) : self.highest + 1]
        rows += [(float(d.s_at(0.0, 0.0)), d.slope_v) for d in reversed(inner)]
        if self.lowest == 0:
            rows.append((self.low_mm, 0.0))
        return np.array(rows)

    @property
    def low_mm(self) -> float:
        """Return where the lowest level ends, s in mm."""
        if self.sacral and self.lowest == 0 and self.discs:
            at = self.discs[0].s_mm
            return max(at - 0.9 * float(self.profiles.period_mm[round(at)]), self.span_mm[0])
        return self.span_mm[0]

    def number_of(self, level: int) -> int:
        """Return the number of a level's vertebra: 1 for the highest."""
        return self.highest - level + 1


@dataclass(frozen=True, eq=False)
class Labelled:
    """The box of the CT about the spine: its voxels' coordinates along the canal, and what they are.

    Parameters
    ----------
    ends_mm
        (3, 2) from where to where s, v and u belong to the spine's surroundings, mm.
    rows, hu
        Which voxels of the box lie there, row by row; their HU, 0 elsewhere.
    parts, bodies
        Canal, bodies and discs; the number of the vertebra whose body a voxel belongs to.
    """

    grid: Grid
    lattice: Lattice = field(repr=False)
    ends_mm: FloatArray
    rows: Rows = field(repr=False)
    hu: HuArray = field(repr=False)
    parts: LabelArray = field(repr=False)
    bodies: LabelArray = field(repr=False)


def find_spine(volume: Volume, seeds: tuple[Vec3, ...] = (), progress: Progress | None = None) -> Spine:
    """Return the spine found in a CT; `found` is empty and `notices` says so where there is none in view.

    Parameters
    ----------
    seeds
        LPS mm points inside the canal, set by the operator; the canal is made to pass them.

    Raises
    ------
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    Deterministic. Vertebrae are numbered from head to feet, not named. Discs and endplates rest on HU contrast: in
    slices over 2.5 mm apart thin discs are placed by the pattern of the pedicles. Not modelled: fused levels (a fused
    pair may be parted where no disc is, or taken for one), C1 and C2, the sacrum below S1.
    """
    progress = progress or Progress()
    progress.report(0.0, "Looking for the spinal canal")
    path = find_canal(coarse_of(volume), seeds, progress)
    if path is None or not path.is_likely:
        return _nothing(volume)
    progress.report(0.25, "Straightening")
    column = _column(volume, path, progress)
    progress.report(0.5, "Labelling bodies and canal")
    labelled = label_column(volume, column)
    grid, parts = labelled.grid, labelled.parts
    progress.report(0.65, "Parting the arches")
    profile = CanalProfile.of(column.frame, labelled.lattice, parts)
    vertebrae = split_posterior(volume, column.frame, labelled, profile, column.borders_mm(), progress.part(0.65, 0.85))
    progress.report(0.85, "Measuring")
    found = _with_arches(volume, column, labelled, profile, vertebrae, progress.part(0.85, 1.0))
    canal, notices = _inside(column, volume), dense_notices(column.frame, labelled)
    return Spine(grid, vertebrae, parts, canal, found, volume.content_hash, notices)


def canal_span_mm(frame: CurvedFrame, path: CanalPath, volume: Volume) -> tuple[float, float]:
    """Return where along the frame the canal was seen; where it leaves the CT, up to the CT's tilted end.

    A canal that runs askew is lost as soon as sections across it begin to leave the CT.
    """
    grid = volume.grid
    across = grid.lps_from_index[:3, 0] / grid.spacing_kji_mm[0]
    first = round(BEYOND_MM)
    beyond = []
    ends = ((0, first, 0.0), (-1, -first - 1, grid.shape_kji[0] - 1.0))
    for of_path, of_frame, last in ends:
        point, up = path.points_lps_mm[of_path], frame.up[of_frame]
        left_mm = abs(float(grid.index_of(point)[0]) - last) * float(grid.spacing_kji_mm[0])
        upright = abs(float(up @ across))
        askew = upright > _LEAST_UPRIGHT and left_mm < _END_MM + _SECTION_MM * (1.0 - upright**2) ** 0.5
        beyond.append(_TILTED_MM + left_mm / upright if askew else 0.0)
    return BEYOND_MM - beyond[0], len(frame.up) - 1.0 - BEYOND_MM + beyond[1]


def _inside(column: Column, volume: Volume) -> Points:
    """Return the canal's middle line as far as it lies in the CT."""
    start, end = (round(v) for v in column.canal_span_mm)
    line = column.frame.origins_lps_mm[start : end + 1]
    index = volume.grid.index_of(line)
    return line[np.all((index >= -0.5) & (index <= np.array(volume.grid.shape_kji) - 0.5), axis=1)]


def _nothing(volume: Volume) -> Spine:
    grid = volume.grid.crop((0, 0, 0), (1, 1, 1))
    none = np.zeros((1, 1, 1), dtype=np.uint8)
    return Spine(grid, none, none.copy(), np.zeros((0, 3)), (), volume.content_hash, (NO_SPINE,))


def _column(volume: Volume, path: CanalPath, progress: Progress) -> Column:
    frame, wall = _centred(volume, path, progress)
    straight = straight_of(frame, wall, volume)
    progress.check()
    slice_mm = volume.slice_distance_mm
    profiles = disc_profiles(straight, slice_mm)
    canal_span = canal_span_mm(frame, path, volume)
    span = seen_span(frame, straight, volume, canal_span)
    discs = find_discs(straight, profiles, *span)
    progress.check()
    outlines = find_outlines(straight, profiles.period_mm)
    sacral = end_at_sacrum(frame, straight, outlines.width_mm(), discs, span)
    lowest = 0 if sacral is None else sacral
    plates = find_plates(straight, discs, slice_mm)
    highest = len(discs)
    ends = _end_levels(discs, span, lowest, highest)
    column = Column(
        frame, straight, wall, outlines, profiles, discs, plates, ends[0], ends[1], sacral is not None, span, canal_span
    )
    return replace(column, lowest=_without_faint_sacrum(column))


def _without_faint_sacrum(column: Column) -> int:
    """Return the lowest level, without doubtful ones below another doubtful one, where sure ones stand above.

    They are more likely segments of a sacrum that was not recognised than vertebrae; but only below where the canal
    last leans back, as at a sacrum's upper end: two bodies that a tumour has erased are faint, too.
    """
    sure = [level_confidence(column, level) for level in range(column.highest + 1)]
    lowest = column.lowest
    clear = next((level for level in range(lowest, column.highest + 1) if sure[level] >= _SURE), lowest)
    if clear == lowest:
        return lowest
    top_mm = sacral_top_mm(column.frame, column.span_mm[0], column.discs[clear - 1].s_mm)
    if top_mm is None:
        return lowest
    while max(sure[lowest : lowest + 2]) < _FAINT and column.discs[lowest].s_mm <= top_mm + _SACRAL_ROOM_MM:
        lowest += 1
    return lowest


def _end_levels(discs: tuple[Disc, ...], span: tuple[float, float], lowest: int, highest: int) -> tuple[int, int]:
    """Return the first and last level of which enough is in view to be called a vertebra."""
    least = 6.0
    if discs and lowest == 0 and discs[0].s_mm - span[0] < least:
        lowest = 1
    if discs and span[1] - discs[-1].s_mm < least:
        highest -= 1
    return lowest, highest


def _centred(volume: Volume, path: CanalPath, progress: Progress) -> tuple[CurvedFrame, CanalWall]:
    """Return the frame along the middle of the canal, turned to the vertebrae's front, and the canal's wall in it."""
    points = path.points_lps_mm
    for _ in range(2):
        frame = frame_along(points)
        centres = find_wall(frame, volume).centres_vu()
        points = frame.lps_of(np.arange(float(len(centres))), centres[:, 0], centres[:, 1])
        progress.check()
    frame = frame_along(points, BEYOND_MM, smooth_mm=3.0)
    frame = turned(frame, symmetry_turn(frame, volume))
    return frame, find_wall(frame, volume)


def label_column(volume: Volume, column: Column) -> Labelled:
    """Return the voxels about the spine with their coordinates, and which are canal, body and disc."""
    grid, corner = _box(volume, column.frame)
    lattice = Lattice.of(column.frame, grid)
    ends = np.array([(0.0, column.frame.length_mm), (REACH_BACK_MM, REACH_FRONT_MM), (-REACH_SIDE_MM, REACH_SIDE_MM)])
    rows = lattice.rows_within(ends, grid.shape_kji)
    planes = np.array([[d.s_mm, d.v_mm, d.slope_v, d.slope_u] for d in column.discs]).reshape(-1, 4)
    shape = (len(PLATE_V_MM), len(PLATE_U_MM))

    def stack(side: Callable[[Plates], FloatArray]) -> FloatArray:
        return np.array([side(p) for p in column.plates]).reshape(-1, *shape)

    low = column.low_mm - (0.0 if column.sacral else BEYOND_MM)
    parts, bodies = label_voxels(
        lattice, grid.shape_kji, rows, ends, column.wall.radii_mm - CANAL_LINING_MM, column.canal_span_mm,
        column.outlines.radii_mm, column.outlines.axis_mm, column.straight.front_mm, planes, stack(lambda p: p.upper),
        stack(lambda p: p.lower), (float(PLATE_V_MM[0]), float(PLATE_U_MM[0])), (column.lowest, column.highest),
        (low, column.span_mm[1] + BEYOND_MM),
    )  # fmt: skip
    return Labelled(grid, lattice, ends, rows, cut_out(volume.hu, corner, rows, grid.shape_kji), parts, bodies)


def _with_arches(
    volume: Volume, column: Column, labelled: Labelled, profile: CanalProfile, vertebrae: LabelArray,
    progress: Progress,
) -> tuple[Vertebra, ...]:  # fmt: skip
    """Return the vertebrae with pedicles and foramina; the parts of their arches are written into `labelled`."""
    found = measure_vertebrae(column)
    grid, frame = labelled.grid, column.frame
    pedicles = measure_pedicles(volume, grid, frame, labelled.lattice, profile, vertebrae, labelled.bodies, progress)
    pedicles = (*pedicles, *((),) * (len(found) - len(pedicles)))
    label_arches(labelled.parts, grid, frame, vertebrae, pedicles)
    foramina = find_foramina(volume, frame, pedicles)
    return tuple(replace(v, pedicles=pedicles[v.number - 1], foramina=foramina[v.number - 1]) for v in found)


def _box(volume: Volume, frame: CurvedFrame) -> tuple[Grid, tuple[int, int, int]]:
    n = len(frame.up)
    s = np.arange(0.0, n, 4.0)
    corners = [
        frame.lps_of(s, np.full(len(s), v), np.full(len(s), u))
        for v in (REACH_BACK_MM, REACH_FRONT_MM)
        for u in (-REACH_SIDE_MM, REACH_SIDE_MM)
    ]
    index = volume.grid.index_of(np.concatenate(corners))
    shape = np.array(volume.grid.shape_kji)
    low = np.clip(np.floor(index.min(axis=0)).astype(int), 0, shape - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 1, low + 1, shape)
    corner = (int(low[0]), int(low[1]), int(low[2]))
    size = high - low
    return volume.grid.crop(corner, (int(size[0]), int(size[1]), int(size[2]))), corner
