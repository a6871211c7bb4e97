"""The sample in the repository is the phantom `standard` as the program makes it now."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from cvt_planner.phantom import LABELS, make_phantom

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom"


@pytest.mark.slow
def test_the_sample_is_what_the_program_makes() -> None:
    phantom = make_phantom("standard")
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(SAMPLE / "standard")))
    image = reader.Execute()
    assert np.allclose(image.GetOrigin(), phantom.grid.lps_from_index[:3, 3], atol=1e-3)
    difference = np.abs(SimpleITK.GetArrayFromImage(image).astype(int) - phantom.hu)
    # Another processor may round the last bit otherwise: one unit in a few voxels.
    assert difference.max() <= 2 and np.mean(difference > 0) < 1e-3
    stored = json.loads((SAMPLE / "truth" / "truth.json").read_text(encoding="utf-8"))
    for there, here in zip(stored["lesions"], phantom.truth["lesions"], strict=True):
        assert there["volume_ml"] == pytest.approx(here["volume_ml"], rel=1e-4)
        assert {**there, "volume_ml": 0, "centre_lps_mm": 0} == {**here, "volume_ml": 0, "centre_lps_mm": 0}
    for name in LABELS:
        labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(SAMPLE / "truth" / f"labels_{name}.nrrd")))
        assert np.mean(labels != phantom.labels[name]) < 1e-5, name
    total = sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file())
    assert total <= 15e6
