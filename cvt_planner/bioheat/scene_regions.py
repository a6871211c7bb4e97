"""The tissue of a scene file: shapes or labels of their own material, or held at a temperature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Points
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.json_reading import a_list, an_object, get, kind_of, need, number, only_known, point
from cvt_planner.bioheat.scene import HeatBox
from cvt_planner.bioheat.tissue import Material
from cvt_planner.bioheat.tissue_map import TissueMap, map_of_labels
from cvt_planner.imaging.nrrd import read_nrrd

MATERIAL_KEYS = tuple(f.name for f in fields(Material))
FILL_KEYS = ("material", "perfusion_w_m3k", "metabolic_w_m3", "held_c")
SHAPE_KEYS = {
    "sphere": ("centre_lps_mm", "radius_mm"),
    "box": ("low_lps_mm", "high_lps_mm"),
    "cylinder": ("from_lps_mm", "to_lps_mm", "radius_mm"),
}


@dataclass(frozen=True)
class Fill:
    """What a region consists of."""

    material: Material
    perfusion_w_m3k: float
    metabolic_w_m3: float
    held_c: float | None = None


def read_tissue(data: Mapping[str, Any], box: HeatBox, background: Fill, folder: Path) -> TissueMap | None:
    """Return the tissue map that ``regions`` and ``labels`` of a scene ask for; None when there are none.

    Later regions lie over earlier ones, and all of them over the labels.

    Parameters
    ----------
    data
        The scene file's object.
    box, background
        The box, and what fills it where nothing else is said.
    folder
        Where a relative path of a label file starts.
    """
    if "regions" not in data and "labels" not in data:
        return None
    fills = [background]
    voxels = np.zeros(box.grid.shape_kji, np.int64)
    if "labels" in data:
        _put_labels(an_object(data["labels"], "'labels'"), box, fills, voxels, folder)
    for n, value in enumerate(a_list(data.get("regions", []), "regions")):
        where = f"regions[{n}]"
        region = an_object(value, repr(where))
        inside = _inside(region, box, where)
        fills.append(_fill(region, background, where))
        voxels[inside] = len(fills) - 1
    return map_of_labels(
        voxels,
        [f.material for f in fills],
        [f.perfusion_w_m3k for f in fills],
        [f.metabolic_w_m3 for f in fills],
        {n: f.held_c for n, f in enumerate(fills) if f.held_c is not None},
    )


def _fill(data: Mapping[str, Any], background: Fill, where: str) -> Fill:
    return Fill(
        material(data["material"], f"{where}.material") if "material" in data else background.material,
        number(data.get("perfusion_w_m3k", background.perfusion_w_m3k), f"{where}.perfusion_w_m3k"),
        number(data.get("metabolic_w_m3", background.metabolic_w_m3), f"{where}.metabolic_w_m3"),
        get(data, "held_c", number, None),
    )


def _put_labels(
    data: Mapping[str, Any], box: HeatBox, fills: list[Fill], voxels: NDArray[np.int64], folder: Path
) -> None:
    """Write the fills of a label file, by the nearest of its voxels; outside it the background stays."""
    only_known(data, ("nrrd", "fills"), "'labels'")
    name = need(data, "nrrd", "labels")
    if not isinstance(name, str):
        raise InputRefused(f"'labels.nrrd' must be a path, not {kind_of(name)}.")
    array, grid = read_nrrd(folder / name)
    index = np.rint(grid.index_of(_centres(box))).astype(np.int64)
    known = np.all((index >= 0) & (index < np.array(grid.shape_kji)), axis=-1)
    values = array[tuple(index[known].T)]
    given = an_object(need(data, "fills", "labels"), "'labels.fills'")
    placed = np.zeros(values.shape, np.int64)
    for key, value in given.items():
        if not key.lstrip("-").isdigit():
            raise InputRefused(f"'labels.fills' has the key {key!r}; give voxel values, such as \"1\".")
        where = f"labels.fills.{key}"
        fill = an_object(value, repr(where))
        only_known(fill, FILL_KEYS, repr(where))
        fills.append(_fill(fill, fills[0], where))
        placed[values == int(key)] = len(fills) - 1
    voxels[known] = placed


def _inside(region: Mapping[str, Any], box: HeatBox, where: str) -> NDArray[np.bool_]:
    """Return which voxel middles a shape holds."""
    shape = need(region, "shape", where)
    if not isinstance(shape, str) or shape not in SHAPE_KEYS:
        raise InputRefused(f"'{where}.shape' is {shape!r}; give one of {', '.join(SHAPE_KEYS)}.")
    only_known(region, ("shape", *SHAPE_KEYS[shape], *FILL_KEYS), repr(where))
    at = {key: point(need(region, key, where), f"{where}.{key}") for key in SHAPE_KEYS[shape] if key != "radius_mm"}
    radius = number(need(region, "radius_mm", where), f"{where}.radius_mm") if shape != "box" else 1.0
    if not radius > 0.0:
        raise InputRefused(f"'{where}.radius_mm' must be above zero.")
    centres = _centres(box)
    if shape == "sphere":
        return np.asarray(np.linalg.norm(centres - np.array(at["centre_lps_mm"]), axis=-1) <= radius)
    if shape == "box":
        return np.asarray(np.all((centres >= at["low_lps_mm"]) & (centres <= at["high_lps_mm"]), axis=-1))
    start, end = np.array(at["from_lps_mm"]), np.array(at["to_lps_mm"])
    length = float(np.linalg.norm(end - start))
    if length < 1e-6:
        raise InputRefused(f"{where!r} is a cylinder without length; give two different ends.")
    along = (centres - start) @ (end - start) / length
    across = np.linalg.norm(centres - start - along[..., None] * (end - start) / length, axis=-1)
    return np.asarray((along >= 0.0) & (along <= length) & (across <= radius))


def _centres(box: HeatBox) -> Points:
    grid = box.grid
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in grid.shape_kji], indexing="ij"), axis=-1)
    return grid.lps_of(index)


def material(value: object, where: str = "material") -> Material:
    """Return a material; all its numbers must be there."""
    data = an_object(value, repr(where))
    only_known(data, MATERIAL_KEYS, repr(where))
    read: dict[str, Any] = {}
    for key in MATERIAL_KEYS:
        if key in ("latent_law", "frozen_law"):
            if key in data:
                if not isinstance(data[key], str):
                    raise InputRefused(f"'{where}.{key}' must be a text, not {kind_of(data[key])}.")
                read[key] = data[key]
        else:
            read[key] = number(need(data, key, repr(where)), f"{where}.{key}")
    return Material(**read)
