"""Lesions grown from one click, and mended by brush, against their true volumes; and clicks into sound bone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.lesion.find import find_lesion
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import InputRefused
from tests.validation.anatomy.strokes import LIMIT as MENDED
from tests.validation.anatomy.strokes import MOST_STROKES, Corrected, corrected
from tests.validation.anatomy.truths import Case
from tests.validation.checks import markdown_table

LIMIT, TIME_S = 0.10, 0.3


@dataclass(frozen=True)
class LesionScore:
    """One lesion after one click: volumes in mL, Dice against the label, seconds; `refused` where nothing was grown.

    `corrected` is what at most two strokes of the brush then make of it.
    """

    case: str
    words: str
    true_ml: float
    found_ml: float
    dice: float
    seconds: float
    kind: str
    corrected: Corrected
    refused: str = ""

    @property
    def error(self) -> float:
        """Return the error of the volume as a part of the true one."""
        return self.found_ml / self.true_ml - 1.0


def one_click(case: Case, spine: Spine) -> tuple[LesionScore, ...]:
    """Return what one click into the deepest point of every true lesion grows."""
    rows = []
    for lesion in case.lesions:
        assert case.lesion_labels is not None
        mask = case.lesion_labels == lesion["label"]
        if not mask.any():
            continue
        box = ndimage.find_objects(mask.astype(np.uint8))[0]
        wide = tuple(slice(max(b.start - 1, 0), b.stop + 1) for b in box)
        depth = ndimage.distance_transform_edt(mask[wide], sampling=case.volume.grid.spacing_kji_mm)
        at = np.array(np.unravel_index(depth.argmax(), depth.shape)) + [b.start for b in wide]
        click = tuple(float(v) for v in case.volume.grid.lps_of(at.astype(float)))
        words = f"{lesion['kind']}{', breaks the cortex' if lesion['breaches_cortex'] else ''}, {lesion['level']}"
        began = time.perf_counter()
        try:
            found = find_lesion(case.volume, click, spine, beyond=bool(lesion["breaches_cortex"]))
        except InputRefused as refused:
            by_hand = corrected(case.volume, None, mask, lesion["volume_ml"])
            rows.append(LesionScore(case.name, words, lesion["volume_ml"], 0.0, 0.0, 0.0, "-", by_hand, str(refused)))
            continue
        seconds = time.perf_counter() - began
        rows.append(
            LesionScore(case.name, words, lesion["volume_ml"], found.region.volume_ml, _dice(found.region, mask, case),
                        seconds, found.kind, corrected(case.volume, found.region, mask, lesion["volume_ml"]))
        )  # fmt: skip
    return tuple(rows)


@dataclass(frozen=True)
class SoundScore:
    """Clicks into sound bodies of one CT: how many, how many returned something, and with a doubt; the largest, mL."""

    case: str
    clicks: int
    returned: int
    doubted: int
    largest_ml: float


_PLACES = ((0.0, 0.0, 0.0), (0.45, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, -0.5, 0.0))


def sound_clicks(case: Case, spine: Spine) -> SoundScore:
    """Return what clicks into the complete bodies without a true lesion return; places are shares of half a body."""
    clicks, volumes, doubted = 0, [], 0
    for vertebra in spine.found:
        if not vertebra.complete or vertebra.confidence < 0.5 or _is_struck(case, spine, vertebra.number):
            continue
        half = np.array([vertebra.width_mm, vertebra.depth_mm, vertebra.height_mm]) / 2.0
        axes = np.array([vertebra.left, vertebra.back, vertebra.up])
        for place in _PLACES:
            clicks += 1
            try:
                at = vec3(np.array(vertebra.centre_lps_mm) + (half * place) @ axes)
                found = find_lesion(case.volume, at, spine)
            except InputRefused:
                continue
            volumes.append(found.region.volume_ml)
            doubted += bool(found.notes)
    return SoundScore(case.name, clicks, len(volumes), doubted, max(volumes, default=0.0))


def _is_struck(case: Case, spine: Spine, number: int) -> bool:
    if case.lesion_labels is None:
        return False
    places = spine.grid.lps_of(np.argwhere(spine.vertebrae == number)[::7].astype(float))
    index = np.rint(case.volume.grid.index_of(places)).astype(int)
    inside = ((index >= 0) & (index < np.array(case.volume.grid.shape_kji))).all(axis=1)
    return bool((case.lesion_labels[tuple(index[inside].T)] > 0).sum() > 2)


def sound_table(scores: Sequence[SoundScore]) -> str:
    """Return the table of the clicks into sound bone. Of a real CT's bodies nobody has said that they are sound."""
    rows = [
        [s.case, str(s.clicks), str(s.returned), str(s.doubted), f"{s.largest_ml:.1f}" if s.returned else "-"]
        for s in scores
        if s.clicks
    ]
    clicks, returned = sum(s.clicks for s in scores), sum(s.returned for s in scores)
    head = ["case", "clicks", "returned something", "of these with a doubt said", "largest, mL"]
    return f"{returned} of {clicks} clicks into bodies without a known lesion.\n\n" + markdown_table(head, rows)


