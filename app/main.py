"""The window's start: the only place where its parts are wired together."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QApplication

from app.render.gl_environment import prepare_opengl

prepare_opengl()

from app import theme  # noqa: E402  (VTK reads its environment when it is imported)
from app.bridge.jobs import JobRunner  # noqa: E402
from app.desk import Desk  # noqa: E402
from app.dialogs import Dialogs  # noqa: E402
from app.documents import Documents  # noqa: E402
from app.main_window import MainWindow  # noqa: E402
from app.render.scene3d import Scene3D  # noqa: E402
from app.render.slice_view import SliceView  # noqa: E402
from app.render.view_state import ORIENTATIONS, ViewState, Window  # noqa: E402
from app.settings import Settings  # noqa: E402
from cvt_planner.imaging import isolation  # noqa: E402
from cvt_planner.workspace import Workspace  # noqa: E402

FIRST_SIZE = QSize(1440, 900)
WARM_READER_AFTER_MS = 50  # the process that reads images is started once the window is there
WARM_UP_AFTER_MS = 400  # the first picture comes first


@dataclass(frozen=True, eq=False)
class Built:
    """The window and what it stands on."""

    window: MainWindow
    desk: Desk
    documents: Documents
    workspace: Workspace


def build_window(settings: Settings | None = None, dialogs: Dialogs | None = None) -> Built:
    """Return a window with everything it needs, not yet shown; a `QApplication` must exist."""
    settings = settings or Settings()
    workspace = Workspace()
    view_state = ViewState()
    view_state.set_window(Window(*settings.window_hu))
    view_state.set_procedure_view(settings.procedure_view)
    view_state.set_isotherms(settings.isotherms_c)
    jobs = JobRunner()
    desk = Desk(workspace, view_state, jobs, settings)
    views = {name: SliceView(name, view_state, workspace) for name in ORIENTATIONS}
    scene = Scene3D(view_state, workspace, jobs)
    documents = Documents(desk, dialogs or Dialogs(settings))
    window = MainWindow(desk, documents, views, scene)
    documents.dialogs.parent = window
    return Built(window, desk, documents, workspace)


def run_window(path: str | None = None) -> int:
    """Open the window, on a study or a plan where one is given; return the program's exit code."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    if not isinstance(application, QApplication):
        raise TypeError("The window needs a QApplication.")
    application.setApplicationName("CVT Planner")
    theme.apply_theme(application)
    built = build_window()
    window = built.window
    if not window.restoreGeometry(built.desk.settings.geometry):
        screen = application.primaryScreen().availableSize()
        window.resize(FIRST_SIZE.boundedTo(screen))
    window.show()
    if path is not None:
        QTimer.singleShot(0, window, lambda: built.documents.open_path(Path(path).expanduser()))
    QTimer.singleShot(WARM_READER_AFTER_MS, window, isolation.warm_up)
    QTimer.singleShot(WARM_UP_AFTER_MS, window, window.freezing.warm_up)
    signal.signal(signal.SIGINT, lambda *_: window.close())
    # Python sees a Ctrl-C only when it runs: a timer lets it run now and then.
    breath = QTimer(window)
    breath.start(300)
    breath.timeout.connect(lambda: None)
    return application.exec()
