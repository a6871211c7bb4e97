"""Growing a lesion in noisy synthetic bone: volume, leaks, refusals, speed, and voxels and points of its shape."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cvt_planner.anatomy.grow import grow_region, lesion_points_lps, rasterise, suggest_band
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

CENTRE = (0.13, -0.21, 0.32)
SIZE_MM = 56.0


def _scan(
    inside: Any, *, lesion_hu: float, bone_hu: float, spacing: tuple[float, float, float], noise: float
) -> Volume:
    """Return a blurred, noisy CT of a shape given as a function of x, y, z relative to CENTRE, mm."""
    rng = np.random.default_rng(7)
    counts = [round(SIZE_MM / s) for s in spacing]
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, spacing[2]], [0, spacing[1], 0], [spacing[0], 0, 0]])
    affine[:3, 3] = -SIZE_MM / 2.0
    fine = 3
    z, y, x = (
        affine[2 - axis, 3] - CENTRE[2 - axis] + spacing[axis] * (np.arange(n * fine) - 1.0) / fine
        for axis, n in enumerate(counts)
    )
    shape = inside(x[None, None, :], y[None, :, None], z[:, None, None])
    hu = np.where(shape, lesion_hu, bone_hu).astype(np.float32)
    hu = hu.reshape(counts[0], fine, counts[1], fine, counts[2], fine).mean(axis=(1, 3, 5))
    hu = ndimage.gaussian_filter(hu, 0.5 / np.array(spacing))
    grain = ndimage.gaussian_filter(rng.normal(size=hu.shape), 0.6)
    hu += noise * grain / grain.std()
    grid = Grid((hu.shape[0], hu.shape[1], hu.shape[2]), affine)
    return Volume(hu.astype(np.int16), grid, Patient(), SeriesIdentity(), "synthetic", "synthetic")


def _ball(radius_mm: float) -> Any:
    return lambda x, y, z: x * x + y * y + z * z <= radius_mm**2


@pytest.mark.parametrize(
    ("radius_mm", "lesion_hu", "spacing", "noise", "within"),
    [
        (5.0, 40.0, (1.0, 0.78, 0.78), 35.0, 0.08),  # half a millilitre
        (8.0, 40.0, (1.0, 0.78, 0.78), 35.0, 0.05),
        (8.0, 40.0, (1.0, 0.78, 0.78), 60.0, 0.08),  # as noisy as a thin-slice scan of a large patient
        (8.0, 600.0, (1.0, 0.78, 0.78), 35.0, 0.05),
        (8.0, 40.0, (0.6, 0.5, 0.5), 35.0, 0.05),
        (10.0, 40.0, (3.0, 0.8, 0.8), 25.0, 0.05),
    ],
)
def test_a_ball_grown_with_its_suggested_band_has_its_true_volume(
    radius_mm: float, lesion_hu: float, spacing: tuple[float, float, float], noise: float, within: float
) -> None:
    volume = _scan(_ball(radius_mm), lesion_hu=lesion_hu, bone_hu=170.0, spacing=spacing, noise=noise)
    region = grow_region(volume, CENTRE, *suggest_band(volume, CENTRE), 20.0)
    assert region.volume_ml == pytest.approx(4.0 / 3.0 * math.pi * radius_mm**3 / 1000.0, rel=within)
    assert math.dist(region.centre_lps_mm, CENTRE) < 0.5


def test_the_suggested_band_ends_half_way_to_the_bone() -> None:
    volume = _scan(_ball(8.0), lesion_hu=40.0, bone_hu=200.0, spacing=(1.0, 0.78, 0.78), noise=30.0)
    low, high = suggest_band(volume, CENTRE)
    assert high == pytest.approx(120.0, abs=8.0)
    assert low < -20.0
    low, high = suggest_band(
        _scan(_ball(8.0), lesion_hu=600.0, bone_hu=200.0, spacing=(1.0, 0.78, 0.78), noise=30.0), CENTRE
    )
    assert low == pytest.approx(400.0, abs=20.0)
    assert high >= 1500.0


def test_a_thin_gap_does_not_leak_and_a_wide_one_is_bounded_by_the_sphere() -> None:
    def leaky(width_mm: float) -> Any:
        ball = _ball(7.0)
        return lambda x, y, z: ball(x, y, z) | (x > 13.0) | ((x > 0) & (np.hypot(y, z) <= width_mm))

    true_ml = 4.0 / 3.0 * math.pi * 7.0**3 / 1000.0
    spacing = (1.0, 0.78, 0.78)
    thin = _scan(leaky(0.8), lesion_hu=40.0, bone_hu=200.0, spacing=spacing, noise=10.0)
    assert grow_region(thin, CENTRE, -100.0, 120.0, 20.0).volume_ml == pytest.approx(true_ml, rel=0.1)
    wide = _scan(leaky(4.0), lesion_hu=40.0, bone_hu=200.0, spacing=spacing, noise=10.0)
    region = grow_region(wide, CENTRE, -100.0, 120.0, 18.0)
    voxels = region.grid.lps_of(np.argwhere(region.mask).astype(float))
    assert region.volume_ml > 1.3 * true_ml
    assert np.linalg.norm(voxels - np.array(CENTRE), axis=1).max() <= 18.0 + 1e-3


def test_refusals_say_what_to_do() -> None:
    volume = _scan(_ball(8.0), lesion_hu=40.0, bone_hu=170.0, spacing=(1.0, 0.78, 0.78), noise=10.0)
    with pytest.raises(InputRefused, match="outside the CT"):
        grow_region(volume, (500.0, 0.0, 0.0), 0.0, 100.0, 20.0)
    with pytest.raises(InputRefused, match="No voxel near"):
        grow_region(volume, CENTRE, 900.0, 1000.0, 20.0)
    with pytest.raises(InputRefused, match="empty"):
        grow_region(volume, CENTRE, 100.0, 100.0, 20.0)
    with pytest.raises(InputRefused, match="within 1 to"):
        grow_region(volume, CENTRE, 0.0, 100.0, 1000.0)
    stopped = Progress()
    stopped.stop()
    with pytest.raises(Cancelled):
        grow_region(volume, CENTRE, 0.0, 100.0, 20.0, progress=stopped)


def test_the_live_preview_is_quick() -> None:
    volume = _scan(_ball(8.0), lesion_hu=40.0, bone_hu=170.0, spacing=(1.0, 0.78, 0.78), noise=30.0)
    grow_region(volume, CENTRE, -50.0, 105.0, 20.0)  # compiles
    times = []
    for _ in range(5):
        start = time.perf_counter()
        grow_region(volume, CENTRE, -50.0, 105.0, 20.0)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.1


def test_an_ellipsoid_as_voxels_and_as_points_has_its_volume() -> None:
    shape = Ellipsoid((1.0, -2.0, 3.0), (9.0, 6.0, 4.0))
    affine = np.array([[0.0, 0.1, 0.7, -15.0], [0.1, 0.7, 0.0, -14.0], [1.0, 0.0, -0.1, -10.0], [0, 0, 0, 1.0]])
    grid = Grid((30, 40, 45), affine)
    mask = rasterise(shape, grid)
    assert mask.sum() * grid.voxel_volume_mm3 / 1000.0 == pytest.approx(shape.volume_ml, rel=0.03)
    assert not rasterise(Ellipsoid((500.0, 0.0, 0.0), (5.0, 5.0, 5.0)), grid).any()
    points = lesion_points_lps(shape, 0.5)
    assert len(points) * 0.5**3 / 1000.0 == pytest.approx(shape.volume_ml, rel=0.02)
    assert shape.contains(points).all()
    assert points.mean(axis=0).tolist() == pytest.approx([1.0, -2.0, 3.0], abs=0.05)


def test_a_region_as_voxels_of_its_own_ct_is_its_mask() -> None:
    volume = _scan(_ball(6.0), lesion_hu=40.0, bone_hu=170.0, spacing=(1.0, 0.78, 0.78), noise=20.0)
    region = grow_region(volume, CENTRE, -60.0, 105.0, 15.0)
    mask = rasterise(region, volume.grid)
    assert mask.sum() == region.mask.sum()
    voxels_ml = region.mask.sum() * region.grid.voxel_volume_mm3 / 1000.0
    assert len(lesion_points_lps(region)) * 0.75**3 / 1000.0 == pytest.approx(voxels_ml, rel=0.05)
