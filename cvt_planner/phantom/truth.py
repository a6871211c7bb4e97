"""What is true of a phantom, as plain numbers for `truth.json`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from cvt_planner.base.arrays import FloatArray, LabelArray, Points
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.geometry.frames import Grid
from cvt_planner.phantom.cases import Case
from cvt_planner.phantom.shapes import body_mm
from cvt_planner.phantom.spine import Spine
from cvt_planner.phantom.tissue import cord_half_axes

VERSION = 1


def _plain(values: Points, digits: int = 3) -> list[Any]:
    return [[round(float(v), digits) for v in row] if np.ndim(row) else round(float(row), digits) for row in values]


def truth_of(
    case: Case,
    seed: int,
    spine: Spine,
    lesions: FloatArray,
    grid: Grid,
    sums: tuple[FloatArray, FloatArray],
    labels: dict[str, LabelArray],
    couch: tuple[int, float],
) -> dict[str, Any]:
    """Return the truth as plain values. Lengths mm, volumes mL, angles degrees, points LPS mm; left is +x.

    Keys
    ----
    version, case, seed, perturbed
        What it was made from; `perturbed` is true where sizes depart from the published means.
    person, noise
        Curves, bone, counts of vertebrae and ribs, collapsed levels (see `person.Person`); noise against a usual dose.
    levels
        Per vertebra with any body in the scan, from head to feet: `name`; `label` (its value in labels_vertebrae and
        labels_bodies); `complete` (the whole body lies in the scan; only then are the volumes those of the vertebra);
        `centre_lps_mm` (middle of the body); `left_posterior_up` (its axes, three LPS unit vectors); `body_volume_ml`,
        `bone_volume_ml`; `endplates` upper and lower, each a point on the endplate and its normal out of the body;
        `pedicles` left and right: `axis_lps_mm` (front and hind end, through the isthmus), `isthmus_lps_mm`,
        `width_mm`, `height_mm`, `transverse_angle_deg` (positive: runs to the midline on its way forward),
        `sagittal_angle_deg` (positive: descends on its way forward), both in the vertebra's axes.
    canal, cord
        Centre line from feet to head: `z_mm`, `centre_lps_mm`, `half_width_mm`, `half_depth_mm`, ellipses in the axial
        plane (canal and cord lie on the same line; the cord ends at the conus).
    lesions
        `name`, `label` in labels_lesions, `level`, `kind`, `vas`, `centre_lps_mm` (of gravity), `volume_ml`,
        `breaches_posterior_wall`, `breaches_cortex`, `volume_in_canal_ml`, `mean_hu` (true mean of its ground tissue).
    skin
        `back_lps_mm` (on the back behind each level's middle), `distance_mm` from there to that middle.
    couch_top_lps_y_mm
        Where the couch comes nearest: behind the back of a supine patient, before the belly of a prone one. Of one
        who lies on a side `couch_top_lps_x_mm` instead.
    grid, not_modelled
    """
    level_rows = _levels(spine, grid, sums[0], labels["bodies"])
    names = {row["name"]: row for row in level_rows}
    return {
        "version": VERSION,
        "case": case.name,
        "seed": seed,
        "perturbed": spine.perturbed,
        "person": asdict(case.person),
        "noise": case.noise,
        "levels": level_rows,
        "canal": _tube(spine, grid, cord=False),
        "cord": _tube(spine, grid, cord=True),
        "lesions": _lesions(case, lesions, sums[1]),
        "skin": _skin(names, grid, labels["skin"]),
        f"couch_top_lps_{'xy'[couch[0]]}_mm": round(couch[1], 3),
        "grid": {
            "shape_kji": list(grid.shape_kji),
            "first_voxel_lps_mm": _plain(grid.lps_from_index[:3, 3]),
            "spacing_kji_mm": _plain(grid.spacing_kji_mm, 6),
        },
        "not_modelled": "beam hardening, motion, contrast medium, degenerative change; organs and ribs carry no truth",
    }


def _levels(spine: Spine, grid: Grid, sums: FloatArray, bodies: LabelArray) -> list[dict[str, Any]]:
    rows = []
    for n, part in enumerate(spine.parts):
        per_slice = sums[:, n, 1]
        if per_slice.sum() <= 0.0:
            continue
        axes = spine.bodies[n, 3:12].reshape(3, 3)
        upper, lower = _endplate(spine, n, 1.0), _endplate(spine, n, -1.0)
        rows.append(
            {
                "name": part.name,
                "label": n + 1,
                "complete": bool(per_slice[0] == 0.0 and per_slice[-1] == 0.0),
                "centre_lps_mm": _plain(spine.bodies[n, :3]),
                "left_posterior_up": _plain(axes, 6),
                "body_volume_ml": round(ml_from_mm3(float(per_slice.sum())), 4),
                "bone_volume_ml": round(ml_from_mm3(float(sums[:, n, 0].sum())), 4),
                "endplates": {
                    "upper": {"point_lps_mm": _plain(upper), "normal": _plain(axes[2], 6)},
                    "lower": {"point_lps_mm": _plain(lower), "normal": _plain(-axes[2], 6)},
                },
                "pedicles": {"left": _pedicle(spine, n, 0), "right": _pedicle(spine, n, 1)},
            }
        )
    return rows


def _endplate(spine: Spine, n: int, sign: float) -> Points:
    z = np.arange(2.0, 30.0, 0.05)
    inside = [body_mm(spine.bodies[n], 0.0, 0.0, sign * float(v)) < 0.0 for v in z]
    return spine.to_lps(n, np.array([0.0, 0.0, sign * z[int(np.sum(inside))]]))


def _pedicle(spine: Spine, n: int, which: int) -> dict[str, Any]:
    row = spine.pedicles[n, which]
    side = spine.parts[n].left if which == 0 else spine.parts[n].right
    ends = np.stack([row[:3] + 9.0 * row[5:8], row[:3] - 9.0 * row[5:8]])
    return {
        "axis_lps_mm": _plain(spine.to_lps(n, ends)),
        "isthmus_lps_mm": _plain(spine.to_lps(n, row[:3])),
        "width_mm": round(side.width_mm, 3),
        "height_mm": round(side.height_mm, 3),
        "transverse_angle_deg": round(side.transverse_deg, 3),
        "sagittal_angle_deg": round(side.sagittal_deg, 3),
    }


def _tube(spine: Spine, grid: Grid, cord: bool) -> dict[str, Any]:
    low, high = (float(v[2]) for v in grid.bounds_lps_mm())
    inside = (spine.canal[:, 0] >= low) & (spine.canal[:, 0] <= high)
    rows = spine.canal[inside][::4]
    half = rows[:, 3:5]
    if cord:
        rows = rows[rows[:, 5] > 0.02]
        half = np.array([cord_half_axes(float(r[3]), float(r[5])) for r in rows]).reshape(-1, 2)
    return {
        "z_mm": _plain(rows[:, 0]),
        "centre_lps_mm": _plain(rows[:, [1, 2, 0]]),
        "half_width_mm": _plain(half[:, 0]),
        "half_depth_mm": _plain(half[:, 1]),
    }


def _lesions(case: Case, lesions: FloatArray, sums: FloatArray) -> list[dict[str, Any]]:
    rows = []
    for m, spec in enumerate(case.lesions):
        volume, *moments, outside, in_canal = (float(v) for v in sums[:, m].sum(axis=0))
        rows.append(
            {
                "name": spec.name,
                "label": m + 1,
                "level": spec.level,
                "kind": spec.kind,
                "vas": spec.vas,
                "centre_lps_mm": _plain(np.array(moments) / max(volume, 1e-9)),
                "volume_ml": round(ml_from_mm3(volume), 4),
                "breaches_posterior_wall": spec.breach and in_canal > 0.0,
                "breaches_cortex": outside > 0.0 or spec.breach,
                "volume_in_canal_ml": round(ml_from_mm3(in_canal), 4),
                "mean_hu": float(lesions[m, 12]),
            }
        )
    return rows


def _skin(levels: dict[str, dict[str, Any]], grid: Grid, skin: LabelArray) -> dict[str, Any]:
    points, distances = {}, {}
    for name, row in levels.items():
        k, j, i = np.clip(
            np.rint(grid.index_of(np.array(row["centre_lps_mm"]))).astype(int), 0, np.array(grid.shape_kji) - 1
        )
        last = int(j + np.sum(np.cumprod(skin[k, j:, i])) - 1)
        place = grid.lps_of(np.array([k, last + 0.5, i], dtype=np.float64))
        points[name] = _plain(place)
        distances[name] = round(float(place[1] - row["centre_lps_mm"][1]), 2)
    return {"back_lps_mm": points, "distance_mm": distances}
