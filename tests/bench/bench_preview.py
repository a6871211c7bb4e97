"""The preview of the ice while a needle is dragged: how often it is drawn, how late, and whether the window stalls.

    python tests/bench/bench_preview.py [FOLDER]     the sample case, or another study

Two probes in one lesion; one probe's tip is dragged through the axial view by mouse events every 8 ms, once along a
small circle and once to and fro, with the ice step open at 1920 x 1080. Figures: preview updates painted per second of
dragging; milliseconds from a mouse move to the painted preview of that very place (where one was made); longest gap
between two turns of the window's event loop while dragging; and what the solver itself takes per preview.
Run off screen on software rendering unless a display is set.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_dicom"
MOVE_MS = 8
BEAT_MS = 2
SECONDS = 6.0
RADIUS_PX = 24.0
sys.path.insert(0, str(ROOT))
if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main(argv: list[str]) -> int:
    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    from app import theme
    from app.main import build_window
    from cvt_planner.bioheat.solver import warm_up

    theme.apply_theme(application)
    warm_up()
    built = build_window()
    built.window.resize(1920, 1080)
    built.window.show()
    built.documents.open_path(Path(argv[0]).resolve() if argv else SAMPLE)
    built.desk.jobs.wait_all(60_000)
    lay_two(built)
    built.desk.jobs.wait_all(60_000)
    while built.workspace.state.spine is None:  # what is found in the background after opening is no part of dragging
        spin(0.5)
    spin(3.0)
    for soft in (False, True):
        measure(built, soft)
    built.desk.jobs.close()
    sys.stdout.flush()
    os._exit(0)


def spin(seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def lay_two(built: object) -> None:
    import numpy as np

    from app.main import Built
    from app.panels.rail import Step
    from app.render.view_state import Frame
    from cvt_planner.anatomy.lesion_shape import Ellipsoid
    from cvt_planner.base.arrays import vec3
    from cvt_planner.plan.edits import add_lesion, put_assembly
    from cvt_planner.plan.model import Lesion, LesionKind, new_id
    from cvt_planner.planning.placement import place_assembly

    assert isinstance(built, Built)
    workspace = built.workspace
    centre = workspace.volume.grid.centre_lps_mm
    lesion = Lesion(new_id(), "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid(vec3(centre), (9.0, 9.0, 9.0)))
    workspace.apply(add_lesion(lesion), "Mark lesion")
    for x in (-8.0, 8.0):
        tip, entry = centre + np.array([x, 0.0, 0.0]), centre + np.array([3.0 * x, 90.0, 0.0])
        placed = place_assembly(workspace.volume, workspace.plan, lesion.id, vec3(tip), vec3(entry))
        workspace.apply(put_assembly(placed), "Lay needle")
    built.desk.choose_lesion(lesion.id)
    built.desk.choose_assembly(workspace.plan.assemblies[-1].id, go=True)
    for name in built.window.views:
        built.desk.view_state.set_frame(name, Frame(0.3, vec3(centre)))
    built.window.enter(Step.ICE)


def measure(built: object, soft: bool) -> None:
    """Drag for some seconds and print what was seen."""
    from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
    from PySide6.QtTest import QTest

    from app.main import Built
    from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE

    assert isinstance(built, Built)
    state = built.desk.view_state
    state.set_ice_tissue(SOFT_TISSUE if soft else MARROW_BONE)
    spin(0.5)  # another tissue is drawn in all views; that is no part of dragging
    view = built.window.views["axial"]
    assembly = built.desk.assembly
    assert assembly is not None
    import numpy as np

    start = view.point_of(np.array(assembly.probe_tip_lps_mm)).toPoint()
    moved_at: dict[object, float] = {}  # when the mouse put the tip at a place
    painted: list[tuple[float, float]] = []  # when a preview was painted, and how long after its mouse move
    seen: list[object] = [None]
    solver: list[float] = []

    class Painted(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
            preview = state.ice_preview
            if event.type() == QEvent.Type.Paint and preview is not None and preview is not seen[0]:
                seen[0] = preview
                solver.append(preview.wall_s)
                QTimer.singleShot(
                    0, lambda: note(preview)
                )  # comes when this turn's pictures, of all views, are painted
            return False

    def note(preview: object) -> None:
        now = time.perf_counter()
        place = preview.inputs.probes  # type: ignore[attr-defined]
        painted.append((now, 1e3 * (now - moved_at.get(place, now))))

    def remember() -> None:
        preview_inputs = built.window.reading.wanted(assembly.lesion_id)
        if preview_inputs is not None:
            moved_at[preview_inputs.probes] = time.perf_counter()

    watcher = Painted()
    view.installEventFilter(watcher)
    beats = [time.perf_counter()]
    beat = QTimer()
    beat.timeout.connect(lambda: beats.append(time.perf_counter()))
    begun = time.perf_counter()
    moves = itertools.count()

    def move() -> None:
        n = next(moves)
        angle = 0.05 * n
        dx = RADIUS_PX * (1.0 - np.cos(angle)) if n % 800 < 400 else RADIUS_PX * np.sin(angle)
        QTest.mouseMove(view, start + QPoint(round(dx), round(RADIUS_PX * np.sin(angle))))
        remember()

    mover = QTimer()
    mover.timeout.connect(move)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    beat.start(BEAT_MS)
    mover.start(MOVE_MS)
    spin(SECONDS)
    mover.stop()
    beat.stop()
    taken = time.perf_counter() - begun
    count, done = len(painted), next(moves)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start)
    view.removeEventFilter(watcher)
    built.desk.jobs.wait_all(60_000)
    spin(0.5)
    gaps = sorted(1e3 * (b - a) for a, b in itertools.pairwise(beats))
    late = sorted(ms for _, ms in painted if ms > 0.0)
    between = [1e3 * (b[0] - a[0]) for a, b in itertools.pairwise(painted)]
    print(
        f"{state.ice_tissue}: {count / taken:.1f} preview updates a second of dragging ({done / taken:.0f} mouse moves "
        f"a second), longest wait for the next {max(between):.0f} ms"
    )
    p95 = late[int(0.95 * len(late))]
    print(
        f"  mouse move to painted preview: median {statistics.median(late):.0f} ms, p95 {p95:.0f} ms; "
        f"solver {1e3 * statistics.median(solver):.0f} ms a preview"
    )
    print(f"  window's thread: p99 gap {gaps[int(0.99 * len(gaps))]:.0f} ms, longest gap {gaps[-1]:.0f} ms")
    assert state.ice_preview is None, "a preview was left behind"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
