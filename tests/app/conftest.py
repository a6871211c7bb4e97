"""What every window test stands on: no screen, a small CT, and nothing left running behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest

from app.bridge.jobs import THREAD_PREFIX
from app.render.gl_environment import prepare_opengl
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume

prepare_opengl()


@pytest.fixture(autouse=True)
def no_job_outlives_its_test() -> Iterator[None]:
    """Fail the test that leaves a background job's thread alive."""
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD_PREFIX)]
    assert not left, f"still running after the test: {left}"


@pytest.fixture(scope="session")
def small_volume() -> Volume:
    """Return a small CT, 1.5 x 1 x 1 mm: a soft-tissue cylinder in air with a vertebra, and a marker on the left.

    The patient's middle is at x = 0, y = 0, z = 0; the body (400 HU) lies in front (y < 0), the spinous process behind;
    a metal ball (2500 HU) of 4 mm radius lies at x = +35 (the patient's left), y = -10, z = 10.
    """
    shape = (50, 110, 120)
    affine = np.array([[0, 0, 1.0, -59.5], [0, 1.0, 0, -54.5], [1.5, 0, 0, -36.75], [0, 0, 0, 1]])
    grid = Grid(shape, affine, "1.2.3.4")
    z, y, x = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in shape], indexing="ij")
    x, y, z = x - 59.5, y - 54.5, 1.5 * z - 36.75
    hu = np.full(shape, -1000.0)
    hu[np.hypot(x / 55.0, y / 50.0) < 1.0] = 40.0
    body = (np.hypot(x / 22.0, (y + 12.0) / 16.0) < 1.0) & (np.abs(z) < 14.0)
    hu[body] = 400.0
    hu[np.hypot(x, y - 14.0) < 9.0] = 10.0
    hu[(np.abs(x) < 4.0) & (y > 24.0) & (y < 45.0) & (np.abs(z) < 10.0)] = 600.0
    hu[np.sqrt((x - 35.0) ** 2 + (y + 10.0) ** 2 + (z - 10.0) ** 2) < 4.0] = 2500.0
    hu += np.random.default_rng(0).normal(0.0, 8.0, shape)
    return Volume(
        hu=np.round(hu).astype(np.int16),
        grid=grid,
        patient=Patient(name="Example, Eva", patient_id="EX-1", sex="F", age="54 y"),
        series=SeriesIdentity(series_uid="1.2.3", study_uid="1.2", series_description="synthetic"),
        content_hash="small",
        source="made by the tests",
    )
