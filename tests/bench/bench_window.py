"""Start of the window, wheel scroll, and how long the window's thread is held up while the ice runs.

    python tests/bench/bench_window.py [FOLDER]     the sample case, or another study

Run off screen on software rendering unless a display is set. Figures: seconds from the start of the process to the
first picture of the study (median of 5); milliseconds from a wheel event to the painted picture of the axial view, and
from a move of the brush to its painted stroke;
longest gap between two turns of the window's event loop while the ice of two probes is computed.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_dicom"
RUNS = 5
BEAT_MS = 2
sys.path.insert(0, str(ROOT))
if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main(argv: list[str]) -> int:
    if argv and argv[0] == "--child":
        return child(Path(argv[1]), started=float(argv[2]), whole=argv[3] == "whole")
    study = Path(argv[0]).resolve() if argv else SAMPLE
    starts = []
    for run in range(RUNS):
        arguments = ["--child", str(study), str(time.time()), "whole" if run == RUNS - 1 else "start"]
        done = subprocess.run([sys.executable, __file__, *arguments], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            print(done.stderr, file=sys.stderr)
            return 1
        first, *others = done.stdout.splitlines()
        starts.append(float(first))
    print(f"window start to first picture: median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s")
    print("\n".join(others))
    return 0


def child(study: Path, started: float, whole: bool) -> int:
    from PySide6.QtCore import QEventLoop, QTimer
    from PySide6.QtWidgets import QApplication

    application = QApplication([])
    from app import theme
    from app.main import build_window

    theme.apply_theme(application)
    built = build_window()
    built.window.resize(1920, 1080)
    built.window.show()
    loop = QEventLoop()
    look = QTimer()
    look.timeout.connect(lambda: loop.quit() if built.workspace.state.volume is not None else None)
    look.start(BEAT_MS)
    QTimer.singleShot(0, lambda: built.documents.open_path(study))
    QTimer.singleShot(60_000, loop.quit)
    loop.exec()
    axial = built.window.views["axial"]
    axial.repaint()
    print(f"{time.time() - started:.3f}")
    if whole:
        look.stop()
        spin(3.0)
        scroll(axial)
        brush(built)
        freeze(built)
    built.desk.jobs.close()
    sys.stdout.flush()
    os._exit(0)


def told(what: str, times_ms: list[float]) -> None:
    """Print the spread of some times."""
    ordered = sorted(times_ms)
    print(
        f"{what}: median {statistics.median(ordered):.1f} ms, p95 {ordered[int(0.95 * len(ordered))]:.1f} ms, "
        f"worst {ordered[-1]:.1f} ms"
    )


def spin(seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def scroll(view: object) -> None:
    from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication, QWidget

    class Painted(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint:
                QTimer.singleShot(0, loop.quit)  # comes when this turn's pictures, of all views, are painted
            return False

    assert isinstance(view, QWidget)
    loop, painted = QEventLoop(), Painted()
    view.installEventFilter(painted)
    middle = QPointF(view.rect().center())
    times = []
    for step in range(120):
        delta = 120 if step < 60 else -120
        event = QWheelEvent(
            middle, QPointF(view.mapToGlobal(middle.toPoint())), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        begin = time.perf_counter()
        QApplication.sendEvent(view, event)
        loop.exec()
        times.append(1000 * (time.perf_counter() - begin))
    view.removeEventFilter(painted)
    told(f"wheel scroll, view {view.width()} x {view.height()}", times)


def brush(built: object) -> None:
    """Mark a lesion and draw on it with the brush."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    from app.main import Built
    from app.panels.rail import Step
    from cvt_planner.anatomy.lesion_shape import Ellipsoid
    from cvt_planner.base.arrays import vec3
    from cvt_planner.plan.edits import add_lesion
    from cvt_planner.plan.model import Lesion, LesionKind, new_id

    assert isinstance(built, Built)
    workspace, view = built.workspace, built.window.views["axial"]
    centre = workspace.volume.grid.centre_lps_mm
    lesion = Lesion(new_id(), "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid(vec3(centre), (9.0, 9.0, 9.0)))
    workspace.apply(add_lesion(lesion), "Mark lesion")
    built.desk.go_to(vec3(centre))
    QTest.mouseClick(built.window.rail.buttons[Step.LESIONS], Qt.MouseButton.LeftButton)
    spin(1.0)
    times = []
    for stroke in range(3):
        QTest.keyClick(view, Qt.Key.Key_B)
        start = view.point_of(centre).toPoint()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
        for n in range(1, 31):
            begin = time.perf_counter()
            QTest.mouseMove(view, start + QPoint(2 * n, 3 * stroke))
            view.repaint()  # what is under the hand, now
            times.append(1000 * (time.perf_counter() - begin))
            assert built.desk.view_state.preview is not None
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(60, 3 * stroke))
        spin(0.5)
        QTest.keyClick(view, Qt.Key.Key_Escape)
    told("brush stroke to picture", times)


def freeze(built: object) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    from app.main import Built
    from cvt_planner.base.arrays import vec3
    from cvt_planner.plan.edits import put_assembly
    from cvt_planner.planning.placement import place_assembly

    assert isinstance(built, Built)
    workspace = built.workspace
    centre = workspace.volume.grid.centre_lps_mm
    lesion = workspace.plan.lesions[0]
    for x in (-6.0, 6.0):
        tip = vec3((centre[0] + x, centre[1], centre[2]))
        entry = vec3((centre[0] + 3.0 * x, centre[1] + 90.0, centre[2]))
        workspace.apply(
            put_assembly(place_assembly(workspace.volume, workspace.plan, lesion.id, tip, entry)), "Lay needle"
        )
    built.window.freezing.warm_up()
    spin(15.0)
    beats = [time.perf_counter()]
    beat = QTimer()
    beat.timeout.connect(lambda: beats.append(time.perf_counter()))
    loop = QEventLoop()
    wait = QTimer()
    wait.timeout.connect(lambda: loop.quit() if workspace.state.ice else None)
    beat.start(BEAT_MS)
    wait.start(50)
    begin = time.perf_counter()
    built.window.freezing.run(lesion.id)
    QTimer.singleShot(120_000, loop.quit)
    loop.exec()
    seconds = time.perf_counter() - begin
    spin(1.0)  # the answer is drawn in this time
    gaps = sorted(1000 * (b - a) for a, b in itertools.pairwise(beats))
    print(f"ice of two probes in both tissues: {seconds:.1f} s")
    print(f"window's thread while it runs: p99 gap {gaps[int(0.99 * len(gaps))]:.0f} ms, longest gap {gaps[-1]:.0f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
