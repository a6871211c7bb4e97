"""A CT that was just opened shows its spine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.anatomy.first_look import spine_point_lps_mm
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom"


def test_the_sample_opens_in_a_vertebra() -> None:
    truth = json.loads((SAMPLE / "truth" / "truth.json").read_text(encoding="utf-8"))
    point = np.array(spine_point_lps_mm(read_volume(SAMPLE / "standard")))
    away = [np.linalg.norm(point - np.array(level["centre_lps_mm"])) for level in truth["levels"]]
    assert min(away) < 20.0


@pytest.mark.real_ct
@pytest.mark.parametrize("case", ["lidc_idri_0314_lower_thoracic", "crlm_ct_1006"])
def test_a_real_ct_opens_in_the_spine(case: str, real_ct: Callable[[str], Path]) -> None:
    volume = read_volume(real_ct(case))
    index = np.rint(volume.grid.index_of(np.array(spine_point_lps_mm(volume)))).astype(int)
    k, j, i = index
    about = volume.hu[k, j - 12 : j + 13, i - 12 : i + 13]
    assert np.mean(about > 100) > 0.5  # bone all about


def test_where_there_is_no_bone_the_middle_is_shown() -> None:
    grid = Grid((9, 9, 9), np.eye(4))
    volume = Volume(np.zeros((9, 9, 9), dtype=np.int16), grid, Patient(), SeriesIdentity(), "even", "even")
    assert spine_point_lps_mm(volume) == (4.0, 4.0, 4.0)
