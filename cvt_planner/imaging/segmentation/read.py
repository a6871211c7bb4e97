"""Read a segmentation file onto a CT, its place in the patient checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.segmentation.dicom_seg import SEG_CLASSES, seg_parts
from cvt_planner.imaging.segmentation.label_file import label_volume
from cvt_planner.imaging.segmentation.model import Segment, Segmentation, segment_of
from cvt_planner.imaging.segmentation.rtstruct import RTSTRUCT_CLASS, rois
from cvt_planner.imaging.sources import RESEARCH_ENDINGS, FileRef, Opener, kind_of, shown

_MOST_BYTES = 2_000_000_000  # of one DICOM segmentation; assumed, a whole body in 117 structures takes far less
FILE_LIMIT_S = 60.0  # without any progress; assumed, a whole body takes seconds
_LEAST_INSIDE = 0.5  # a segmentation of which more lies outside the CT belongs to another one
_SAID_INSIDE = 0.999


@dataclass(frozen=True)
class Target:
    """The CT that a segmentation is read onto."""

    grid: Grid
    series_uid: str = ""
    study_uid: str = ""


def read_segmentation(
    path: Path | str, target: Target, progress: Progress | None = None, opener: Opener | None = None
) -> Segmentation:
    """Return the structures of a label file (NIfTI, NRRD), DICOM SEG or RTSTRUCT on a CT's voxels.

    A label map or SEG on another grid is resampled to the nearest voxel and says so.

    Raises
    ------
    InputRefused
        If the file is damaged or of another kind, was made for another frame of reference, or lies for more than
        half outside the CT.
    Cancelled
        If the progress was asked to stop.

    Notes
    -----
    A label file names no frame of reference: only where it lies can be compared.
    """
    path, progress = Path(path), progress or Progress()
    if not path.is_file():
        raise InputRefused(f"{shown(path)} does not exist; give a NIfTI, NRRD, DICOM SEG or RTSTRUCT file.")
    if opener is not None:
        opener.enter(FileRef(path), FILE_LIMIT_S)
    progress.report(0.0, "Reading the segmentation")
    if path.name.lower().endswith(RESEARCH_ENDINGS) or kind_of(path) == "research":
        return _from_labels(path, target, progress)
    dataset = _dataset(path)
    kind = str(dataset.get("SOPClassUID", ""))
    if kind in SEG_CLASSES:
        return _from_seg(dataset, path, target, progress)
    if kind == RTSTRUCT_CLASS:
        return _from_rtstruct(dataset, path, target, progress)
    raise InputRefused(f"{shown(path)} is no segmentation (DICOM SEG or RTSTRUCT). Choose one, or a label map.")


def _dataset(path: Path) -> Dataset:
    if path.stat().st_size > _MOST_BYTES:
        raise InputRefused(f"{shown(path)} is larger than {_MOST_BYTES / 1e9:g} GB. Export fewer structures.")
    try:
        return pydicom.dcmread(path)
    except (InvalidDicomError, OSError, EOFError, ValueError, AttributeError, NotImplementedError) as fault:
        raise InputRefused(
            f"{shown(path)} is not a readable NIfTI, NRRD or DICOM file. Export the segmentation again."
        ) from fault


# --- label files


def _from_labels(path: Path, target: Target, progress: Progress) -> Segmentation:
    labels, grid, names, remarks = label_volume(path)
    progress.report(0.4, "Placing the labels")
    numbers = [int(v) for v in np.unique(labels) if v]
    if grid.same_as(target.grid):
        placed, start, notices = labels, (0, 0, 0), list(remarks)
    else:
        placed, start, inside = _resampled(labels, grid, target.grid)
        notices = [*remarks, *_fit_notices(shown(path), inside, grid, target.grid)]
    segments = []
    for n, number in enumerate(numbers):
        progress.report(0.5 + 0.5 * n / len(numbers), f"Structure {n + 1} of {len(numbers)}")
        made = segment_of(number, names.get(number, ""), placed == number, target.grid, start)
        if made is not None:
            segments.append(made)
    return Segmentation(tuple(segments), "label file", shown(path), tuple(notices))


def _resampled(
    labels: NDArray[np.int32], grid: Grid, onto: Grid
) -> tuple[NDArray[np.int32], tuple[int, int, int], float]:
    """Return labels on the CT's voxels that the label map's box meets, that box's start, and the share that is inside.

    Each voxel of the CT takes the label of the nearest voxel of the map.
    """
    voxels = np.argwhere(labels > 0)
    places = onto.index_of(grid.lps_of(voxels.astype(np.float64)))
    fits = np.all((places >= -0.5) & (places <= np.array(onto.shape_kji) - 0.5), axis=1)
    inside = float(np.mean(fits))
    if not fits.any():
        return np.zeros((0, 0, 0), dtype=np.int32), (0, 0, 0), 0.0
    reach = np.ceil(np.abs(onto.index_from_lps[:3, :3] @ grid.lps_from_index[:3, :3]).sum(axis=1)).astype(int) + 1
    low = np.maximum(np.floor(places.min(axis=0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(places.max(axis=0)).astype(int) + reach + 1, onto.shape_kji)
    out = np.zeros(tuple(high - low), dtype=np.int32)
    j, i = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
    for k in range(low[0], high[0]):  # by slice, so that the memory stays small
        index = np.rint(grid.index_of(onto.lps_of(np.stack([np.full_like(j, k), j, i], axis=-1).astype(np.float64))))
        at = index.astype(np.int64)
        ok = np.all((at >= 0) & (at < np.array(grid.shape_kji)), axis=-1)
        chosen = at[ok]
        out[k - low[0]][ok] = labels[chosen[:, 0], chosen[:, 1], chosen[:, 2]]
    return out, (int(low[0]), int(low[1]), int(low[2])), inside


def _fit_notices(name: str, inside: float, grid: Grid, onto: Grid) -> Iterator[str]:
    if inside < _LEAST_INSIDE:
        raise InputRefused(
            f"{name}: {100.0 * (1.0 - inside):.0f} % of what it marks lies outside this CT. It was made for another "
            "one; choose the segmentation of the CT that is open."
        )
    spacing = " x ".join(f"{v:.3g}" for v in grid.spacing_kji_mm)
    ours = " x ".join(f"{v:.3g}" for v in onto.spacing_kji_mm)
    yield (
        f"{name} lies on voxels of its own ({spacing} mm; the CT's are {ours} mm): each voxel of the CT took the "
        "nearest label."
    )
    if inside < _SAID_INSIDE:
        yield f"{100.0 * (1.0 - inside):.1f} % of what {name} marks lies outside the CT and was left out."


# --- DICOM


def _from_seg(dataset: Dataset, path: Path, target: Target, progress: Progress) -> Segmentation:
    name = shown(path)
    notices = _refer_to(dataset, target, name, str(dataset.get("FrameOfReferenceUID", "")))
    segments: list[Segment] = []
    for n, part in enumerate(seg_parts(dataset, name)):
        progress.report(min(0.1 + 0.02 * n, 0.95), f"Structure {n + 1}")
        if not part.mask.any():
            continue
        labels = part.mask.astype(np.int32)
        if part.grid.same_as(target.grid):
            made = segment_of(part.number, part.name, part.mask, target.grid, (0, 0, 0))
        else:
            placed, start, inside = _resampled(labels, part.grid, target.grid)
            made = segment_of(part.number, part.name, placed > 0, target.grid, start) if placed.size else None
            notices += [text for text in _seg_fit(name, inside, part.grid, target.grid) if text not in notices]
        if made is not None:
            segments.append(made)
    if not segments:
        raise InputRefused(f"{name} marks nothing in this CT. Choose another segmentation.")
    return Segmentation(tuple(segments), "DICOM SEG", name, tuple(notices))


def _seg_fit(name: str, inside: float, grid: Grid, onto: Grid) -> Iterator[str]:
    """A SEG often holds only the slices it marks: a grid that falls on the CT's voxels is not resampled."""
    offset = onto.index_of(grid.lps_of(np.zeros(3)))
    steps = onto.index_from_lps[:3, :3] @ grid.lps_from_index[:3, :3]
    aligned = np.allclose(offset, np.rint(offset), atol=0.01) and np.allclose(steps, np.eye(3), atol=1e-4)
    for text in _fit_notices(name, inside, grid, onto):
        if not (aligned and "voxels of its own" in text):
            yield text


