"""Spines made for tests, so that what stands on them need not wait for finding one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cvt_planner.anatomy.spine.model import Endplate, Spine, Vertebra
from cvt_planner.anatomy.vertebra_reference import body_reference
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.geometry.frames import Grid

STEP_MM = 36.0
VOXEL_MM = 4.0


def straight_spine(
    count: int, content_hash: str = "ab", confidence: Mapping[int, float] | None = None, missing: Sequence[int] = ()
) -> Spine:
    """Return an upright spine of boxes; vertebra n of `count` has its middle at z = -36 mm (n - 1), unless missing."""
    places = [n for n in range(count) if n + 1 not in missing]
    shape = (int(count * STEP_MM / VOXEL_MM), 20, 20)
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = VOXEL_MM
    affine[:3, 3] = (-38.0, -28.0, -STEP_MM * count + STEP_MM / 2.0 + VOXEL_MM / 2.0)
    affine[3, 3] = 1.0
    grid = Grid(shape, affine)
    labels = np.zeros(shape, dtype=np.uint8)
    centres = {number: np.array([0.0, 0.0, -STEP_MM * place]) for number, place in enumerate(places, start=1)}
    z = grid.lps_of(np.array([[k, 0, 0] for k in range(shape[0])]))[:, 2]
    for number, centre in centres.items():
        labels[np.abs(z - centre[2]) < 13.0, 3:12, 4:16] = number
    canal = np.column_stack([np.zeros(shape[0]), np.full(shape[0], 26.0), z])
    sure = confidence or {}
    found = tuple(box_vertebra(n, c, confidence=sure.get(n, 1.0)) for n, c in centres.items())
    return Spine(grid, labels, np.zeros_like(labels), canal, found, content_hash)


def truth_spine(truth: Mapping[str, Any], grid: Grid, content_hash: str, missing: Sequence[str] = ()) -> Spine:
    """Return the spine of a phantom's truth.json; its voxels carry no labels, its bodies have the usual sizes."""
    found = []
    for number, row in enumerate((row for row in truth["levels"] if row["name"] not in missing), start=1):
        usual = body_reference(row["name"])
        size = (usual.width_mm, usual.depth_mm, usual.height_mm)
        centre, axes = np.array(row["centre_lps_mm"]), np.array(row["left_posterior_up"])
        found.append(box_vertebra(number, centre, axes, size, complete=row["complete"]))
    labels = np.zeros(grid.shape_kji, dtype=np.uint8)
    canal = np.array(truth["canal"]["centre_lps_mm"])
    return Spine(grid, labels, labels.copy(), canal, tuple(found), content_hash)


def box_vertebra(
    number: int,
    centre: Points,
    axes: Points | None = None,
    size_mm: tuple[float, float, float] = (44.0, 34.0, 26.0),
    confidence: float = 1.0,
    complete: bool = True,
) -> Vertebra:
    """Return a vertebra at a place; `axes` are its left, back and up, `size_mm` its body's width, depth and height."""
    left, back, up = np.eye(3) if axes is None else axes
    ends = [Endplate(vec3(centre + sign * size_mm[2] / 2.0 * up), vec3(up)) for sign in (1.0, -1.0)]
    return Vertebra(
        number, vec3(centre), vec3(left), vec3(back), vec3(up), ends[0], ends[1], *size_mm,
        complete=complete, confidence=confidence,
    )  # fmt: skip
