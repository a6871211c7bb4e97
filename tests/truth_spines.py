"""A `Spine` made of a phantom's truth, for tests of what is done with one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.model import Endplate, Part, Pedicle, Spine, Vertebra
from cvt_planner.base.arrays import vec3
from cvt_planner.phantom import Phantom


def truth_spine(phantom: Phantom, content_hash: str) -> Spine:
    """Return the spine that a phantom has; discs fill the gaps of the bodies, pedicles are balls."""
    labels, grid = phantom.labels, phantom.grid
    rows = phantom.truth["levels"]
    vertebrae = np.zeros(grid.shape_kji, dtype=np.uint8)
    parts = np.zeros(grid.shape_kji, dtype=np.uint8)
    for number, row in enumerate(rows, start=1):
        whole = labels["vertebrae"] == row["label"]
        vertebrae[whole] = number
        parts[whole] = Part.POSTERIOR
        parts[labels["bodies"] == row["label"]] = Part.BODY
        for side, part in (("left", Part.LEFT_PEDICLE), ("right", Part.RIGHT_PEDICLE)):
            _ball(parts, vertebrae == number, grid, row["pedicles"][side]["isthmus_lps_mm"], 5.0, part)
    parts[labels["canal"] > 0] = Part.CANAL
    vertebrae[labels["canal"] > 0] = 0
    found = tuple(_vertebra(number, row) for number, row in enumerate(rows, start=1))
    for above, below in pairwise(found):
        _disc(parts, vertebrae == 0, grid, above, below)
    canal = np.array(phantom.truth["canal"]["centre_lps_mm"])
    return Spine(grid, vertebrae, parts, canal, found, content_hash)


def _ball(parts: Any, where: Any, grid: Any, centre: Any, radius_mm: float, part: Part) -> None:
    k, j, i = np.meshgrid(*[np.arange(n) for n in grid.shape_kji], indexing="ij", sparse=True)
    at = grid.index_of(np.array(centre))
    step = grid.spacing_kji_mm
    square = ((k - at[0]) * step[0]) ** 2 + ((j - at[1]) * step[1]) ** 2 + ((i - at[2]) * step[2]) ** 2
    parts[(square <= radius_mm**2) & where & (parts != Part.CANAL)] = part


def _disc(parts: Any, where: Any, grid: Any, above: Vertebra, below: Vertebra) -> None:
    """Fill the gap between two bodies, 40 x 28 mm, with disc."""
    top, bottom = np.array(above.lower.centre_lps_mm), np.array(below.upper.centre_lps_mm)
    half = np.linalg.norm(top - bottom) / 2.0 + 1.0
    places = grid.lps_of(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_kji], indexing="ij"), axis=-1))
    away = places - (top + bottom) / 2.0
    flat = np.hypot(away @ np.array(above.left) / 20.0, away @ np.array(above.back) / 14.0) <= 1.0
    parts[flat & (np.abs(away @ np.array(above.up)) <= half) & where & (parts != Part.CANAL)] = Part.DISC


def _vertebra(number: int, row: dict[str, Any]) -> Vertebra:
    left, back, up = (vec3(axis) for axis in row["left_posterior_up"])
    upper, lower = (Endplate(vec3(row["endplates"][end]["point_lps_mm"]), up) for end in ("upper", "lower"))
    height = float(np.linalg.norm(np.array(upper.centre_lps_mm) - np.array(lower.centre_lps_mm)))
    pedicles = []
    for side in ("left", "right"):
        one = row["pedicles"][side]
        front, hind = (np.array(end) for end in one["axis_lps_mm"])
        forward = (front - hind) / np.linalg.norm(front - hind)
        pedicles.append(
            Pedicle(side, vec3(one["isthmus_lps_mm"]), vec3(forward), one["width_mm"], one["height_mm"])  # type: ignore[arg-type]
        )
    return Vertebra(
        number, vec3(row["centre_lps_mm"]), left, back, up, upper, lower, 44.0, 32.0, height, tuple(pedicles),
        complete=row["complete"], confidence=0.9 if row["complete"] else 0.4,
        doubts=() if row["complete"] else ("It is cut off by the edge of the CT.",),
    )  # fmt: skip
