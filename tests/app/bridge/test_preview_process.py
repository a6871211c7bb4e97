"""Previews from a process of their own: the same ice as here, refusals in words, and no harm when it dies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.bridge.preview_process import PreviewProcess
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.devices.cryoprobe import DEFAULT_CRYOPROBE
from cvt_planner.plan.model import FreezePhase
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE, IceInputs, ProbePlace
from cvt_planner.planning.ice_preview import preview_ice

READY_MS = 120_000  # a slow machine compiles the kernels first


def inputs_of(apart_mm: float) -> IceInputs:
    places = tuple(ProbePlace((x, 0.0, 0.0), (0.0, 1.0, 0.0), DEFAULT_CRYOPROBE) for x in (0.0, apart_mm))
    return IceInputs("l1", "ct", places, (FreezePhase("freeze", 60.0),), 1.0, "")


@pytest.fixture
def process(qtbot: QtBot) -> Iterator[PreviewProcess]:
    made = PreviewProcess()
    made.start()
    qtbot.waitUntil(lambda: made.ready, timeout=READY_MS)
    yield made
    made.close()


def test_it_answers_as_the_function_does(process: PreviewProcess) -> None:
    for tissue in (SOFT_TISSUE, MARROW_BONE):
        there, here = process.preview(inputs_of(12.0), tissue, Progress()), preview_ice(inputs_of(12.0), tissue)
        assert there.inputs == here.inputs and there.drawn.tissue == tissue
        assert there.drawn.grid.same_as(here.drawn.grid)
        assert float(np.abs(there.drawn.values - here.drawn.values).max()) < 1e-3
    with pytest.raises(InputRefused, match="cross or touch"):
        process.preview(inputs_of(0.5), SOFT_TISSUE, Progress())
    stopped = Progress()
    stopped.stop()
    with pytest.raises(Cancelled):
        process.preview(inputs_of(12.0), SOFT_TISSUE, stopped)
    # The answer nobody waited for is not taken for the next one's.
    assert process.preview(inputs_of(14.0), SOFT_TISSUE, Progress()).inputs == inputs_of(14.0)


def test_where_it_dies_previews_are_made_here(process: PreviewProcess) -> None:
    assert process._process is not None
    process._process.terminate()
    process._process.join(10.0)
    assert process.preview(inputs_of(12.0), SOFT_TISSUE, Progress()).drawn.volume_ml(0.0) > 1.0
    assert not process.ready
    assert process.preview(inputs_of(12.0), SOFT_TISSUE, Progress()).drawn.volume_ml(0.0) > 1.0


def test_before_it_is_ready_and_after_it_is_closed_previews_are_made_here() -> None:
    made = PreviewProcess()
    assert not made.started and made.preview(inputs_of(12.0), SOFT_TISSUE, Progress()).wall_s > 0.0
    made.close()
    made.start()
    assert made._process is None
    assert made.preview(inputs_of(12.0), SOFT_TISSUE, Progress()).wall_s > 0.0
