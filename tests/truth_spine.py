"""A phantom's truth as the spine that would be found in it, for tests of what stands on a spine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.model import Endplate, Part, Spine, Vertebra
from cvt_planner.base.arrays import LabelArray, vec3
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.nrrd import read_nrrd


def spine_of_truth(
    truth: dict[str, Any], labels: dict[str, LabelArray], grid: Grid, content_hash: str, notices: tuple[str, ...] = ()
) -> Spine:
    """Return the spine: bodies and canal as they truly are, everything else of a vertebra its posterior part."""
    number_of = np.zeros(256, dtype=np.uint8)
    found = []
    for number, level in enumerate(truth["levels"], start=1):
        number_of[level["label"]] = number
        found.append(_vertebra(number, level))
    vertebrae = number_of[labels["vertebrae"]]
    parts = np.where(vertebrae > 0, np.uint8(Part.POSTERIOR), np.uint8(0))
    parts[number_of[labels["bodies"]] > 0] = Part.BODY
    parts[labels["canal"] > 0] = Part.CANAL
    canal = np.array(truth["canal"]["centre_lps_mm"])
    return Spine(grid, vertebrae, parts, canal, tuple(found), content_hash, notices)


def spine_in_folder(folder: Path, content_hash: str) -> Spine:
    """Return the spine of a phantom that was written with its truth."""
    place = next(folder.rglob("truth.json"))
    labels = {}
    for name in ("vertebrae", "bodies", "canal"):
        labels[name], grid = read_nrrd(place.parent / f"labels_{name}.nrrd")
    truth = json.loads(place.read_text(encoding="utf-8"))
    return spine_of_truth(truth, labels, grid, content_hash)


def _vertebra(number: int, level: dict[str, Any]) -> Vertebra:
    left, back, up = level["left_posterior_up"]
    upper, lower = (Endplate(vec3(level["endplates"][end]["point_lps_mm"]), vec3(up)) for end in ("upper", "lower"))
    height = float(np.linalg.norm(np.array(upper.centre_lps_mm) - np.array(lower.centre_lps_mm)))
    return Vertebra(
        number, vec3(level["centre_lps_mm"]), vec3(left), vec3(back), vec3(up), upper, lower, 42.0, 33.0, height,
        complete=level["complete"],
    )  # fmt: skip
