"""Our reading of CTs against SimpleITK (GDCM), dcm2niix and pydicom: every voxel, every place.

Run by hand: ``python -m tests.validation.reading`` prints the table and writes docs/reading.md. dcm2niix is used where
it is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from pydicom import dcmread

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.series import SeriesInfo
from cvt_planner.imaging.sources import FileRef, Opener
from cvt_planner.imaging.volume import Volume
from tests.validation import reading_cases

PLACE_MM = 1e-3
Truth = Callable[[np.ndarray], np.ndarray]
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
PATIENT = {
    "LIDC-IDRI-0314, 105 slices of 1 mm": "lidc_idri_0314_lower_thoracic_1mm_dicom.tar.xz",
    "CRLM-CT-1006, 51 slices of 5 mm": "crlm_ct_1006_dicom.tar.xz",
    "TotalSegmentator example, JPEG 2000": "ts_example_ct_dicom.tar.xz",
}


@dataclass(frozen=True)
class Agreement:
    """How another reader's volume compares: largest distance of a corner or axis end, mm, and of a voxel's value, HU.

    `note` says what the other reader does otherwise; the figures are None where nothing can be compared.
    """

    place_mm: float | None
    value_hu: float | None
    note: str = ""

    @property
    def agrees(self) -> bool:
        """Return whether places agree to `PLACE_MM` and every voxel is equal."""
        return self.place_mm is not None and self.place_mm <= PLACE_MM and self.value_hu == 0.0


def by_simpleitk(folder: Path) -> sitk.Image:
    """Return the first series of a folder, or its only file, as SimpleITK reads it."""
    reader = sitk.ImageSeriesReader()
    uids = reader.GetGDCMSeriesIDs(str(folder))
    if not uids:
        raise RuntimeError("finds no series")
    names = reader.GetGDCMSeriesFileNames(str(folder), uids[0])
    if len(names) == 1:
        return sitk.ReadImage(names[0], imageIO="GDCMImageIO")
    reader.SetFileNames(names)
    return reader.Execute()


def by_dcm2niix(folder: Path) -> sitk.Image:
    """Return the volume that dcm2niix writes, as SimpleITK reads it; the corrected one where it writes two."""
    program = shutil.which("dcm2niix")
    if program is None:
        raise FileNotFoundError("dcm2niix is not installed")
    with tempfile.TemporaryDirectory(prefix="cvt-") as out:
        command = [program, "-z", "n", "-b", "n", "-f", "v", "-o", out, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        made = sorted(Path(out).glob("*.nii"), key=lambda p: ("Tilt" in p.name) + 2 * ("Eq" in p.name))
        if not made:
            lines = [line for line in done.stdout.splitlines() if "rror" in line or "arning" in line]
            raise RuntimeError(lines[-1] if lines else "writes nothing")
        return sitk.ReadImage(str(made[-1]))


def compared(volume: Volume, image: sitk.Image, truth: Truth | None = None) -> Agreement:
    """Return how a volume of another reader compares with ours: corner and ends of its axes, then the voxels."""
    size = np.array(image.GetSize())
    ends = [[0.0] * 3, *np.diag(size - 1.0).tolist()]
    places = np.array([image.TransformContinuousIndexToPhysicalPoint(p) for p in ends])
    index = volume.grid.index_of(places)
    place = float(np.abs((index - np.rint(index)) * volume.grid.spacing_kji_mm).max())
    if sorted(volume.hu.shape) != sorted(size.tolist()):
        return _where_both(volume, image, truth)
    steps = (np.rint(index[1:]) - np.rint(index[0])) / (size - 1)[:, None]
    order = np.abs(steps).argmax(axis=1)[::-1]
    if place > PLACE_MM or len(set(order.tolist())) < 3 or not np.isin(np.rint(index[0]), (0, *(size - 1))).all():
        return _where_both(volume, image, truth)
    flips = tuple(slice(None, None, int(np.rint(steps[2 - a, order[a]]))) for a in range(3))
    theirs = np.clip(np.rint(sitk.GetArrayViewFromImage(image)), -32768, 32767)
    return Agreement(place, float(np.abs(volume.hu.transpose(order)[flips].astype(int) - theirs).max()))


def _where_both(volume: Volume, image: sitk.Image, truth: Truth | None) -> Agreement:
    """Return how far both are from the truth at places within both, or from each other where there is none."""
    shape = np.array(volume.grid.shape_kji)
    index = np.random.default_rng(0).integers(0, shape, (4000, 3))
    ours, theirs, places = [], [], []
    for kji, place in zip(index, volume.grid.lps_of(index), strict=True):
        at = image.TransformPhysicalPointToContinuousIndex(place.tolist())
        value = float(volume.hu[tuple(kji)])
        if value > -1000 and all(0 <= a <= s - 1 for a, s in zip(at, image.GetSize(), strict=True)):
            ours.append(value)
            theirs.append(float(image.EvaluateAtContinuousIndex(at)))
            places.append(place)
    if not ours:
        return Agreement(None, None, "lies elsewhere")
    if truth is None:
        return Agreement(None, float(np.median(np.abs(np.array(ours) - theirs))), "other grid; median difference")
    right = truth(np.array(places))
    own, other = (float(np.median(np.abs(np.array(values) - right))) for values in (ours, theirs))
    return Agreement(None, other, f"other grid; median error here {own:.0f} HU, there")


def by_pydicom(info: SeriesInfo, volume: Volume) -> Agreement:
    """Return how pydicom's pixels and the headers' own places compare, slice by slice, in single-frame series."""
    worst_hu, worst_mm = 0.0, 0.0
    for header in info.slices:
        ds = dcmread(header.ref.path, force=True)
        theirs = ds.pixel_array.astype(np.float64) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        rows, columns = theirs.shape
        row, column = np.array(ds.ImageOrientationPatient[:3], float), np.array(ds.ImageOrientationPatient[3:], float)
        spacing = [float(v) for v in ds.PixelSpacing]
        corner = np.array(ds.ImagePositionPatient, dtype=float)
        ends = [corner, corner + row * spacing[1] * (columns - 1), corner + column * spacing[0] * (rows - 1)]
        index = volume.grid.index_of(np.array(ends))
        nearest = np.rint(index).astype(int)
        worst_mm = max(worst_mm, float(np.abs((index - nearest) * volume.grid.spacing_kji_mm).max()))
        along, down = (nearest[1] - nearest[0]) / (columns - 1), (nearest[2] - nearest[0]) / (rows - 1)
        j, i = np.mgrid[0:rows, 0:columns]
        at = nearest[0][:, None, None] + np.multiply.outer(down, j) + np.multiply.outer(along, i)
        ours = volume.hu[tuple(np.rint(at).astype(int))]
        worst_hu = max(worst_hu, float(np.abs(ours - np.rint(theirs)).max()))
    return Agreement(worst_mm, worst_hu)


Reader = Callable[[Path, SeriesInfo, Volume, Truth | None], Agreement]
READERS: dict[str, Reader] = {
    "SimpleITK": lambda folder, _info, volume, truth: compared(volume, by_simpleitk(folder), truth),
    "dcm2niix": lambda folder, _info, volume, truth: compared(volume, by_dcm2niix(folder), truth),
    "pydicom": lambda _folder, info, volume, _truth: by_pydicom(info, volume),
}


def agreements(folder: Path, truth: Truth | None = None) -> dict[str, Agreement | str]:
    """Return how each other reader compares on the one series of a folder; a sentence where it cannot read it."""
    info = find_series(folder).readable[0]
    volume = read_volume(info)
    found: dict[str, Agreement | str] = {}
    for name, reader in READERS.items():
        if name == "pydicom" and (
            any(h.frame for h in info.slices) or not info.arrangement or info.arrangement.remarks
        ):
            found[name] = "not compared: the volume is arranged anew"
            continue
        try:
            found[name] = reader(folder, info, volume, truth)
        except (RuntimeError, FileNotFoundError, AttributeError) as fault:
            found[name] = f"cannot read it: {str(fault).strip().splitlines()[-1][:90]}"
    return found


def folders(work: Path) -> Iterator[tuple[str, Path]]:
    """Yield the cases: patients' series where they are there, the sample, and small synthetic ones made here."""
    for title, name in PATIENT.items():
        archive = DATA / "ct" / name
        if archive.exists():
            target = work / archive.name.removesuffix(".tar.xz")
            with tarfile.open(archive, "r:xz") as packed:
                packed.extractall(target, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            yield title, next(p for p in sorted(target.rglob("*")) if p.is_dir())
        else:
            print(f"NOT COMPARED: {title} is absent")
    yield "the sample case", ROOT / "sample_dicom" / "standard"
    yield from reading_cases.made(work)


def single_files() -> list[str]:
    """Return the row about awkward single CT files: how many have the same HU as in SimpleITK and in pydicom."""
    counts = {"SimpleITK": [0, 0, 0], "pydicom": [0, 0, 0]}  # equal, different, not read there
    with Opener() as opener:
        for path in sorted(p for p in (DATA / "awkward").rglob("*") if p.is_file()):
            try:
                header = read_header(opener, FileRef(path))
                if header is None or header.modality != "CT" or header.slope is None or header.pixels is None:
                    continue
                ours = hu_slice(opener, header)
            except InputRefused:
                continue
            for name, read in (("SimpleITK", _hu_by_simpleitk), ("pydicom", _hu_by_pydicom)):
                try:
                    equal = np.array_equal(ours, read(path))
                except (RuntimeError, AttributeError, ValueError, NotImplementedError):
                    counts[name][2] += 1
                    continue
                counts[name][0 if equal else 1] += 1
                if not equal:
                    print(f"{path.name} differs from {name}")
    words = {key: f"{a} equal, {b} different, {c} not read there" for key, (a, b, c) in counts.items()}
    return ["single awkward CT files", words["SimpleITK"], "not compared: no series", words["pydicom"]]


def _hu_by_simpleitk(path: Path) -> np.ndarray:
    image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
    array = sitk.GetArrayFromImage(image)
    return array.reshape(array.shape[-2:])


def _hu_by_pydicom(path: Path) -> np.ndarray:
    ds = dcmread(path, force=True)
    hu = ds.pixel_array.astype(np.float64) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    return np.clip(np.rint(hu), -32768, 32767).astype(np.int16)


def _cell(found: Agreement | str) -> str:
    if isinstance(found, str):
        return found
    if found.note:
        return f"{found.note} {found.value_hu:.0f} HU" if found.value_hu is not None else found.note
    return f"{'equal' if found.agrees else 'DIFFERS'} ({found.place_mm:.0e} mm, {found.value_hu:.0f} HU)"


def main() -> None:
    """Compare all cases, print the table and write docs/reading.md."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="cvt-") as work:
        for title, folder in folders(Path(work)):
            try:
                found = agreements(folder, reading_cases.hu_at if folder.name.startswith("made-") else None)
            except InputRefused as refusal:
                rows.append([title, str(refusal).replace(work, "…"), "", ""])
                continue
            rows.append([title, *(_cell(found[name]).replace(work, "…") for name in READERS)])
            print(" | ".join(rows[-1]), flush=True)
    if (DATA / "awkward").exists():
        rows.append(single_files())
        print(" | ".join(rows[-1]))
    table = "\n".join("| " + " | ".join(row) + " |" for row in [["case", *READERS], ["---"] * 4, *rows])
    text = reading_cases.PAGE.format(table=table, place=PLACE_MM)
    (ROOT / "docs" / "reading.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
