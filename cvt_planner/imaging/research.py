"""NIfTI and NRRD volumes: pictures without identity, for research. SimpleITK gives their geometry in LPS."""

from __future__ import annotations

import gzip
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import HuArray, MaskArray
from cvt_planner.base.errors import GeometryMismatch, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.itk import itk
from cvt_planner.imaging.judge import MAX_VOXELS, thick_remark
from cvt_planner.imaging.pixels import HU_LIMITS
from cvt_planner.imaging.series import REFUSED, WARNING, SeriesInfo
from cvt_planner.imaging.sources import shown
from cvt_planner.imaging.split import MIN_SLICES
from cvt_planner.imaging.stack import orientation_name
from cvt_planner.imaging.volume import Patient, SeriesIdentity

RESEARCH_UID = "research"
PLACE_UNKNOWN = "The file does not say how it lies in the patient: left and right are assumed, not known."
NO_IDENTITY = "Research volume without identity: the file names no patient, study or frame of reference."


def research_series(path: Path, given: str) -> SeriesInfo:
    """Return a NIfTI or NRRD file as a series of a listing, judged by its header alone.

    Parameters
    ----------
    given
        The path as the user gave it.
    """
    try:
        grid, remarks = _header(path)
    except InputRefused as refusal:
        return SeriesInfo(
            RESEARCH_UID,
            _identity(path),
            Patient(),
            REFUSED,
            (str(refusal),),
            given,
            0,
            0,
            0,
            (shown(path),),
            is_research=True,
        )
    depth, rows, columns = grid.shape_kji
    _, between_rows, between_columns = (float(s) for s in grid.spacing_kji_mm)
    normal = grid.lps_from_index[:3, 0] / grid.spacing_kji_mm[0]
    return SeriesInfo(
        uid=RESEARCH_UID,
        identity=_identity(path),
        patient=Patient(),
        verdict=WARNING,
        reasons=(NO_IDENTITY, *remarks),
        source=given,
        slice_count=depth,
        rows=rows,
        columns=columns,
        files=(shown(path),),
        pixel_spacing_mm=(between_rows, between_columns),
        slice_distance_mm=float(grid.spacing_kji_mm[0]),
        orientation=orientation_name(normal),
        is_research=True,
        grid=grid,
    )


def read_research(path: Path, progress: Progress) -> tuple[HuArray, Grid, tuple[str, ...]]:
    """Return canonical (k, j, i) int16 HU, their grid, and remarks on the values, of a NIfTI or NRRD file.

    Numbers are rounded and limited to int16; what is not a number becomes -1024.

    Raises
    ------
    InputRefused
        If the file is damaged, not three-dimensional, or not a scalar picture.
    """
    _header(path)
    progress.report(0.1, "Reading the research volume")
    with _plain_name(path) as name:
        image = _guarded(path, lambda: itk.ReadImage(str(name)))
    progress.report(0.7, "Turning the axes")
    grid = _grid(image)
    stored = itk.GetArrayViewFromImage(image)
    remarks = []
    if stored.dtype.kind == "f":
        broken = ~np.isfinite(stored) | _nifti_holes(path, stored.shape)
        if broken.any():
            remarks.append(f"{int(broken.sum())} voxels hold no number and were taken as air.")
        stored = np.rint(np.where(broken, -1024.0, stored))
    if stored.size and stored.min() > -200:
        remarks.append(
            f"The values run from {int(stored.min())} to {int(stored.max())}, without air: "
            "they may not be Hounsfield units."
        )
    turn = Turn.of(grid.lps_from_index)
    whole = np.clip(stored, *HU_LIMITS).astype(np.int16)
    return np.ascontiguousarray(turn.array(whole)), turn.grid(grid), tuple(remarks)


def read_labels(path: Path) -> tuple[NDArray[Any], Grid, dict[str, str], tuple[str, ...]]:
    """Return canonical (k, j, i) stored values, their grid, the file's text keys and remarks on its place.

    Raises
    ------
    InputRefused
        If the file is damaged, not three-dimensional, or not a scalar picture.
    """
    _, remarks = _header(path)
    with _plain_name(path) as name:
        image = _guarded(path, lambda: itk.ReadImage(str(name)))
    grid = _grid(image)
    turn = Turn.of(grid.lps_from_index)
    keys = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    stored = np.array(turn.array(itk.GetArrayViewFromImage(image)), order="C")  # a copy: the image ends here
    return stored, turn.grid(grid), keys, tuple(r for r in remarks if r == PLACE_UNKNOWN)


