"""Mean HU, spread and noise spectrum of the sample phantom against a real 1 mm thoracic CT (LIDC-IDRI-0314)."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from scipy import ndimage

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom"
Box = tuple[slice, slice, slice]

# Places in the real case, [k, j, i], chosen by eye in even tissue.
REAL_LIVER: Box = np.s_[16:25, 306:354, 127:175]
REAL_MUSCLE: Box = np.s_[18:28, 408:420, 208:224]
REAL_BONE: Box = np.s_[20:26, 344:362, 236:256]
REAL_AIR: Box = np.s_[10:60, 10:60, 200:300]


def _read(folder: Path) -> SimpleITK.Image:
    reader = SimpleITK.ImageSeriesReader()
    best: tuple[str, ...] = ()
    for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        for uid in reader.GetGDCMSeriesIDs(str(path)):
            names = reader.GetGDCMSeriesFileNames(str(path), uid)
            best = names if len(names) > len(best) else best
    reader.SetFileNames(best)
    return reader.Execute()


@pytest.fixture(scope="module")
def real(real_ct: Callable[[str], Path]) -> tuple[np.ndarray, float]:
    """Return HU (k, j, i) and pixel size of the real case."""
    image = _read(real_ct("lidc_idri_0314_lower_thoracic"))
    return SimpleITK.GetArrayFromImage(image).astype(float), image.GetSpacing()[0]


class Sample:
    """The sample phantom and boxes in it, found through its truth."""

    def __init__(self) -> None:
        image = _read(SAMPLE / "standard")
        self.hu = SimpleITK.GetArrayFromImage(image).astype(float)
        self.image = image
        self.pixel = image.GetSpacing()[0]
        truth = json.loads((SAMPLE / "truth" / "truth.json").read_text(encoding="utf-8"))
        self.centre = {level["name"]: np.array(level["centre_lps_mm"]) for level in truth["levels"]}
        self.skin = {name: np.array(place) for name, place in truth["skin"]["back_lps_mm"].items()}
        lesions = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(SAMPLE / "truth" / "labels_lesions.nrrd")))
        bodies = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(SAMPLE / "truth" / "labels_bodies.nrrd")))
        free = (bodies > 0) & ~ndimage.binary_dilation(lesions > 0, iterations=4)
        self.spongy = ndimage.binary_erosion(free, iterations=5)

    def box(self, centre: np.ndarray, size_mm: tuple[float, float, float]) -> np.ndarray:
        """Return the voxels of a box (x, y, z sizes) about an LPS point."""
        i, j, k = self.image.TransformPhysicalPointToIndex([float(v) for v in centre])
        dx, dy, dz = (round(s / p / 2) for s, p in zip(size_mm, self.image.GetSpacing(), strict=True))
        return self.hu[k - dz : k + dz + 1, j - dy : j + dy + 1, i - dx : i + dx + 1]


@pytest.fixture(scope="module")
def sample() -> Sample:
    """Return the sample phantom."""
    return Sample()


def _spread(box: np.ndarray) -> float:
    return float(np.mean([s.std() for s in box]))


@pytest.mark.real_ct
def test_tissues_have_the_hu_and_spread_of_the_real_case(real: tuple[np.ndarray, float], sample: Sample) -> None:
    hu, _ = real
    muscle = sample.box(sample.centre["L3"] + np.array([38.0, 6.0, 0.0]), (11.0, 13.0, 9.0))
    # Means: within 12 HU; muscle of one person differs from another's by about that.
    assert muscle.mean() == pytest.approx(hu[REAL_MUSCLE].mean(), abs=12.0)
    # Spread within a slice is noise: within a quarter of the real one.
    assert _spread(muscle) == pytest.approx(_spread(hu[REAL_MUSCLE]), rel=0.25)
    liver = sample.box(sample.centre["L1"] + np.array([-75.0, -48.0, 0.0]), (24.0, 24.0, 9.0))
    assert liver.mean() == pytest.approx(hu[REAL_LIVER].mean(), abs=12.0)
    assert _spread(liver) == pytest.approx(_spread(hu[REAL_LIVER]), rel=0.25)
    air = sample.box(np.array([-140.0, sample.centre["L1"][1] - 125.0, sample.centre["L1"][2]]), (20.0, 16.0, 60.0))
    assert air.mean() == pytest.approx(hu[REAL_AIR].mean(), abs=8.0)
    assert 3.0 < _spread(air) < 2.5 * _spread(hu[REAL_AIR])


@pytest.mark.real_ct
def test_fat_agrees_where_the_back_is_thick_enough(real: tuple[np.ndarray, float], sample: Sample) -> None:
    hu, _ = real
    band = [hu[k, 422:429, 238:258] for k in range(19, 26)]
    ours = sample.box(sample.skin["L2"] - np.array([0.0, 7.0, 0.0]), (22.0, 4.0, 9.0))
    # The real band is thin and partly muscle and skin: its mean is above that of pure fat, which is -90 to -110 HU.
    assert ours.mean() == pytest.approx(float(np.mean(band)), abs=30.0)
    assert -115.0 < ours.mean() < -85.0
    assert _spread(ours) == pytest.approx(_spread(np.array(band)), rel=0.35)


@pytest.mark.real_ct
def test_spongy_bone_agrees_within_the_spread_of_persons(real: tuple[np.ndarray, float], sample: Sample) -> None:
    hu, _ = real
    values = sample.hu[sample.spongy]
    # Spread of persons of one decade about 40 HU (Pickhardt et al., Ann Intern Med 2013;158:588): two of them.
    assert values.mean() == pytest.approx(hu[REAL_BONE].mean(), abs=80.0)
    # The grain of the trabeculae on top of the noise; a factor of 2 either way, it varies as much within this patient.
    ratio = values.std() / _spread(hu[REAL_BONE])
    assert 0.5 < ratio < 2.0
    assert values.std() > 1.4 * _spread(hu[REAL_MUSCLE])


def _noise_power(box: np.ndarray, pixel_mm: float, edges: np.ndarray) -> np.ndarray:
    """Return the radially averaged noise power of square slices, each freed of a slope, scaled to a mean of 1."""
    n = box.shape[1]
    y, x = np.meshgrid(np.linspace(-1, 1, n), np.linspace(-1, 1, n), indexing="ij")
    slope = np.stack([np.ones(n * n), x.ravel(), y.ravel(), x.ravel() * y.ravel(), x.ravel() ** 2, y.ravel() ** 2], 1)
    power = np.zeros((n, n))
    for s in box:
        rest = s.ravel() - slope @ np.linalg.lstsq(slope, s.ravel(), rcond=None)[0]
        power += np.abs(np.fft.fft2(rest.reshape(n, n))) ** 2
    f = np.fft.fftfreq(n, pixel_mm)
    radius = np.hypot(*np.meshgrid(f, f))
    bands = np.array([power[(radius >= a) & (radius < b)].mean() for a, b in pairwise(edges)])
    return bands / bands.mean()


@pytest.mark.real_ct
def test_the_noise_has_the_spectrum_of_the_real_case(real: tuple[np.ndarray, float], sample: Sample) -> None:
    hu, pixel = real
    edges = np.array([0.04, 0.12, 0.20, 0.28, 0.36, 0.44, 0.52])
    size = 2 * round(12.0 / sample.pixel) * sample.pixel
    liver = sample.box(sample.centre["L1"] + np.array([-75.0, -48.0, 0.0]), (size, size, 12.0))
    n = min(liver.shape[1:])
    ours = _noise_power(liver[:, :n, :n], sample.pixel, edges)
    theirs = _noise_power(hu[REAL_LIVER], pixel, edges)
    # Bands of 0.08 per mm up to 0.52 per mm: each within 35 %, the sampling error of so small a region included.
    assert np.allclose(ours, theirs, rtol=0.35), (ours, theirs)
    flat = [np.corrcoef(b[:-1].ravel(), b[1:].ravel())[0, 1] for b in (liver - liver.mean(), hu[REAL_LIVER])]
    assert flat[0] == pytest.approx(flat[1], abs=0.15)  # neighbouring slices share a little noise
