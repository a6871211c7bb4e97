"""Lungs and aorta of real CTs: what every eye sees there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.anatomy.organs.find import find_organs, with_aorta
from cvt_planner.anatomy.organs.model import Organ
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.imaging.read import read_volume


@pytest.mark.real_ct
def test_the_lungs_and_the_aorta_of_a_ct_with_contrast_medium(real_ct: Callable[[str], Path]) -> None:
    volume = read_volume(real_ct("crlm_ct_1006"))
    organs = find_organs(volume)
    for lung in (Organ.RIGHT_LUNG, Organ.LEFT_LUNG):
        assert 800.0 < organs.volume_ml(lung) < 1600.0  # their lower halves
    spine = find_spine(volume)
    tube = with_aorta(organs, volume, spine).aorta
    assert tube is not None and 120.0 < tube.hu < 170.0
    assert float(np.ptp(tube.centres_lps_mm[:, 2])) > 180.0 and 8.0 < tube.radii_mm.min() < tube.radii_mm.max() < 13.0
    at = np.rint(volume.grid.index_of(tube.centres_lps_mm)).astype(int)
    assert np.median(volume.hu[tuple(np.clip(at, 0, np.array(volume.hu.shape) - 1).T)]) > 110.0
    bodies = np.array([v.centre_lps_mm for v in spine.found])
    for body in bodies:
        near = tube.centres_lps_mm[np.argmin(np.abs(tube.centres_lps_mm[:, 2] - body[2]))]
        assert near[1] < body[1] - 15.0 or abs(near[2] - body[2]) > 5.0  # in front of every body it passes


@pytest.mark.real_ct
def test_a_ct_whose_right_lung_is_small_and_that_lies_feet_first(real_ct: Callable[[str], Path]) -> None:
    organs = find_organs(read_volume(real_ct("lidc_idri_0314_lower_thoracic")))
    assert organs.volume_ml(Organ.LEFT_LUNG) > 500.0 > organs.volume_ml(Organ.RIGHT_LUNG) > 60.0
    assert not organs.mask(Organ.LEFT_LUNG)[:, :, : organs.labels.shape[2] // 2 - 4].any()
