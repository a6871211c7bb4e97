"""The window: banner, rail, four views, step panel, safety strip, and what connects them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.brushing import Brushing
from app.commands import Commands
from app.desk import Desk
from app.documents import Documents
from app.finding import Finding
from app.freezing import Freezing
from app.growing import Growing
from app.importing import Importing
from app.keys import KeyGate
from app.measuring import Measuring
from app.naming import Naming
from app.panels.banner import TITLE_NOTICE, Banner
from app.panels.cement import CementPanel
from app.panels.deidentify_dialog import ask_deidentify
from app.panels.empty import EmptyState, dropped_paths
from app.panels.help import KeysPage, about_text
from app.panels.hints import hint_words
from app.panels.ice import IcePanel
from app.panels.images import ImagesPanel
from app.panels.lesions import LesionsPanel
from app.panels.levels import LevelsPanel
from app.panels.menus import Menus
from app.panels.message_bar import NoticeLine
from app.panels.needles import NeedlesPanel
from app.panels.pacs import PacsDialog
from app.panels.probe_card import ProbeCardPage
from app.panels.rail import Rail, Step
from app.panels.series_browser import SeriesBrowser
from app.panels.session import SessionPanel
from app.panels.sides_banner import SidesBanner
from app.panels.status import chips, step_marks
from app.panels.step_panel import StepPanel
from app.panels.strip import ChipText, Strip
from app.panels.views import ViewsGrid, bring_into_view, thumbnail_png
from app.panels.widgets import named, tight
from app.playing import Playing
from app.previewing import Previewing
from app.probes import Probes
from app.reading import Reading
from app.render.scene3d import Scene3D
from app.render.slice_view import SliceView
from app.spine_commands import SpineCommands
from app.surroundings import Surroundings
from app.tools.in_hand import OF_ONE_STEP, make_tools
from app.tools.navigate import NavigateTool
from app.tools.spine import BoundaryHandles
from cvt_planner.base.arrays import Points, vec3
from cvt_planner.imaging.series import SeriesListing

PANEL_PX = 384


class MainWindow(QMainWindow):
    """Holds the parts together; the work itself is done by the desk, the documents, the tools and the panels."""

    def __init__(self, desk: Desk, documents: Documents, views: dict[str, SliceView], scene: Scene3D) -> None:
        super().__init__()
        self.setObjectName("main_window")
        self.desk = desk
        self.documents = documents
        self.reading = Reading(desk)
        self.growing = Growing(desk)
        self.brushing = Brushing(desk)
        self.measuring = Measuring(desk)
        self.freezing = Freezing(desk, self.reading)
        self.finding = Finding(desk)
        self.surroundings = Surroundings(desk)
        self.previewing = Previewing(desk, self.reading, self.freezing)
        self.playing = Playing(desk)
        self.naming = Naming(desk)
        self.probes = Probes(desk)
        self.views = views
        self.scene = scene
        self.navigate = NavigateTool(desk, BoundaryHandles(self.finding))
        self.tools = make_tools(desk, self.growing, self.brushing, self.finding, self.navigate)
        self.importing = Importing(desk, documents.dialogs, self)
        self.commands = Commands(desk, documents, self.growing, self.brushing, self.navigate, views)
        self.spine_commands = SpineCommands(desk, self.finding)
        self._closing = False
        self.pacs: PacsDialog | None = None
        self._build()
        self._connect()
        self.gate = KeyGate(self, views["axial"])
        self._use_tool("navigate")
        self.enter(Step.IMAGES)
        self._refresh()
        self.empty.show_recent(desk.settings.recent)
        views["axial"].setFocus()

    # --- building

    def _build(self) -> None:
        self.setMinimumSize(1024, 640)
        self.setAcceptDrops(True)
        self.banner = Banner()
        self.rail = Rail()
        self.strip = Strip()
        self.line = NoticeLine()
        self.message, self.busy = self.line.message, self.line.busy
        self.empty = EmptyState()
        self.keys = KeysPage()
        self.grid = ViewsGrid([*self.views.values(), self.scene])
        self.centre = QStackedWidget()
        self.card = ProbeCardPage(self.desk, self.probes, self.documents.dialogs)
        self.images = ImagesPanel(self.desk)
        self.browser = SeriesBrowser(self.desk, self.images.series)
        for page in (self.empty, self.grid, self.keys, self.card, self.browser):
            self.centre.addWidget(page)
        self.session = SessionPanel(self.desk, self.reading)
        self.needles = NeedlesPanel(self.desk, self.reading, self.probes)
        self.ice = IcePanel(self.desk, self.reading, self.playing)
        self.panels: dict[Step, StepPanel] = {
            Step.IMAGES: self.images,
            Step.LEVELS: LevelsPanel(self.desk, self.naming, self.finding),
            Step.LESIONS: LesionsPanel(self.desk, self.growing, self.brushing, self.measuring),
            Step.NEEDLES: self.needles,
            Step.ICE: self.ice,
            Step.CEMENT: CementPanel(self.desk, self.reading),
            Step.SESSION: self.session,
        }
        self.setCentralWidget(self._arrange())
        self.menus = Menus(self, self.desk, self.documents, self._handlers(), self._switches)

    def _arrange(self) -> QWidget:
        self.panel_stack = QStackedWidget()
        for panel in self.panels.values():
            self.panel_stack.addWidget(panel)
        side = named(QFrame(), "step_panel")
        side.setFixedWidth(PANEL_PX)
        inside = QVBoxLayout(side)
        inside.setContentsMargins(1, 0, 0, 0)
        inside.addWidget(self.panel_stack)
        body = QWidget()
        row = tight(QHBoxLayout(body))
        row.addWidget(self.rail)
        row.addWidget(self.centre, 1)
        row.addWidget(side)
        whole = named(QWidget(), "desk")
        stack = tight(QVBoxLayout(whole))
        stack.addWidget(self.banner)
        stack.addWidget(SidesBanner(self.desk))
        stack.addWidget(body, 1)
        stack.addWidget(self.line)
        stack.addWidget(self.strip)
        return whole

    def _handlers(self) -> dict[str, Callable[[], None]]:
        return {
            **self.commands.handlers(),
            **self.spine_commands.handlers(),
            "panel": self._focus_panel,
            "quit": lambda: _forget(self.close()),
            "layout": lambda: self.grid.show_alone(None),
            "full_screen": self._full_screen,
            "keys": partial(self.toggle_page, self.keys),
            "probe_card": partial(self.toggle_page, self.card),
            "fetch_pacs": self.show_pacs,
            "about": lambda: self.desk.say(about_text(), "info"),
            "leave_tool": self._escape,
            "deidentify": lambda: ask_deidentify(self.desk, self.documents.dialogs, self, self.documents.password),
            "import_segmentation": self.importing.from_file,
            "totalsegmentator": self.importing.from_totalsegmentator,
            "play_ice": self.playing.toggle,
            "confirm_level": self.naming.confirm_pointed,
            "save": lambda: self._save(),
        }

    def _switches(self) -> dict[str, bool]:
        state = self.desk.view_state
        return {
            **self.spine_commands.switches(),
            "invert": state.inverted,
            "procedure_view": state.procedure_view,
            "needle_views": self.commands.needle_views,
            "measure": self.desk.tool == "measure",
            "brush": self.desk.tool == "brush",
            "eraser": self.desk.tool == "eraser",
            "brush_3d": self.brushing.in_3d,
            "full_screen": self.isFullScreen(),
        }

    def _connect(self) -> None:
        desk, documents = self.desk, self.documents
        self.rail.step_wanted.connect(self.enter)
        desk.step_wanted.connect(lambda n: self.enter(Step(n)))
        desk.said.connect(self.line.say)
        desk.busy_started.connect(self.busy.start)
        desk.busy_advanced.connect(self.busy.advance)
        desk.busy_ended.connect(self.busy.finish)
        desk.tool_changed.connect(self._use_tool)
        desk.changed.connect(self._refresh)
        desk.went.connect(self._show_crosshair)
        desk.bridge.volume_changed.connect(self._volume_changed)
        desk.bridge.saved_changed.connect(desk.tell)
        desk.bridge.plan_changed.connect(self.message.outdate)
        desk.bridge.ice_changed.connect(self.message.outdate)
        documents.listed.connect(self._show_listing)
        documents.opened.connect(self._opened)
        documents.thumbnail = lambda: thumbnail_png(self.views["axial"])
        self.images.series_wanted.connect(documents.open_series)
        self.images.browser_wanted.connect(partial(self.toggle_page, self.browser))
        self.browser.series_wanted.connect(documents.open_series)
        self.centre.currentChanged.connect(lambda n: self.images.set_browsing(self.centre.widget(n) is self.browser))
        self.browser.closed.connect(partial(self.toggle_page, self.browser))
        self.images.preset_wanted.connect(self.commands.preset)
        self.ice.run_wanted.connect(self.freezing.run)
        self.session.save_wanted.connect(self._save)
        self.strip.place_wanted.connect(self._go_to_chip)
        self.empty.sample_wanted.connect(self.commands.open_sample)
        self.empty.open_folder_wanted.connect(self.menus.actions["open_study"].trigger)
        self.empty.open_file_wanted.connect(self.menus.actions["open_file"].trigger)
        self.empty.pacs_wanted.connect(self.menus.actions["fetch_pacs"].trigger)
        self.empty.recent_wanted.connect(documents.open_path)
        self.keys.closed.connect(partial(self.toggle_page, self.keys))
        self.card.closed.connect(partial(self.toggle_page, self.card))
        self.needles.card_wanted.connect(partial(self.toggle_page, self.card))
        for n, view in enumerate(self.views.values()):
            view.maximise_requested.connect(partial(self.grid.toggle, n))
        self.scene.picked.connect(self.finding.choose)
        self.scene.maximise_requested.connect(partial(self.grid.toggle, len(self.views)))
        for view in self.views.values():
            view.hovered.connect(partial(self._hovered, view))

    # --- answering

    def enter(self, step: Step) -> None:
        """Enter a step: its panel, and what the mouse takes hold of."""
        if self.desk.tool in OF_ONE_STEP and step.value != self.desk.step:
            self.commands.leave_tool()
        if step.value != self.desk.step:
            self.message.outdate()
        if step is not Step.IMAGES and self.desk.volume is not None and self.centre.currentWidget() is self.browser:
            self.toggle_page(self.browser)  # its list is the first step's
        self.desk.step = step.value
        self.desk.view_state.name_points(step is Step.NEEDLES)  # elsewhere other labels need the room
        self.rail.choose(step)
        self.panel_stack.setCurrentWidget(self.panels[step])
        self.desk.tell()
        for view in self.views.values():
            view.look_again()

    def toggle_page(self, page: QWidget) -> None:
        """Show a page (the keys, a probe card) in place of the views, or the views again."""
        showing = self.centre.currentWidget() is page
        self.centre.setCurrentWidget(self._main_page() if showing else page)

    def show_pacs(self) -> None:
        """Show the dialog that fetches from a PACS."""
        if self.pacs is None:
            self.pacs = PacsDialog(self.desk, self.documents, self)
        self.pacs.open_fresh()

    def _focus_panel(self) -> None:
        self.panel_stack.setFocus()
        self.panel_stack.focusNextChild()

    def _main_page(self) -> QWidget:
        return self.empty if self.desk.volume is None else self.grid

    def _escape(self) -> None:
        if self.navigate.give_up():
            return
        self.views["axial"].setFocus()
        page = self.centre.currentWidget()
        if page in (self.keys, self.card, self.browser):
            self.toggle_page(page)
        elif self.desk.tool != "navigate" or self.desk.aim is not None:
            self.commands.leave_tool()
        elif self.grid.alone is not None:
            self.grid.show_alone(None)
        else:
            self.commands.leave_tool()
            self.message.clear()

    def _show_crosshair(self) -> None:
        """Move the picture of each view in which the place that was gone to lies beyond the edge."""
        if self.desk.volume is not None:
            bring_into_view(self.views, self.desk.view_state)

    def _use_tool(self, name: str) -> None:
        for view in self.views.values():
            view.tool = self.tools[name]

    def _hovered(self, view: SliceView, point: Points | None) -> None:
        self.desk.cursor_lps_mm = None if point is None else vec3(point)
        if point is not None:
            self.commands.active_view = view

    def _volume_changed(self) -> None:
        volume = self.desk.volume
        self.banner.show_volume(volume)
        self.centre.setCurrentWidget(self._main_page())
        self.grid.show_alone(None)
        self.empty.show_recent(self.desk.settings.recent)

    def _show_listing(self, listing: SeriesListing) -> None:
        self._put_listing(listing)
        self.enter(Step.IMAGES)
        if listing.readable or self.desk.volume is None:  # else there is nothing to take the place of what is open
            self.centre.setCurrentWidget(self.browser)
            self.browser.rows.setFocus()

    def _put_listing(self, listing: SeriesListing | None) -> None:
        self.browser.show_listing(listing, self.documents.password)
        self.images.show_listing(listing, self.documents.password)

    def _opened(self) -> None:
        self._put_listing(self.documents.listing)
        self.enter(Step.SESSION if self.desk.workspace.state.path is not None else Step.IMAGES)

    def _refresh(self) -> None:
        desk = self.desk
        self.rail.show_marks(step_marks(desk, self.reading))
        self.strip.show_chips(chips(desk, self.reading))
        self.banner.show_level(desk.working_level, desk.plan)
        self.line.show_hint(hint_words(desk))
        self.menus.refresh()
        name = self.documents.name
        self.setWindowTitle(f"{name}[*] — CVT Planner — {TITLE_NOTICE}" if name else f"CVT Planner — {TITLE_NOTICE}")
        self.setWindowModified(desk.workspace.state.unsaved)

    def _go_to_chip(self, chip: ChipText) -> None:
        if any(a.id == chip.key for a in (self.desk.plan.assemblies if self.desk.plan else ())):
            self.desk.choose_assembly(chip.key)
        if chip.place_lps_mm is not None:
            self.desk.go_to(chip.place_lps_mm)
        if chip.why:
            self.desk.say(chip.why, chip.verdict if chip.verdict in ("look", "stop") else "info")

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        self.desk.tell()

    def _save(self) -> None:
        self.session.keep_notes()
        self.documents.save()

    # --- Qt's events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if dropped_paths(event.mimeData()):
            event.acceptProposedAction()
            self.empty.show_drag(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Forget what was held over the window."""
        self.empty.show_drag(False)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.empty.show_drag(False)
        paths = dropped_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.activateWindow()
            # The drop ends first: a question about unsaved work must not keep the other program waiting.
            QTimer.singleShot(0, self, lambda: self.documents.open_paths(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved work, then let go of everything."""
        self.session.keep_notes()
        if not self._closing and not self.documents.may_close(self._close_saved):
            event.ignore()
            return
        self._closing = True
        self.desk.settings.geometry = self.saveGeometry()
        window = self.desk.view_state.window
        self.desk.settings.window_hu = (window.centre_hu, window.width_hu)
        self.growing.cancel()
        self.desk.jobs.close()
        self.finding.close()
        self.previewing.close()
        for view in self.views.values():
            view.close()
        self.scene.close()
        self.desk.close()
        event.accept()

    def _close_saved(self) -> None:
        self._closing = True
        self.close()


def _forget(_result: object) -> None:
    """Take a result nobody asks for."""
