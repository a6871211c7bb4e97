"""Prints how long one wheel step takes: 512 x 512 x 600 voxels in a 900 x 520 view with a whole plan drawn over it.

Run: python tests/bench/bench_scroll.py
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.render.slice_view import SliceView
from app.render.view_state import ORIENTATIONS, Axes, Frame, ViewState
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.plan.model import Assembly, Lesion, LesionKind, Plan, Side
from cvt_planner.plan.results import MARROW_BONE, IceField, IceResult
from cvt_planner.planning.ice import ice_inputs
from cvt_planner.workspace import Workspace

STEPS = 120
GOAL_MS = 33.0


def _volume() -> Volume:
    noise = np.random.default_rng(0).integers(-1000, 2000, (60, 512, 512)).astype(np.int16)
    affine = np.diag([0.8, 0.7, 0.7, 1.0])[[2, 1, 0, 3]].T.copy()
    affine[:3, 3] = (-179.0, -179.0, -240.0)
    return Volume(
        np.tile(noise, (10, 1, 1)), Grid((600, 512, 512), affine), Patient(), SeriesIdentity(), "bench", "made here"
    )


def _plan(plan: Plan) -> Plan:
    lesion = Lesion("l1", "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid((0.0, 0.0, 0.0), (9.0, 8.0, 10.0)))
    needles = tuple(
        Assembly(side.value, "l1", side, (x, -5.0, 0.0), (5 * x, 80.0, 10.0), needle_retraction_mm=23.0)
        for side, x in ((Side.LEFT, 6.0), (Side.RIGHT, -6.0))
    )
    return replace(plan, lesions=(lesion,), assemblies=needles)


def _ice(workspace: Workspace) -> IceResult:
    affine = np.eye(4)[[2, 1, 0, 3]].astype(float)
    affine[:3, 3] = -39.5
    grid = Grid((80, 80, 80), affine)
    index = np.stack(np.meshgrid(*[np.arange(80)] * 3, indexing="ij"), axis=-1)
    temperature = np.minimum(5.0 * np.linalg.norm(grid.lps_of(index), axis=-1) - 90.0, 37.0).astype(np.float32)
    inputs = ice_inputs(workspace.plan, "l1", "bench")
    if inputs is None:
        raise SystemExit("The bench's plan has no needles.")
    return IceResult(inputs, (IceField(MARROW_BONE, temperature, grid, ((0.0, 24.0),), 0.0, 0.0),))


def _measure(application: QApplication, view: SliceView) -> list[float]:
    times = []
    for step in range(STEPS):
        at = QPointF(200.0, 200.0)
        turn = QPoint(0, 120 if step < STEPS // 2 else -120)
        buttons, keys, phase = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
        begin = time.perf_counter()
        application.sendEvent(view, QWheelEvent(at, at, QPoint(), turn, buttons, keys, phase, False))
        view.repaint()
        times.append(1e3 * (time.perf_counter() - begin))
    return times[5:]


def main() -> None:
    """Print median and 95th percentile for each orientation, and for an oblique plane."""
    application = QApplication([])
    workspace, state = Workspace(), ViewState()
    workspace.open_volume(_volume())
    workspace.apply(_plan, "set up")
    workspace.put_ice(_ice(workspace))
    state.look_at(workspace.volume.grid)
    state.set_crosshair((0.0, 0.0, 0.0))
    state.choose("l1", "left")
    worst = 0.0
    for name, axes in (*((n, None) for n in ORIENTATIONS), ("axial", Axes((0.8, 0.36, 0.48), (0.0, 0.8, -0.6)))):
        view = SliceView(name, state, workspace)
        view.resize(900, 520)
        state.set_axes(name, axes)
        state.set_frame(name, Frame(0.4, (0.0, 0.0, 0.0)))
        view.show()
        QTest.qWaitForWindowExposed(view)
        QTest.qWait(50)
        view.repaint()
        times = _measure(application, view)
        view.close()
        state.set_axes(name, None)
        p95 = statistics.quantiles(times, n=20)[-1]
        worst = max(worst, p95)
        label = name if axes is None else "oblique"
        print(f"{label:9} median {statistics.median(times):5.1f} ms   p95 {p95:5.1f} ms")
    print(f"goal: p95 under {GOAL_MS:g} ms: {'met' if worst < GOAL_MS else 'NOT met'}")


if __name__ == "__main__":
    main()