def corrected_table(scores: Sequence[LesionScore]) -> str:
    """Return the table of the lesions after at most two strokes; those within the limit after the click need none."""
    inside = sum(abs(s.corrected.volume_ml / s.true_ml - 1.0) <= MENDED for s in scores)
    rows = []
    for s in scores:
        error = s.corrected.volume_ml / s.true_ml - 1.0
        if s.corrected.strokes or abs(error) > MENDED:
            before = "refused" if s.refused else f"{100 * s.error:+.0f} %"
            after = f"{100 * error:+.1f} %"
            dice = f"{s.dice:.2f}", f"{s.corrected.dice:.2f}"
            met = "met" if abs(error) <= MENDED else "**NOT MET**"
            rows.append([s.case, s.words, before, str(s.corrected.strokes), after, *dice, met])
    none = sum(not s.corrected.strokes and abs(s.error) <= MENDED for s in scores)
    head = [
        "case",
        "lesion",
        "after the click",
        "strokes",
        "after them",
        "Dice before",
        "Dice after",
        f"within {MENDED:.0%}",
    ]
    words = f"{inside} of {len(scores)} within {MENDED:.0%} with at most {MOST_STROKES} strokes; {none} need none."
    return f"{words} The others:\n\n" + markdown_table(head, rows)


def _dice(region: object, mask: object, case: Case) -> float:
    grid, own = case.volume.grid, region.mask  # type: ignore[attr-defined]
    places = region.grid.lps_of(np.argwhere(own).astype(float))  # type: ignore[attr-defined]
    index = np.rint(grid.index_of(places)).astype(int)
    inside = ((index >= 0) & (index < np.array(grid.shape_kji))).all(axis=1)
    painted = np.zeros(grid.shape_kji, dtype=bool)
    painted[tuple(index[inside].T)] = True
    return 2.0 * float((painted & mask).sum()) / float(painted.sum() + mask.sum())  # type: ignore[operator, attr-defined]


def table(scores: Sequence[LesionScore]) -> str:
    """Return the table of all lesions with the verdict on each."""
    rows = []
    for s in scores:
        if s.refused:
            rows.append([s.case, s.words, f"{s.true_ml:.2f}", "-", "-", "-", "-", "-", "**NOT MET**: refused"])
            continue
        met = "met" if abs(s.error) <= LIMIT else "**NOT MET**"
        error = f"{100 * s.error:+.0f} %"
        volumes = [f"{s.true_ml:.2f}", f"{s.found_ml:.2f}", error, f"{s.dice:.2f}"]
        rows.append([s.case, s.words, *volumes, s.kind, f"{s.seconds:.2f}", met])
    inside = sum(not s.refused and abs(s.error) <= LIMIT for s in scores)
    head = ["case", "lesion", "true, mL", "found, mL", "error", "Dice", "said", "time, s", f"within {LIMIT:.0%}"]
    return f"{inside} of {len(scores)} within {LIMIT:.0%} after one click.\n\n" + markdown_table(head, rows)
