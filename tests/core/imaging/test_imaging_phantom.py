"""The phantom, written in each patient position and read back: every voxel at its place, left still left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from cvt_planner.imaging.read import read_volume
from cvt_planner.phantom.dicom import write_phantom
from cvt_planner.phantom.make import POSITIONS, Phantom


@pytest.mark.parametrize("position", POSITIONS)
def test_a_phantom_reads_back_the_same_in_every_position(small_phantom: Phantom, tmp_path: Path, position: str) -> None:
    write_phantom(small_phantom, tmp_path, patient_position=position)
    volume = read_volume(tmp_path)
    assert volume.series.patient_position == position
    assert volume.grid.same_as(small_phantom.grid)
    assert np.array_equal(volume.hu, small_phantom.hu)
    # And so says SimpleITK, place by place.
    folder = next(p.parent for p in sorted(tmp_path.rglob("*.dcm")))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    rng = np.random.default_rng(5)
    for _ in range(200):
        index = [int(rng.integers(n)) for n in image.GetSize()]
        k, j, i = volume.grid.index_of(np.array(image.TransformIndexToPhysicalPoint(index)))
        assert np.abs(np.array([k, j, i]) - np.rint([k, j, i])).max() < 1e-3
        assert volume.hu[round(k), round(j), round(i)] == image[index]
