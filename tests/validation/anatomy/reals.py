"""The real CTs beside the project, with the labels that some of them carry."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from cvt_planner.base.arrays import LabelArray, Points
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.read import read_volume
from tests.validation.anatomy.truths import Case

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("CVT_TEST_DATA", ROOT.parent / "shared" / "data")) / "ct"
_itk: Any = SimpleITK

_TOTAL = {26: "S1", 27: "L5", 28: "L4", 29: "L3", 30: "L2", 31: "L1", 32: "T12", 33: "T11", 34: "T10"}
_CORD = 79
_VERSE = {21: "L2", 22: "L3", 23: "L4"}
_BODY_PARTS = (49, 50)


def labelled(store: Path) -> Iterator[Case]:
    """Yield the CTs that carry labels; none where the data are absent."""
    if not DATA.exists():
        return
    lumbar = DATA / "ts_example_ct_lumbar_3mm.nii.gz"
    volume = read_volume(lumbar)
    names = DATA / "ts_example_ct_lumbar_3mm_vertebrae_T11_S1.nii.gz"
    labels = _on(names, volume.grid)
    body = _on(DATA / "ts_example_ct_lumbar_3mm_vertebral_bodies_discs.nii.gz", volume.grid) == 1
    yield _case("ts lumbar", "3 mm, T11 cut off to sacrum, hip metal", volume, labels, _TOTAL, {26}, body)
    volume = read_volume(unpacked("ts_example_ct_dicom.tar.xz", store))
    labels = _on(DATA / "ts_example_ct_dicom_seg.nii.gz", volume.grid)
    yield _case("ts dicom", "2 mm, 40 mm field, T11 to T12 cut off", volume, labels, _TOTAL, set(), None)
    volume = read_volume(DATA / "tptbox_L3_ct.nii.gz")
    labels = _on(DATA / "tptbox_L3_seg-vert.nii.gz", volume.grid)
    body = np.isin(_on(DATA / "tptbox_L3_seg-subreg.nii.gz", volume.grid), _BODY_PARTS)
    yield _case("tptbox", "1.5 mm crop, L3 whole, L2 and L4 cut off", volume, labels, _VERSE, set(), body)


def unlabelled(store: Path) -> Iterator[Case]:
    """Yield the CTs without labels; for looking at."""
    if not DATA.exists():
        return
    for name, words, file in (
        ("lidc lower", "1 mm, about T8 to T12", "lidc_idri_0314_lower_thoracic_1mm_dicom.tar.xz"),
        ("lidc crop", "1 mm crop, about C7 to T12", "lidc_idri_0314_spinecrop_full_thoracic_1mm.nii.gz"),
        ("crlm", "5 mm, contrast, about T7 to L3", "crlm_ct_1006_dicom.tar.xz"),
    ):
        path = DATA / file if file.endswith(".gz") else unpacked(file, store)
        yield Case(name, words, read_volume(path))


def unpacked(name: str, store: Path) -> Path:
    """Return the folder of an archive, unpacked once."""
    folder = store / name.removesuffix(".tar.xz")
    if not folder.exists():
        with tarfile.open(DATA / name, "r:xz") as archive:
            archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    return folder


def _on(path: Path, grid: Grid) -> LabelArray:
    """Return labels on the grid of a CT, each voxel that of the nearest."""
    image = _itk.ReadImage(str(path))
    affine = grid.lps_from_index
    like = _itk.Image([int(n) for n in grid.shape_kji[::-1]], _itk.sitkUInt8)
    spacing = grid.spacing_kji_mm[::-1]
    like.SetSpacing([float(v) for v in spacing])
    like.SetOrigin([float(v) for v in affine[:3, 3]])
    like.SetDirection([float(v) for v in (affine[:3, [2, 1, 0]] / spacing).ravel()])
    moved = _itk.Resample(image, like, _itk.Transform(), _itk.sitkNearestNeighbor, 0, _itk.sitkUInt8)
    return np.asarray(_itk.GetArrayFromImage(moved))


def _case(
    name: str, words: str, volume: Any, labels: LabelArray, table: dict[int, str], apart: set[int], body: Any
) -> Case:
    present = {value: level for value, level in table.items() if (labels == value).any()}
    order = sorted(present, key=lambda v: -float(volume.grid.lps_of(np.argwhere(labels == v).mean(axis=0))[2]))
    vertebrae = np.zeros(labels.shape, dtype=np.uint8)
    for row, value in enumerate(order, 1):
        vertebrae[labels == value] = row
    cut = _cut_off(vertebrae, float(np.prod(volume.grid.spacing_kji_mm[1:])))
    complete = frozenset(range(1, len(order) + 1)) - cut
    bodies = None if body is None else np.where(body, vertebrae, 0).astype(np.uint8)
    aside = frozenset(row for row, value in enumerate(order, 1) if value in apart)
    return Case(
        name, words, volume, {row: present[value] for row, value in enumerate(order, 1)}, vertebrae, complete,
        aside, None, bodies, cord_line=_line(labels == _CORD, volume.grid),
    )  # fmt: skip


def _cut_off(labels: LabelArray, pixel_mm2: float) -> set[int]:
    """Return the labels that the volume's upper or lower side cuts through, not only through the tip of a process."""
    found = set()
    for face in (labels[0], labels[-1]):
        values, counts = np.unique(face[face > 0], return_counts=True)
        found |= {int(v) for v, n in zip(values, counts, strict=True) if n * pixel_mm2 > 130.0}
    return found


def _line(mask: Any, grid: Grid) -> Points | None:
    rows = [np.append(k, np.argwhere(mask[k]).mean(axis=0)) for k in range(len(mask)) if mask[k].any()]
    return grid.lps_of(np.array(rows)) if rows else None
