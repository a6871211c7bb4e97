"""Pedicles that were painted near are stale, and measured again in the corrected labels."""

from __future__ import annotations

import numpy as np
import pytest

from cvt_planner.anatomy.spine.corrections import PAINTED, AnatomyEdits, Stroke, corrected
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.anatomy.spine.remeasure import measured_again, stale_numbers
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.phantom import Phantom
from tests.truth_spines import truth_spine
from tests.validation.anatomy.truths import volume_of


@pytest.fixture(scope="module")
def volume(small_phantom: Phantom) -> Volume:
    return volume_of(small_phantom.hu, small_phantom.grid, "small")


@pytest.fixture(scope="module")
def spine(small_phantom: Phantom, volume: Volume) -> Spine:
    return truth_spine(small_phantom, volume.content_hash)


def painted(spine: Spine, structure: str, radius_mm: float) -> tuple[Spine, int]:
    """Return the spine with a stroke at the left pedicle of its first whole vertebra, and that vertebra's number."""
    whole = next(v for v in spine.found if v.complete)
    at = whole.pedicles[0].isthmus_lps_mm
    stroke = Stroke(structure, (at,), radius_mm, whole.centre_lps_mm if structure == "vertebra" else None)  # type: ignore[arg-type]
    return corrected(spine, AnatomyEdits(strokes=(stroke,))), whole.number


def test_a_stroke_that_changes_nothing_gives_the_same_measures(volume: Volume, spine: Spine) -> None:
    touched, number = painted(spine, "vertebra", 1.0)
    assert stale_numbers(touched) == (number,)
    again = measured_again(volume, touched)
    before, after = spine.found[number - 1].pedicles, again.found[number - 1].pedicles
    assert stale_numbers(again) == () and after[0].doubt != PAINTED
    assert after[0].width_mm == pytest.approx(before[0].width_mm, abs=0.6)
    assert after[0].height_mm == pytest.approx(before[0].height_mm, abs=1.5)
    assert np.linalg.norm(np.subtract(after[0].isthmus_lps_mm, before[0].isthmus_lps_mm)) < 4.0
    assert after[1] == before[1]  # the other side was not painted on
    others = [v for v in again.found if v.number != number]
    assert others == [v for v in spine.found if v.number != number]
    assert again.vertebrae is touched.vertebrae


def test_a_pedicle_that_was_erased_has_no_figures(volume: Volume, spine: Spine) -> None:
    touched, number = painted(spine, "nothing", 9.0)
    again = measured_again(volume, touched)
    assert not again.found[number - 1].pedicles[0].judged


def test_nothing_stale_is_the_very_spine_and_it_can_be_stopped(volume: Volume, spine: Spine) -> None:
    assert measured_again(volume, spine) is spine
    progress = Progress()
    progress.stop()
    with pytest.raises(Cancelled):
        measured_again(volume, painted(spine, "vertebra", 1.0)[0], progress)
