"""A CT with what is true of its spine: a phantom's truth, or the labels of a real CT."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray, Points
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.content import content_hash
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume


@dataclass(frozen=True, eq=False)
class TruePedicle:
    """One pedicle: its isthmus (LPS mm), unit axis into the body, outer width and height, mm."""

    level: str
    side: str
    isthmus_lps_mm: FloatArray
    forward: FloatArray
    width_mm: float
    height_mm: float


@dataclass(frozen=True, eq=False)
class Case:
    """One CT to find a spine in.

    Parameters
    ----------
    names
        Level by label value, from head to feet.
    vertebrae
        (k, j, i) label of each voxel on the CT's own grid, None where a CT has none.
    complete
        Labels of vertebrae that lie wholly in view; only these are scored.
    apart
        Labels that are scored, but apart from the limit: the sacrum.
    ignored
        Voxels that are no error however they are named: the lower sacrum.
    canal, canal_line
        Mask and (n, 3) middle line, LPS mm; None where unknown.
    struck
        Levels with a lesion or a collapse in them; the measures of their pedicles are told apart.
    lesions
        By name: label in `lesion_labels`, kind and true volume, mL.
    """

    name: str
    words: str
    volume: Volume
    names: dict[int, str] = field(default_factory=dict)
    vertebrae: LabelArray | None = field(default=None, repr=False)
    complete: frozenset[int] = frozenset()
    apart: frozenset[int] = frozenset()
    ignored: MaskArray | None = field(default=None, repr=False)
    bodies: LabelArray | None = field(default=None, repr=False)
    canal: MaskArray | None = field(default=None, repr=False)
    canal_line: Points | None = field(default=None, repr=False)
    cord_line: Points | None = field(default=None, repr=False)
    pedicles: tuple[TruePedicle, ...] = ()
    struck: frozenset[str] = frozenset()
    lesion_labels: LabelArray | None = field(default=None, repr=False)
    lesions: tuple[dict[str, Any], ...] = ()


def volume_of(hu: Any, grid: Grid, source: str) -> Volume:
    """Return a volume without identity from voxels and their grid."""
    voxels = np.ascontiguousarray(np.clip(hu, -1024, 3071), dtype=np.int16)
    return Volume(voxels, grid, Patient(), SeriesIdentity(), content_hash(voxels, grid), source)


def phantom_case(name: str, hu: Any, labels: dict[str, LabelArray], truth: dict[str, Any], affine: FloatArray) -> Case:
    """Return a phantom as a case."""
    grid = Grid(hu.shape, affine)
    rows = [row for row in truth["levels"] if row["name"] not in ("S2", "S3")]
    lower = [row["label"] for row in truth["levels"] if row["name"] in ("S2", "S3")]
    low, high = grid.bounds_lps_mm()[0][2], grid.bounds_lps_mm()[1][2]
    line = np.array(truth["canal"]["centre_lps_mm"])
    struck = {lesion["level"] for lesion in truth["lesions"]} | set(truth["person"]["collapsed"])
    words = f"{rows[0]['name']} to {rows[-1]['name']}, {_person(truth)}"
    return Case(
        name,
        words,
        volume_of(hu, grid, name),
        {row["label"]: row["name"] for row in rows},
        np.where(np.isin(labels["vertebrae"], lower), 0, labels["vertebrae"]).astype(np.uint8),
        frozenset(row["label"] for row in rows if row["complete"]),
        frozenset(row["label"] for row in rows if row["name"] == "S1"),
        np.isin(labels["vertebrae"], lower),
        labels["bodies"],
        labels["canal"] > 0,
        line[(line[:, 2] > low) & (line[:, 2] < high)],
        None,
        tuple(
            _pedicle(row, side) for row in rows if row["complete"] and row["name"] != "S1" for side in row["pedicles"]
        ),
        frozenset(struck),
        labels["lesions"],
        tuple(truth["lesions"]),
    )


def _pedicle(row: dict[str, Any], side: str) -> TruePedicle:
    there = row["pedicles"][side]
    front, hind = np.array(there["axis_lps_mm"])
    forward = (front - hind) / np.linalg.norm(front - hind)
    place = np.array(there["isthmus_lps_mm"])
    return TruePedicle(row["name"], side, place, forward, there["width_mm"], there["height_mm"])


def _person(truth: dict[str, Any]) -> str:
    """Return in words what is special in a phantom."""
    person = truth["person"]
    said = [f"{truth['grid']['spacing_kji_mm'][0]:g} mm slices", f"marrow {person['marrow_hu']:g} HU"]
    said.append(f"noise x{truth['noise']:g}")
    if person["kyphosis_deg"]:
        said.append(f"kyphosis +{person['kyphosis_deg']:.0f}°")
    if person["cobb_deg"]:
        said.append(f"Cobb {abs(person['cobb_deg']):.0f}° at {person['apex']}")
    if person["lumbar"] != 5:
        said.append("6 lumbar")
    if person["rib_pairs"] != 12:
        said.append(f"{person['rib_pairs']} pairs of ribs")
    said += [f"{level} collapsed" for level in person["collapsed"]]
    said += [
        f"{lesion['kind']}{' breach' if lesion['breaches_cortex'] else ''} {lesion['level']}"
        for lesion in truth["lesions"]
    ]
    return ", ".join(said)