def _from_rtstruct(dataset: Dataset, path: Path, target: Target, progress: Progress) -> Segmentation:
    name = shown(path)
    frames = [str(f.get("FrameOfReferenceUID", "")) for f in dataset.get("ReferencedFrameOfReferenceSequence", ())]
    frames += [str(r.get("ReferencedFrameOfReferenceUID", "")) for r in dataset.get("StructureSetROISequence", ())]
    uid = target.grid.frame_of_reference_uid if target.grid.frame_of_reference_uid in frames else next(iter(frames), "")
    notices = _refer_to(dataset, target, name, uid)
    segments: list[Segment] = []
    filled = 0
    for n, roi in enumerate(rois(dataset, target.grid, name)):
        progress.report(min(0.1 + 0.02 * n, 0.95), f"Structure {n + 1}")
        made = segment_of(roi.number, roi.name, roi.mask, target.grid, (0, 0, 0))
        if made is not None:
            segments.append(made)
            filled += roi.filled_planes
    if not segments:
        raise InputRefused(f"{name}: its contours lie outside this CT. They were drawn on another one.")
    if filled:
        notices.append(f"{name}: {filled} slices without a contour between two that have one were filled in.")
    return Segmentation(tuple(segments), "RTSTRUCT", name, tuple(notices))


def _refer_to(dataset: Dataset, target: Target, name: str, frame_uid: str) -> list[str]:
    ours = target.grid.frame_of_reference_uid
    if frame_uid and ours and frame_uid != ours:
        raise InputRefused(
            f"{name} was made for another frame of reference than this CT: its places mean nothing here. Choose the "
            "segmentation of the CT that is open, or register the two first."
        )
    study = str(dataset.get("StudyInstanceUID", ""))
    if study and target.study_uid and study != target.study_uid:
        return [f"{name} belongs to another study than this CT; both share one frame of reference."]
    if not frame_uid or not ours:
        return [f"{name}: that it belongs to this CT could not be checked, as a frame of reference is missing."]
    return []
