"""Axes and places: left stays left, however a series is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.read import read_volume

SHAPES = st.tuples(*[st.integers(1, 6)] * 3)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Any rotation or reflection, any spacing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = axes * rng.uniform(0.2, 5.0, 3)
    affine[:3, 3] = rng.uniform(-500, 500, 3)
    return Grid(draw(SHAPES), affine)


@given(grids())
def test_turning_axes_keeps_each_voxel_at_its_place(grid: Grid) -> None:
    turn = Turn.of(grid.lps_from_index)
    turned = turn.grid(grid)
    index = np.moveaxis(np.indices(grid.shape_kji), 0, -1)
    places = grid.lps_of(index)
    canonical = np.stack([turn.array(places[..., c]) for c in range(3)], axis=-1)
    assert canonical.shape[:3] == turned.shape_kji
    assert np.allclose(turned.lps_of(np.moveaxis(np.indices(turned.shape_kji), 0, -1)), canonical, atol=1e-9)
    # k, j and i follow superior, posterior and left as nearly as the axes allow, and none runs against its own.
    assert (turned.lps_from_index[[2, 1, 0], [0, 1, 2]] >= 0).all()
    assert Turn.of(turned.lps_from_index) == Turn((0, 1, 2), (False, False, False))


@given(grids())
def test_filling_the_stored_view_fills_the_canonical_array(grid: Grid) -> None:
    turn = Turn.of(grid.lps_from_index)
    stored = np.arange(np.prod(grid.shape_kji), dtype=np.int16).reshape(grid.shape_kji)
    canonical = np.zeros(turn.grid(grid).shape_kji, dtype=np.int16)
    turn.stored_view(canonical)[...] = stored
    assert np.array_equal(canonical, turn.array(stored))


@given(grids(), st.tuples(*[st.floats(-10, 10)] * 3))
def test_index_to_place_and_back(grid: Grid, index: tuple[float, float, float]) -> None:
    assert np.allclose(grid.index_of(grid.lps_of(np.array(index))), index, atol=1e-6)


ORIENTATIONS = {
    "HFS": (1, 0, 0, 0, 1, 0),
    "HFP": (-1, 0, 0, 0, -1, 0),
    "FFS": (-1, 0, 0, 0, 1, 0),
    "FFP": (1, 0, 0, 0, -1, 0),
    "HFDL": (0, -1, 0, 1, 0, 0),
    "coronal": (1, 0, 0, 0, 0, -1),
    "sagittal": (0, 1, 0, 0, 0, -1),
    "oblique": (1, 0, 0, 0, 0.8, -0.6),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_left_is_left_in_every_position(tmp_path: Path, write_series, hu_of_place, name: str) -> None:  # type: ignore[no-untyped-def]
    def position(ds: Dataset, n: int) -> None:
        ds.PatientPosition = name if name.isupper() else "HFS"

    write_series(tmp_path, iop=ORIENTATIONS[name], edit=position)
    volume = read_volume(tmp_path)
    index = np.moveaxis(np.indices(volume.hu.shape), 0, -1)
    places = volume.grid.lps_of(index)
    assert np.abs(volume.hu - hu_of_place(places)).max() <= 1
    assert (volume.grid.lps_from_index[[2, 1, 0], [0, 1, 2]] > 0.5).all()
    assert volume.grid.frame_of_reference_uid == "1.2.3.9"


def test_orientation_is_named(tmp_path: Path, write_series) -> None:  # type: ignore[no-untyped-def]
    for name, expected in {
        "HFP": "axial",
        "coronal": "coronal",
        "sagittal": "sagittal",
        "oblique": "oblique axial",
    }.items():
        write_series(tmp_path / name, iop=ORIENTATIONS[name])
        assert find_series(tmp_path / name).series[0].orientation == expected