def _nifti_holes(path: Path, shape: tuple[int, ...]) -> MaskArray:
    """Return which voxels of a NIfTI-1 file are not numbers: ITK's reader gives 0 for them, which is water.

    Byte places are those of the NIfTI-1 header (nifti1.h): datatype at 70, vox_offset at 108.
    """
    none = np.zeros(shape, dtype=np.bool_)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return none
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    order = {b"\x5c\x01\0\0": "<", b"\0\0\x01\x5c": ">"}.get(data[:4])  # the header's own length, 348
    if order is None:
        return none
    (code,) = struct.unpack(order + "h", data[70:72])
    (offset,) = struct.unpack(order + "f", data[108:112])
    kind = {16: "f4", 64: "f8"}.get(code)
    if kind is None:
        return none
    holes: MaskArray = ~np.isfinite(np.frombuffer(data, order + kind, none.size, int(offset)).reshape(shape))
    return holes


def _identity(path: Path) -> SeriesIdentity:
    return SeriesIdentity(series_description=shown(path.name))


@contextmanager
def _plain_name(path: Path) -> Iterator[Path]:
    """Give the path, or, where its name is not ASCII, that of a private copy: ITK finds nothing under such names on
    Windows (SimpleITK issue 1255). A .nhdr keeps its voxels in a second file and is given as it is."""
    if str(path).isascii() or path.suffix.lower() == ".nhdr":
        yield path
        return
    ending = "".join(path.suffixes[-2:]) if path.name.lower().endswith(".nii.gz") else path.suffix
    with tempfile.TemporaryDirectory(prefix="cvt-") as folder:
        copy = Path(folder) / f"volume{ending}"
        shutil.copyfile(path, copy)
        yield copy


def _guarded(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (RuntimeError, OSError) as fault:
        last = str(fault).strip().splitlines()[-1].removeprefix("sitk::ERROR: ")
        raise InputRefused(f"{shown(path)} cannot be read as a research volume ({last}). Export it again.") from fault


def _header(path: Path) -> tuple[Grid, list[str]]:
    reader = itk.ImageFileReader()
    with _plain_name(path) as name:
        reader.SetFileName(str(name))
        _guarded(path, reader.ReadImageInformation)
    size = reader.GetSize()
    fault = ""
    if reader.GetDimension() != 3:
        fault = f"has {reader.GetDimension()} dimensions instead of 3"
    elif reader.GetNumberOfComponents() != 1:
        fault = f"has {reader.GetNumberOfComponents()} values per voxel instead of one"
    elif min(size) < MIN_SLICES:
        fault = f"is only {min(size)} voxels thick; a volume needs {MIN_SLICES} or more"
    elif int(np.prod(size, dtype=np.float64)) > MAX_VOXELS:
        fault = f"declares over {MAX_VOXELS:.0e} voxels, which is implausible"
    if fault:
        raise InputRefused(f"{shown(path)} {fault}. Export the CT as one plain volume.")
    try:
        grid = _grid(reader)
    except GeometryMismatch as refusal:
        raise InputRefused(
            f"{shown(path)} has an orientation or spacing that makes no volume. Export the CT as one plain volume."
        ) from refusal
    return grid, [
        *_place_remarks(reader),
        *thick_remark(float(Turn.of(grid.lps_from_index).grid(grid).spacing_kji_mm[0])),
    ]


def _place_remarks(reader: Any) -> list[str]:
    keys = set(reader.GetMetaDataKeys())
    codes = [reader.GetMetaData(k).strip() for k in ("qform_code", "sform_code") if k in keys]
    nifti_lost = bool(codes) and all(code in ("0", "NIFTI_XFORM_UNKNOWN") for code in codes)
    nrrd_lost = str(reader.GetFileName()).lower().endswith((".nrrd", ".nhdr")) and "NRRD_space" not in keys
    if nifti_lost or nrrd_lost:
        return [PLACE_UNKNOWN]
    return []


def _grid(image: Any) -> Grid:
    steps = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = steps[:, ::-1] + 0.0
    affine[:3, 3] = image.GetOrigin()
    columns, rows, depth = image.GetSize()
    return Grid((depth, rows, columns), affine)
