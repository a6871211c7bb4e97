"""Fetching from a real PACS in the window: set up, test, look, fetch and open; cut off and resumed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from pydicom.dataset import Dataset
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QSpinBox, QTreeWidget

from cvt_planner.imaging.kinds import IMAGE, LOCALISER
from cvt_planner.imaging.pacs.nodes import DICOM, DICOMWEB, Node, add_node, load_nodes
from cvt_planner.imaging.pacs.peer import peer_of
from cvt_planner.imaging.pacs.send import send_path
from tests.app.window.hand import Hand, HeldUp
from tests.orthanc import AE, OURS, STUDY, WORD, MemoryKeyring, Orthanc, cutting, program, write_slices

OUT = Path(__file__).resolve().parents[3] / "out" / "window"
SLICES = 40


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    program()
    server = Orthanc(tmp_path_factory.mktemp("orthanc"))
    server.start()
    try:
        folder = tmp_path_factory.mktemp("sent")
        write_slices(folder, SLICES, size=64)
        assert not send_path(peer_of(server.node()), folder).refused
        yield server
    finally:
        server.stop()


@pytest.fixture
def pacs(hand: Hand, tmp_path: Path) -> Hand:
    """Return the hand with the dialog open, opened from the start page."""
    hand.built.desk.settings.pacs_store = tmp_path / "store"
    hand.click("open_pacs")
    assert hand.window.pacs.isVisible()
    return hand


def type_in(hand: Hand, name: str, text: str) -> None:
    field: QLineEdit | None = hand.window.findChild(QLineEdit, name)
    assert field is not None and field.isVisible(), name
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)


def set_up(hand: Hand, orthanc: Orthanc) -> None:
    hand.click("pacs_manage")
    hand.click("pacs_new")
    type_in(hand, "pacs_field_name", "Ward PACS")
    type_in(hand, "pacs_field_host", "127.0.0.1")
    type_in(hand, "pacs_field_called_ae", AE)
    type_in(hand, "pacs_field_our_ae", OURS)
    port: QSpinBox | None = hand.window.findChild(QSpinBox, "pacs_port")
    assert port is not None
    port.setFocus()
    port.selectAll()
    QTest.keyClicks(port, str(orthanc.dicom_port))
    hand.click("pacs_save")
    hand.settle()


def state(hand: Hand) -> str:
    return str(hand.window.pacs.state.text())


def choose_series(hand: Hand) -> QTreeWidget:
    tree: QTreeWidget = hand.window.pacs.tree
    patient = tree.topLevelItem(0)
    assert patient is not None
    series = patient.child(0).child(0)
    place: QPoint = tree.visualItemRect(series).center()
    hand.qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    return tree


def test_the_dialog_opens_and_asks_over_the_web_without_holding_the_window_up(
    hand: Hand, orthanc: Orthanc, tmp_path: Path
) -> None:
    before, mine = keyring.get_keyring(), MemoryKeyring()
    mine.set_password("CVT Planner PACS", "Test web", WORD)
    keyring.set_keyring(mine)
    hand.built.desk.settings.pacs_store = tmp_path / "store"
    add_node(orthanc.web_node(), hand.built.desk.settings.pacs_file)
    hand.settle()
    hand.qtbot.wait(500)  # the window itself is drawn
    held_up = HeldUp()
    hand.click("open_pacs")
    hand.qtbot.wait(200)
    held_up.stop()
    print(f"\nwindow held up by the dialog: {held_up.own_ms:.0f} ms of its own, {held_up.whole_ms:.0f} ms in all")
    assert hand.window.pacs.isVisible() and held_up.own_ms < 50.0
    held_up = HeldUp()
    hand.click("pacs_search")
    hand.settle()
    held_up.stop()
    keyring.set_keyring(before)
    print(f"by the first answer: {held_up.own_ms:.0f} ms of its own, {held_up.whole_ms:.0f} ms in all")
    assert "Studies: 1, patients: 1." in state(hand) and held_up.own_ms < 50.0


def test_set_up_test_look_fetch_and_open(pacs: Hand, orthanc: Orthanc) -> None:
    assert "No PACS is set up" in state(pacs)
    set_up(pacs, orthanc)
    (node,) = load_nodes(pacs.built.desk.settings.pacs_file).nodes
    assert (node.name, node.port, node.called_ae) == ("Ward PACS", orthanc.dicom_port, AE)
    _picture(pacs, "pacs_nodes")
    pacs.click("pacs_back")
    pacs.click("pacs_test")
    pacs.settle()
    assert "Ward PACS answers" in state(pacs)
    type_in(pacs, "pacs_name", "m*ller")
    pacs.click("pacs_search")
    pacs.settle()
    assert "Studies: 1, patients: 1." in state(pacs)
    tree = choose_series(pacs)
    texts = [tree.currentItem().text(n) for n in range(5)]
    assert texts == ["3  Bone 1.0", "", "CT", "", str(SLICES)]
    _picture(pacs, "pacs")
    held_up = HeldUp()
    pacs.click("pacs_fetch")
    pacs.qtbot.waitUntil(lambda: not pacs.window.pacs.isVisible(), timeout=20_000)
    held_up.stop()
    pacs.settle()
    volume = pacs.built.desk.volume
    assert volume is not None and volume.grid.shape_kji == (SLICES, 64, 64)
    print(f"\nwindow held up while fetching: {held_up.own_ms:.0f} ms of its own, {held_up.whole_ms:.0f} ms in all")
    assert held_up.own_ms < 50.0


def test_a_cut_fetch_says_how_far_it_came_and_resumes(pacs: Hand, orthanc: Orthanc) -> None:
    file = pacs.built.desk.settings.pacs_file
    with cutting(orthanc.dicom_port, [150_000]) as proxy:
        add_node(orthanc.node(port=proxy.port, retries=0), file)
        pacs.window.pacs.open_fresh()
        pacs.click("pacs_search")
        pacs.settle()
        choose_series(pacs)
        pacs.click("pacs_fetch")
        pacs.settle()
        assert f"of {SLICES} images; press Resume" in state(pacs)
        assert pacs.built.desk.volume is None
        _picture(pacs, "pacs_cut")
        pacs.click("pacs_close")
        pacs.window.pacs._wanted = None  # as after a new start of the program
        pacs.window.pacs.open_fresh()
        pacs.settle()
        assert "Not finished" in state(pacs)
        pacs.click("pacs_resume")
        pacs.settle()
    assert pacs.built.desk.volume is not None
    assert pacs.built.desk.volume.grid.shape_kji[0] == SLICES


def test_a_ct_and_its_localiser_are_fetched_and_opened_together(pacs: Hand, orthanc: Orthanc, tmp_path: Path) -> None:
    def scout(ds: Dataset, n: int) -> None:
        ds.ImageType, ds.SeriesDescription, ds.SeriesNumber = ["ORIGINAL", "PRIMARY", "LOCALIZER"], "Topogram", 1
        ds.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    write_slices(tmp_path / "scout", 1, series=f"{STUDY}.77", size=64, edit=scout)
    assert not send_path(peer_of(orthanc.node()), tmp_path / "scout").refused
    try:
        add_node(orthanc.node(), pacs.built.desk.settings.pacs_file)
        pacs.window.pacs.open_fresh()
        pacs.click("pacs_search")
        pacs.settle()
        tree = choose_series(pacs)
        other = tree.currentItem().parent().child(1)
        place = tree.visualItemRect(other).center()
        control = Qt.KeyboardModifier.ControlModifier
        pacs.qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, control, place)
        assert len(tree.selectedItems()) == 2
        _picture(pacs, "pacs_two")
        pacs.click("pacs_fetch")
        pacs.qtbot.waitUntil(lambda: not pacs.window.pacs.isVisible(), timeout=60_000)
        pacs.settle()
    finally:
        for series in orthanc.ask("/series?expand"):
            if series["MainDicomTags"]["SeriesInstanceUID"] == f"{STUDY}.77":
                orthanc.ask(f"/series/{series['ID']}", "DELETE")
    volume = pacs.built.desk.volume
    assert volume is not None and volume.grid.shape_kji == (SLICES, 64, 64)
    assert {info.kind for info in pacs.window.images.series.infos} == {IMAGE, LOCALISER}
    pacs.picture("pacs_opened_two")


def test_what_was_not_finished_can_be_deleted(pacs: Hand, orthanc: Orthanc) -> None:
    file, store = pacs.built.desk.settings.pacs_file, pacs.built.desk.settings.pacs_store
    with cutting(orthanc.dicom_port, [150_000]) as proxy:
        add_node(orthanc.node(port=proxy.port, retries=0), file)
        pacs.window.pacs.open_fresh()
        pacs.click("pacs_search")
        pacs.settle()
        choose_series(pacs)
        pacs.click("pacs_fetch")
        pacs.settle()
    assert len(list(store.iterdir())) == 1
    _picture(pacs, "pacs_delete")
    pacs.click("pacs_delete")
    pacs.settle()
    assert "are deleted" in state(pacs) and not list(store.iterdir())
    assert not pacs.window.pacs.resume.isVisible() and not pacs.window.pacs.delete.isVisible()


@pytest.mark.parametrize("kind", [DICOM, DICOMWEB])
def test_the_window_closes_at_once_while_a_host_keeps_silent(pacs: Hand, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        port = silent.getsockname()[1]
        node = Node("Silent", kind=kind, host="127.0.0.1", port=port, called_ae="X", timeout_s=30.0)
        if kind == DICOMWEB:
            node = Node("Silent", kind=kind, url=f"http://127.0.0.1:{port}/dicom-web", timeout_s=30.0)
        add_node(node, pacs.built.desk.settings.pacs_file)
        pacs.window.pacs.open_fresh()
        pacs.click("pacs_test")
        pacs.qtbot.wait(300)
        assert pacs.built.desk.jobs.running("pacs ask")
        begin = time.perf_counter()
        pacs.window.close()
        assert time.perf_counter() - begin < 3.0 and not pacs.window.isVisible()


def test_a_wrong_ae_title_and_a_server_that_is_down_are_said(pacs: Hand, orthanc: Orthanc) -> None:
    file = pacs.built.desk.settings.pacs_file
    for changes, words in (({"called_ae": "WRONG"}, "AE title 'WRONG'"), ({"port": 1}, "does not answer")):
        add_node(orthanc.node(**changes), file)
        pacs.window.pacs.open_fresh()
        pacs.click("pacs_test")
        pacs.settle()
        assert words in state(pacs)


def test_fields_that_cannot_be_used_are_said(pacs: Hand) -> None:
    pacs.click("pacs_manage")
    pacs.click("pacs_new")
    type_in(pacs, "pacs_field_name", "A")
    pacs.click("pacs_save")
    assert "host" in pacs.window.pacs.nodes.state.text()
    pacs.choose("pacs_kind", "DICOMweb")
    type_in(pacs, "pacs_field_url", "pacs.example.org")
    pacs.click("pacs_save")
    assert "DICOMweb address" in pacs.window.pacs.nodes.state.text()
    assert not load_nodes(pacs.built.desk.settings.pacs_file).nodes


def _picture(hand: Any, name: str) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    dialog = hand.window.pacs
    before = dialog.size()
    for width, height in ((1920, 1080), (1280, 800)):
        dialog.resize(width, height)
        hand.qtbot.wait(20)
        dialog.grab().save(str(OUT / f"{name}_{width}x{height}.png"))
    dialog.resize(before)
    hand.qtbot.wait(20)
    dialog.grab().save(str(OUT / f"{name}.png"))
