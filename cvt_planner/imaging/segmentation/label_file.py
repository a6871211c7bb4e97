"""Label volumes in NIfTI or NRRD."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.research import read_labels
from cvt_planner.imaging.sources import shown

MOST_LABELS = 500
_SLICER_KEY = re.compile(r"Segment(\d+)_(Name|LabelValue)$")


def label_volume(path: Path) -> tuple[NDArray[np.int32], Grid, dict[int, str], tuple[str, ...]]:
    """Return canonical (k, j, i) labels, their grid in LPS mm, the names of labels, and remarks on the place.

    Names come from 3D Slicer's keys in an NRRD, or from a JSON file of the same name beside it (`{"L3": 29}` or
    `{"29": "L3"}`); where there are none the mapping is empty.

    Raises
    ------
    InputRefused
        If the file is damaged, not three-dimensional, or holds no labels (fractions, negative or too many values).
    """
    stored, grid, keys, remarks = read_labels(path)
    if stored.dtype.kind == "f":
        if not np.all(np.isfinite(stored)) or np.any(stored != np.rint(stored)):
            raise InputRefused(
                f"{shown(path)} holds fractions, not labels. Export it as a label map with whole numbers."
            )
    elif stored.dtype.kind not in "iub":
        raise InputRefused(f"{shown(path)} holds no plain numbers. Export it as a label map.")
    low, high = float(stored.min()), float(stored.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise InputRefused(f"{shown(path)} runs from {low:g} to {high:g}: a picture, not labels. Choose the label map.")
    labels = stored.astype(np.int32)
    found = np.unique(labels)
    if len(found) - (found[0] == 0) > MOST_LABELS:
        raise InputRefused(f"{shown(path)} holds {len(found)} values: a picture, not labels. Choose the label map.")
    if high == 0:
        raise InputRefused(f"{shown(path)} holds no structure: every voxel is 0. Choose another file.")
    return labels, grid, _slicer_names(keys) or _names_beside(path), remarks


def _slicer_names(keys: dict[str, str]) -> dict[int, str]:
    parts: dict[str, dict[str, str]] = {}
    for key, value in keys.items():
        match = _SLICER_KEY.match(key)
        if match:
            parts.setdefault(match[1], {})[match[2]] = value.strip()
    return {
        int(part["LabelValue"]): part["Name"]
        for part in parts.values()
        if part.get("LabelValue", "").isdigit() and part.get("Name")
    }


def _names_beside(path: Path) -> dict[int, str]:
    stem = path.name
    for ending in (".nii.gz", ".nii", ".nrrd", ".nhdr"):
        if stem.lower().endswith(ending):
            stem = stem[: -len(ending)]
            break
    beside = path.with_name(stem + ".json")
    if not beside.is_file() or beside.stat().st_size > 1_000_000:
        return {}
    try:
        values = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    names: dict[int, str] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        if str(key).isdigit() and isinstance(value, str):
            names[int(key)] = value
        elif isinstance(value, int) and not isinstance(value, bool):
            names[value] = str(key)
    return names
