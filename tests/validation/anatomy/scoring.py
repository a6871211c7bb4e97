"""Figures of a found spine against what is true."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import FloatArray, LabelArray, Points
from cvt_planner.geometry.frames import Grid
from tests.validation.anatomy.truths import Case, TruePedicle

TOUCHES = 0.3  # Dice below which a vertebra counts as not found
END_MM = 5.0  # the canal's middle line may end so far before the end of the scan; its Dice counts to the end


@dataclass(frozen=True)
class VertebraScore:
    """One true vertebra; `number` is what it was found as, None where it was not."""

    level: str
    number: int | None
    dice: float
    centre_mm: float
    complete: bool
    apart: bool
    confidence: float
    doubts: str


@dataclass(frozen=True)
class PedicleScore:
    """One true pedicle; without figures where it was not found or not judged."""

    level: str
    side: str
    found: bool
    judged: bool
    struck: bool
    axis_mm: float = float("nan")
    angle_deg: float = float("nan")
    width_mm: float = float("nan")  # found - true
    height_mm: float = float("nan")


@dataclass(frozen=True)
class Score:
    """One case.

    Parameters
    ----------
    shift
        How the found numbers follow the true order; the usual shift of one anchor.
    misnumbered
        Complete vertebrae whose number breaks that order, or that were not found.
    invented
        Found vertebrae that lie on no true one.
    canal_dice, centre_mean_mm, centre_worst_mm
        Of the canal and its middle line; not a number where unknown. The distance runs from each found point to the
        true line, and from each true point to the found one, but for the outermost `END_MM` of the scan.
    line_in_bone
        Share of the middle line's points that lie in a labelled vertebra: 0 is right.
    """

    name: str
    words: str
    vertebrae: tuple[VertebraScore, ...]
    pedicles: tuple[PedicleScore, ...]
    misnumbered: tuple[str, ...]
    invented: int
    canal_dice: float
    centre_mean_mm: float
    centre_worst_mm: float
    line_in_bone: float
    slice_mm: float
    seconds: float
    notices: tuple[str, ...]

    @property
    def scored(self) -> tuple[VertebraScore, ...]:
        """Return the complete vertebrae that count."""
        return tuple(v for v in self.vertebrae if v.complete and not v.apart)


def score(case: Case, spine: Spine, seconds: float) -> Score:
    """Return the figures of one case that has true vertebrae."""
    truth = case.vertebrae
    assert truth is not None
    found = on_grid(spine.vertebrae, spine.grid, case.volume.grid)
    if case.ignored is not None:
        found[case.ignored] = 0
    shared = _overlaps(truth, found, max(len(spine.found), 1))
    own = np.bincount(truth.ravel(), minlength=shared.shape[0])[: shared.shape[0]]
    theirs = np.bincount(found.ravel(), minlength=shared.shape[1])[: shared.shape[1]]
    dice = 2.0 * shared / np.maximum(own[:, None] + theirs[None, :], 1)
    dice[0], dice[:, 0] = 0.0, 0.0
    match = _matched(dice)
    rows = []
    for label, level in case.names.items():
        number = match.get(label)
        there = spine.found[number - 1] if number else None
        rows.append(
            VertebraScore(
                level, number, float(dice[label, number]) if number else 0.0, _apart(case, found, label, number),
                label in case.complete, label in case.apart, there.confidence if there else 0.0,
                " ".join(there.doubts) if there else "",
            )
        )  # fmt: skip
    shifts = Counter(row.number - n for n, row in enumerate(rows) if row.number)
    usual = shifts.most_common(1)[0][0] if shifts else 0
    wrong = tuple(r.level for n, r in enumerate(rows) if r.complete and not r.apart and r.number != n + usual)
    on_truth = shared[1:].sum(axis=0) / np.maximum(theirs, 1)
    invented = sum(1 for n in range(1, shared.shape[1]) if theirs[n] > 0 and on_truth[n] < TOUCHES)
    return Score(
        case.name, case.words, tuple(rows), _pedicles(case, spine, {r.level: r.number for r in rows}), wrong, invented,
        *_canal(case, spine), float(case.volume.grid.spacing_kji_mm[0]), seconds, spine.notices,
    )  # fmt: skip


def on_grid(labels: LabelArray, own: Grid, grid: Grid) -> LabelArray:
    """Return labels of a box of a grid on the whole grid."""
    start = np.rint(grid.index_of(own.lps_of(np.zeros(3)))).astype(int)
    assert np.allclose(own.spacing_kji_mm, grid.spacing_kji_mm, atol=1e-3), "the spine lies on another grid"
    whole = np.zeros(grid.shape_kji, dtype=np.uint8)
    whole[tuple(slice(s, s + n) for s, n in zip(start, labels.shape, strict=True))] = labels
    return whole


def _overlaps(truth: LabelArray, found: LabelArray, count: int) -> FloatArray:
    rows, columns = int(truth.max()) + 1, max(count, int(found.max())) + 1
    both = truth.astype(np.int64).ravel() * columns + found.ravel()
    return np.bincount(both, minlength=rows * columns).reshape(rows, columns).astype(np.float64)


def _matched(dice: FloatArray) -> dict[int, int]:
    """Return the found number of each true label, best pairs first, each used once."""
    left, pairs = dice.copy(), {}
    while left.size and left.max() >= TOUCHES:
        label, number = (int(v) for v in np.unravel_index(left.argmax(), left.shape))
        pairs[label] = number
        left[label], left[:, number] = 0.0, 0.0
    return pairs


def _apart(case: Case, found: LabelArray, label: int, number: int | None) -> float:
    """Return the distance of the centres of gravity, mm."""
    if number is None or case.vertebrae is None:
        return float("nan")
    centres = [case.volume.grid.lps_of(np.argwhere(m).mean(axis=0)) for m in (case.vertebrae == label, found == number)]
    return float(np.linalg.norm(centres[0] - centres[1]))


def _canal(case: Case, spine: Spine) -> tuple[float, float, float, float]:
    nan = float("nan")
    dice, mean, worst = nan, nan, nan
    if case.canal is not None:
        found = on_grid((spine.parts == Part.CANAL).astype(np.uint8), spine.grid, case.volume.grid) > 0
        dice = 2.0 * float((found & case.canal).sum()) / max(float(found.sum() + case.canal.sum()), 1.0)
    line = case.canal_line if case.canal_line is not None else case.cord_line
    if line is not None and len(spine.canal_lps_mm) > 1:
        far = distance_to_line(_within(spine.canal_lps_mm, line), line)
        if case.canal_line is not None:  # the whole canal in view is to be found, but for the outermost slices
            low, high = (float(v[2]) for v in case.volume.grid.bounds_lps_mm())
            inner = line[(line[:, 2] > low + END_MM) & (line[:, 2] < high - END_MM)]
            far = np.concatenate([far, distance_to_line(inner, spine.canal_lps_mm)])
        if far.size:
            mean, worst = float(far.mean()), float(far.max())
    inside = nan
    if case.vertebrae is not None and len(spine.canal_lps_mm):
        index = np.rint(case.volume.grid.index_of(spine.canal_lps_mm)).astype(int)
        index = np.clip(index, 0, np.array(case.vertebrae.shape) - 1)
        inside = float((case.vertebrae[tuple(index.T)] > 0).mean())
    return dice, mean, worst, inside


def _within(points: Points, line: Points) -> Points:
    low, high = line[:, 2].min(), line[:, 2].max()
    return np.asarray(points[(points[:, 2] >= low) & (points[:, 2] <= high)])


def distance_to_line(points: Points, line: Points) -> FloatArray:
    """Return how far points lie from a polyline, mm."""
    if not len(points):
        return np.zeros(0)
    f = np.linspace(0.0, 1.0, 12, endpoint=False)[:, None, None]
    dense = ((1 - f) * line[:-1] + f * line[1:]).reshape(-1, 3) if len(line) > 1 else line
    return np.asarray(cKDTree(dense).query(points)[0])


def _pedicles(case: Case, spine: Spine, numbers: dict[str, int | None]) -> tuple[PedicleScore, ...]:
    rows = []
    for true in case.pedicles:
        number = numbers.get(true.level)
        there = next((p for p in spine.found[number - 1].pedicles if p.side == true.side), None) if number else None
        struck = true.level in case.struck
        if there is None or not there.judged:
            rows.append(PedicleScore(true.level, true.side, there is not None, False, struck))
            continue
        rows.append(_pedicle(true, struck, np.array(there.isthmus_lps_mm), np.array(there.forward), there))
    return tuple(rows)


def _pedicle(true: TruePedicle, struck: bool, place: FloatArray, forward: FloatArray, there: object) -> PedicleScore:
    off = true.isthmus_lps_mm - place
    away = float(np.linalg.norm(off - (off @ forward) * forward))
    angle = float(np.degrees(np.arccos(np.clip(abs(forward @ true.forward), 0.0, 1.0))))
    width = float(there.width_mm) - true.width_mm  # type: ignore[attr-defined]
    height = float(there.height_mm) - true.height_mm  # type: ignore[attr-defined]
    return PedicleScore(true.level, true.side, True, True, struck, away, angle, width, height)
