"""The search for the spine in a process of its own: the same answer, progress, and a stop that is heard at once."""

from __future__ import annotations

import time

import numpy as np
import pytest

from app.bridge.spine_process import SpineProcess
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.phantom import Phantom


def test_the_process_finds_the_spine_and_stops_when_told(small_phantom: Phantom) -> None:
    series = SeriesIdentity(series_uid="1", study_uid="1")
    volume = Volume(small_phantom.hu, small_phantom.grid, Patient(name="X", patient_id="1"), series, "small", "")
    process = SpineProcess()
    told: list[float] = []
    try:
        spine = process.find(volume, (), Progress(lambda fraction, _words: told.append(fraction)))
        assert len(spine.found) >= 2 and spine.content_hash == "small"
        assert not spine.vertebrae.flags.writeable and not spine.parts.flags.writeable
        assert np.all(np.diff(told) >= 0.0) and len(told) > 3
        stopped = Progress()
        begin = time.perf_counter()
        stopped.listener = lambda _fraction, _words: stopped.stop()
        with pytest.raises(Cancelled):
            process.find(volume, (), stopped)
        assert time.perf_counter() - begin < 20.0
    finally:
        process.close()
