"""Lesions grown from one click in their middle, against their true volumes."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.errors import InputRefused
from tests.validation.anatomy.truths import Case
from tests.validation.checks import markdown_table

LIMIT, TIME_S = 0.10, 0.3


@dataclass(frozen=True)
class LesionScore:
    """One lesion after one click: volumes in mL, Dice against the label, seconds; `refused` where nothing was grown."""

    case: str
    words: str
    true_ml: float
    found_ml: float
    dice: float
    seconds: float
    kind: str
    refused: str = ""

    @property
    def error(self) -> float:
        """Return the error of the volume as a part of the true one."""
        return self.found_ml / self.true_ml - 1.0


def one_click(case: Case, spine: Spine) -> tuple[LesionScore, ...]:
    """Return what one click into the deepest point of every true lesion grows; nothing where there is no such tool."""
    try:
        find_lesion = importlib.import_module("cvt_planner.anatomy.lesion.find").find_lesion
    except ModuleNotFoundError:
        return ()
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
            rows.append(LesionScore(case.name, words, lesion["volume_ml"], 0.0, 0.0, 0.0, "-", str(refused)))
            continue
        seconds = time.perf_counter() - began
        rows.append(
            LesionScore(case.name, words, lesion["volume_ml"], found.region.volume_ml, _dice(found.region, mask, case),
                        seconds, found.kind)
        )  # fmt: skip
    return tuple(rows)


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
