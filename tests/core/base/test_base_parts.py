"""Progress and stopping, described fields and their limits, read-only arrays, units, compiled kernels."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvt_planner.base.arrays import read_only, vec3
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange
from cvt_planner.base.errors import Cancelled, GeometryMismatch, InputRefused, PlannerError, WrongPlan
from cvt_planner.base.fields import check_limits, described, field_infos
from cvt_planner.base.progress import Progress
from cvt_planner.base.units import ml_from_mm3


def test_progress_reports_held_within_0_and_1_and_parts_map_into_the_whole() -> None:
    heard: list[tuple[float, str]] = []
    progress = Progress(lambda fraction, message: heard.append((fraction, message)))
    progress.report(-1.0, "a")
    progress.part(0.5, 0.75).report(0.5, "b")
    progress.report(2.0, "c")
    assert heard == [(0.0, "a"), (0.625, "b"), (1.0, "c")]


def test_a_stop_from_another_thread_reaches_a_part() -> None:
    progress = Progress()
    part = progress.part(0.0, 1.0)
    thread = threading.Thread(target=progress.stop)
    thread.start()
    thread.join()
    assert part.stopping
    with pytest.raises(Cancelled, match="Nothing was changed"):
        part.report(0.5)


@dataclass(frozen=True)
class _Record:
    length_mm: float = described("Length", unit="mm", minimum=1.0, maximum=10.0)
    plain: str = "x"
    flag: bool = described("Flag", minimum=5.0, default=True)


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_limits_name_the_field(value: float) -> None:
    record = _Record(value)
    if 1.0 <= value <= 10.0:
        check_limits(record)
    else:
        with pytest.raises(InputRefused, match="Length"):
            check_limits(record)
    assert list(field_infos(record)) == ["length_mm", "flag"]


def test_exit_codes_of_the_command_line() -> None:
    assert {e: e.exit_code for e in (InputRefused, WrongPlan, GeometryMismatch, Cancelled, PlannerError)} == {
        InputRefused: 3,
        WrongPlan: 4,
        GeometryMismatch: 3,
        Cancelled: 130,
        PlannerError: 5,
    }


def test_arrays_and_units() -> None:
    array = read_only(np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1.0
    point = vec3(np.array([1, 2, 3], dtype=np.float32))
    assert point == (1.0, 2.0, 3.0)
    assert hash(point) == hash((1.0, 2.0, 3.0))
    assert ml_from_mm3(2500.0) == pytest.approx(2.5)


@kernel
def _sum(values: np.ndarray) -> float:  # type: ignore[type-arg]
    total = 0.0
    for n in range(values.shape[0]):
        total += values[n]
    return total


@parallel_kernel
def _double(values: np.ndarray) -> None:  # type: ignore[type-arg]
    for n in prange(values.shape[0]):
        values[n] *= 2.0


def test_kernels_run_and_parallel_ones_keep_to_one_thread_at_a_time() -> None:
    values = np.ones(1000)
    held: list[bool] = []
    with kernels_alone():
        _double(values)
        other = threading.Thread(target=lambda: held.append(kernels_alone().acquire(blocking=False)))
        other.start()
        other.join()
    assert held == [False]
    assert _sum(values) == pytest.approx(2000.0)
