"""The dialog that fetches series from a PACS: choose a PACS, look for the study, fetch series of it, open them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.desk import Desk
from app.documents import Documents
from app.panels.pacs_nodes import NodesPage
from app.panels.pacs_tree import SERIES, STUDY, StudyTree
from app.panels.pacs_words import error_words
from app.panels.widgets import Choice, button, label, named, set_role
from cvt_planner.base.errors import Cancelled, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import Incomplete
from cvt_planner.imaging.pacs.found import Query, SeriesFound, Studies, StudyFound
from cvt_planner.imaging.pacs.nodes import DICOM, Node, NodeBook, load_nodes
from cvt_planner.imaging.pacs.peer import GET, MOVE, peer_of
from cvt_planner.imaging.pacs.retrieve import Retrieved, retrieve_into_store
from cvt_planner.imaging.pacs.staging import Unfinished, delete_unfinished, unfinished_below

_T = TypeVar("_T")
_ASK, _FETCH, _LOOK = "pacs ask", "pacs fetch", "pacs unfinished"
_SIZE = (980, 640)
_Wanted = tuple[str, str, str]  # node, study, series


class PacsDialog(QDialog):
    """Asks a PACS beside the window's work; nothing of it ever waits on the window's own thread."""

    def __init__(self, desk: Desk, documents: Documents, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("pacs")
        self.setWindowTitle("Fetch from PACS")
        self.resize(*_SIZE)
        self.desk = desk
        self.documents = documents
        self._book = NodeBook()
        self._wanted: _Wanted | None = None  # what Resume goes on with
        self._next: list[_Wanted] = []  # and then with these
        self._here: list[Path] = []  # fetched for the same opening
        self.pages = QStackedWidget()
        self.pages.addWidget(self._fetch_page())
        outer = QVBoxLayout(self)
        outer.addWidget(self.pages)
        self._working(False)

    def open_fresh(self) -> None:
        """Show the dialog, with the PACS that are remembered now and what was not finished before."""
        self._show_nodes()
        self._show_store()
        self.show()
        self.raise_()
        self.activateWindow()
        if not self._book.nodes:
            self._say("No PACS is set up yet. Press Set up…", "look")
        elif not self.desk.jobs.running(_FETCH):
            store = self.desk.settings.pacs_store
            self.desk.jobs.submit(_LOOK, lambda _progress: unfinished_below(store), self._show_unfinished, self._failed)

    # --- building

    def _fetch_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._node_row())
        column.addLayout(self._query_row())
        self.tree = StudyTree()
        self.tree.itemExpanded.connect(self._load_series)
        self.tree.itemSelectionChanged.connect(self._refresh)
        self.tree.itemActivated.connect(lambda item, _column: self._activated(item))
        column.addWidget(self.tree, 1)
        column.addLayout(self._store_row())
        self.state = label("", "hint", "pacs_state")
        column.addWidget(self.state)
        column.addLayout(self._bottom_row())
        return page

    def _node_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.node = Choice("pacs_node")
        self.node.currentIndexChanged.connect(lambda _n: self._node_changed())
        self.way = Choice("pacs_way")
        self.way.fill([("C-GET", GET), ("C-MOVE", MOVE)], GET)
        self.way.setToolTip("How images are fetched: C-GET over the same connection, C-MOVE to a port of ours")
        self.test = button("Test", self._test, name="pacs_test", tip="Ask whether the PACS answers (C-ECHO)")
        row.addWidget(QLabel("PACS"))
        row.addWidget(self.node, 1)
        row.addWidget(self.way)
        row.addWidget(self.test)
        row.addWidget(button("Set up…", self._manage, name="pacs_manage", tip="Add, change or remove a PACS"))
        return row

    def _query_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.fields: dict[str, QLineEdit] = {}
        for key, words, hint in (
            ("id", "Patient ID", ""),
            ("name", "Name", "Family, Given"),
            ("date", "Study date", "2026-03-01"),
        ):
            field = named(QLineEdit(), f"pacs_{key}")
            field.setPlaceholderText(hint)
            if key == "date":
                field.setToolTip("One day, or a range: 2026-03-01..2026-03-31")
            field.returnPressed.connect(self._search)
            self.fields[key] = field
            row.addWidget(QLabel(words))
            row.addWidget(field, 2)
        self.modality = Choice("pacs_modality")
        self.modality.fill([("CT", "CT"), ("All", "")], "CT")
        row.addWidget(self.modality)
        self.search = button("Search", self._search, role="primary", name="pacs_search")
        row.addWidget(self.search)
        return row

    def _store_row(self) -> QFormLayout:
        form = QFormLayout()
        row = QHBoxLayout()
        self.store = label("", "hint", "pacs_store")
        row.addWidget(self.store, 1)
        row.addWidget(button("Change…", self._choose_store, name="pacs_change_store"))
        form.addRow("Kept in", row)
        return form

    def _bottom_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.bar = named(QProgressBar(), "pacs_bar")
        self.bar.setRange(0, 1000)
        self.stop = button("Stop", self._stop, icon="stop", name="pacs_stop")
        self.resume = button("Resume", self._resume, role="primary", name="pacs_resume")
        self.delete = button(
            "Delete", self._delete, name="pacs_delete", tip="Delete the images that were fetched so far"
        )
        several = "Several series at once with Ctrl or Shift: the localiser beside the CT, to count levels on"
        self.fetch = button("Fetch and open", self._fetch_chosen, role="primary", name="pacs_fetch", tip=several)
        row.addWidget(self.bar, 1)
        row.addStretch(1)
        for one in (self.stop, self.delete, self.resume, self.fetch, button("Close", self.close, name="pacs_close")):
            one.setAutoDefault(False)
            row.addWidget(one)
        for one in (self.test, self.search):
            one.setAutoDefault(False)
        return row

    # --- the PACS

    @property
    def chosen_node(self) -> Node | None:
        """Return the PACS that is chosen."""
        name = self.node.currentData()
        return next((node for node in self._book.nodes if node.name == name), None)

    def _show_nodes(self) -> None:
        before = self.node.currentData()
        self._book = load_nodes(self.desk.settings.pacs_file)
        names = self._book.names
        chosen = before if before in names else names[0] if names else None
        self.node.fill([(f"{node.name}  ({node.address})", node.name) for node in self._book.nodes], chosen)
        self._node_changed()
        if self._book.notice:
            self._say(self._book.notice, "stop")

    def _node_changed(self) -> None:
        node = self.chosen_node
        self.tree.clear()
        self.way.setVisible(node is not None and node.kind == DICOM and bool(node.move_port))
        self.way.choose(GET)
        self._refresh()

    @cached_property
    def nodes(self) -> NodesPage:
        """The page on which the list of PACS is kept; made when it is first wanted: it takes as long as the rest."""
        made = NodesPage(self.desk)
        made.closed.connect(self._back)
        self.pages.addWidget(made)
        return made

    def _manage(self) -> None:
        self.nodes.open_on(self.desk.settings.pacs_file, self.node.currentData() or "")
        self.pages.setCurrentWidget(self.nodes)

    def _back(self) -> None:
        self._show_nodes()
        self.pages.setCurrentIndex(0)
        self._say("", "hint")

    def _test(self) -> None:
        node = self.chosen_node
        if node is not None:
            self._say(f"Asking {node.name}…", "hint")
            self._ask(lambda progress: peer_of(node).echo(progress), lambda words: self._say(words, "ok"))

    # --- looking

    def _search(self) -> None:
        node = self.chosen_node
        if node is None:
            self._say("Set up a PACS first.", "look")
            return
        texts = {key: field.text() for key, field in self.fields.items()}
        query = Query(texts["id"], texts["name"], texts["date"], str(self.modality.currentData()))
        self.tree.clear()
        self._say(f"Asking {node.name}…", "hint")
        self._ask(lambda progress: peer_of(node).studies(query, progress), self._show_studies)

    def _show_studies(self, found: Studies) -> None:
        patients = self.tree.show_studies(found.studies)
        words = f"Studies: {len(found.studies)}, patients: {patients}."
        if not found.studies:
            words = "No study matches. Check ID, name and date; part of a name is enough."
        elif found.more:
            words += " There are more: narrow the search."
        self._say(words, "look" if found.more or not found.studies else "hint")
        if len(found.studies) == 1:
            only = self.tree.study_item(found.studies[0].study_uid)
            if only is not None:
                only.setExpanded(True)

    def _load_series(self, item: QTreeWidgetItem) -> None:
        study, node = item.data(0, STUDY), self.chosen_node
        if not isinstance(study, StudyFound) or node is None or item.childCount():
            return
        uid = study.study_uid
        self.desk.jobs.submit(
            f"pacs series {uid}",
            lambda progress: peer_of(node).series(uid, progress),
            lambda series: self.tree.show_series(uid, series),
            self._failed,
        )

    # --- fetching

    def _activated(self, item: QTreeWidgetItem) -> None:
        if isinstance(item.data(0, SERIES), SeriesFound):
            self._fetch_chosen()

    def _fetch_chosen(self) -> None:
        node, chosen = self.chosen_node, self.tree.chosen_series
        if node is None or not chosen or self.desk.jobs.running(_FETCH):
            return
        first, *self._next = [(node.name, series.study_uid, series.series_uid) for series in chosen]
        self._here = []
        self._begin(first)

    def _resume(self) -> None:
        if self._wanted is not None:
            self._begin(self._wanted)

    def _begin(self, wanted: _Wanted) -> None:
        if self.desk.jobs.running(_FETCH):
            return
        name, study_uid, series_uid = wanted
        try:
            node = self._book.node(name)
        except PlannerError as error:
            self._say(str(error), "stop")
            return
        way = str(self.way.currentData() or GET) if node.kind == DICOM and self.way.isVisible() else ""
        store = self.desk.settings.pacs_store
        self._wanted = wanted
        self._working(True)
        more = f", {len(self._next)} more series to come" if self._next else ""
        self._say(f"Fetching from {node.name}{more}…", "hint")

        def work(progress: Progress) -> Retrieved:
            return retrieve_into_store(peer_of(node, way), study_uid, series_uid, store, progress)

        self.desk.jobs.submit(_FETCH, work, self._fetched, self._fetch_failed, self._advanced)

    def _fetched(self, done: Retrieved) -> None:
        self._wanted = None
        self._here.append(done.folder)
        if self._next:
            self._begin(self._next.pop(0))
            return
        self._working(False)
        self._say(f"All {done.images} images are here.", "ok")
        self.close()
        self.documents.open_paths(self._here)

    def _fetch_failed(self, error: Exception) -> None:
        may_resume = isinstance(error, Incomplete | Cancelled)
        if not may_resume:
            self._wanted = None
            self._next.clear()
        self._working(False)
        self._say(error_words(error), "look" if isinstance(error, Cancelled) else "stop")

    def _advanced(self, fraction: float, words: str) -> None:
        self.bar.setValue(round(fraction * 1000))
        if words and self.desk.jobs.running(_FETCH):
            self._say(words, "hint")

    def _stop(self) -> None:
        self._say("Stopping…", "hint")
        self.desk.jobs.cancel(_FETCH)

    def _delete(self) -> None:
        if self._wanted is None:
            return
        _, study_uid, series_uid = self._wanted
        store, self._wanted = self.desk.settings.pacs_store, None
        self._next.clear()
        self._refresh()

        def work(_progress: Progress) -> tuple[int, tuple[Unfinished, ...]]:
            return delete_unfinished(store, study_uid, series_uid), unfinished_below(store)

        self.desk.jobs.submit(_LOOK, work, self._deleted, self._failed)

    def _deleted(self, both: tuple[int, tuple[Unfinished, ...]]) -> None:
        count, left = both
        self._say(f"{count} images that were fetched so far are deleted.", "ok")
        self._show_unfinished(left)

    def _show_unfinished(self, found: tuple[Unfinished, ...]) -> None:
        known = [one for one in found if one.node in self._book.names]
        if known and self._wanted is None and not self.desk.jobs.running(_FETCH):
            one = known[0]
            self._wanted = (one.node, one.study_uid, one.series_uid)
            self._next, self._here = [], []
            self._say(
                f"Not finished: {one.have} of {one.total} images of a series from {one.node}. Press Resume or Delete.",
                "look",
            )
            self._refresh()

    # --- the rest

    def _ask(self, work: Callable[[Progress], _T], done: Callable[[_T], None]) -> None:
        self.desk.jobs.submit(_ASK, work, done, self._failed)

    def _failed(self, error: Exception) -> None:
        self._say(error_words(error), "stop")

    def _choose_store(self) -> None:
        chosen = self.documents.dialogs.study_folder("Keep fetched series in")
        if chosen is not None:
            self.desk.settings.pacs_store = chosen
            self._show_store()

    def _show_store(self) -> None:
        store: Path = self.desk.settings.pacs_store
        self.store.setText(f"{store}   (not encrypted; delete what is no longer needed)")

    def _working(self, on: bool) -> None:
        self.bar.setVisible(on)
        self.bar.setValue(0)
        self.stop.setVisible(on)
        self._refresh()

    def _refresh(self) -> None:
        working = self.desk.jobs.running(_FETCH) or self.stop.isVisibleTo(self)
        self.fetch.setEnabled(bool(self.tree.chosen_series) and not working)
        for one in (self.resume, self.delete):
            one.setVisible(self._wanted is not None and not working)
        for one in (self.test, self.search):
            one.setEnabled(self.chosen_node is not None)

    def _say(self, text: str, role: str) -> None:
        self.state.setText(text)
        set_role(self.state, role)
