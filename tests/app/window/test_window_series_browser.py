"""The series browser and the de-identified export, by mouse and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton, QRadioButton

from app.panels.rail import Step
from app.panels.series_browser import SeriesBrowser
from app.panels.series_rows import THUMBNAIL_PX, Row, verdict_of
from cvt_planner.imaging.kinds import CAPTURE, DERIVED, IMAGE, LOCALISER, REPORT
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Volume
from tests.app.window.hand import Hand, HeldUp, Small

LEFT = Qt.MouseButton.LeftButton


def _copy(small: Small, folder: Path, step: int, **values: object) -> str:
    """Write every `step`-th slice of the small phantom as a series of its own; return its UID."""
    folder.mkdir(parents=True)
    uid = str(generate_uid())
    slices = sorted((pydicom.dcmread(path) for path in small.folder.rglob("*.dcm")), key=_height)
    for n, ds in enumerate(slices[::step]):
        ds.SeriesInstanceUID, ds.SOPInstanceUID = uid, generate_uid()
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        for key, value in values.items():
            setattr(ds, key, value)
        ds.save_as(folder / f"{n:03d}.dcm")
    return uid


def _height(ds: Dataset) -> float:
    return float(ds.ImagePositionPatient[2])


def _scout(small: Small, folder: Path) -> None:
    """Write a frontal and a lateral localiser: sums of the phantom along the patient's axes."""
    folder.mkdir(parents=True)
    volume = read_volume(small.folder)
    like = pydicom.dcmread(next(iter(sorted(small.folder.rglob("*.dcm")))))
    dk, dj, di = volume.grid.spacing_kji_mm
    top = volume.grid.lps_from_index @ [volume.hu.shape[0] - 1, 0, 0, 1]
    uid = generate_uid()
    for n, (axis, row, across) in enumerate(((1, [1, 0, 0], di), (2, [0, 1, 0], dj))):
        sums = np.maximum(volume.hu.astype(np.float32), -1000).mean(axis=axis)[::-1]
        ds = _bare(like, "1.2.840.10008.5.1.4.1.1.2", uid, "Topogram")
        ds.ImageType, ds.Modality = ["ORIGINAL", "PRIMARY", "LOCALIZER"], "CT"
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [*row, 0, 0, -1], [float(v) for v in top[:3]]
        ds.FrameOfReferenceUID, ds.PixelSpacing = like.FrameOfReferenceUID, [float(dk), float(across)]
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        _pixels(ds, np.rint(sums + 1024).astype("<u2"))
        ds.save_as(folder / f"{n}.dcm", enforce_file_format=True)


def _bare(like: Dataset, sop_class: str, series: str, description: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = sop_class, generate_uid(), series
    ds.StudyInstanceUID, ds.PatientID, ds.PatientName = like.StudyInstanceUID, like.PatientID, like.PatientName
    ds.StudyDescription, ds.StudyDate, ds.SeriesDescription = like.StudyDescription, like.StudyDate, description
    return ds


def _pixels(ds: Dataset, stored: np.ndarray) -> None:
    ds.Rows, ds.Columns = stored.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelData = stored.tobytes()


@pytest.fixture(scope="session")
def study(small: Small, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Return a study as scanners send it: two reconstructions, thick slices, a localiser, a report and screens."""
    folder = tmp_path_factory.mktemp("study")
    like = pydicom.dcmread(next(iter(sorted(small.folder.rglob("*.dcm")))))
    uids: dict[str, object] = {"folder": folder}
    uids["soft"] = _copy(small, folder / "soft", 1, SeriesDescription="Spine 1.0 soft", ConvolutionKernel="B31f")
    uids["bone"] = _copy(small, folder / "bone", 1, SeriesDescription="Spine 1.0 bone", ConvolutionKernel="B60f")
    uids["thick"] = _copy(small, folder / "thick", 3, SeriesDescription="Spine 6.0 for the ward with a long name")
    mpr = ["DERIVED", "SECONDARY", "MPR"]
    uids["mpr"] = _copy(small, folder / "mpr", 1, SeriesDescription="Reformatted", ImageType=mpr)
    uids["gap"] = _copy(small, folder / "gap", 1, SeriesDescription="Incomplete copy", PixelSpacing=[0, 0])
    _scout(small, folder / "scout")
    report = _bare(like, "1.2.840.10008.5.1.4.1.1.88.67", generate_uid(), "Dose report")
    report.Modality = "SR"
    report.save_as(folder / "report.dcm", enforce_file_format=True)
    screen = _bare(like, "1.2.840.10008.5.1.4.1.1.7", generate_uid(), "Patient protocol")
    screen.Modality = "CT"
    _pixels(screen, np.zeros((8, 8), "<u2"))
    screen.save_as(folder / "screen.dcm", enforce_file_format=True)
    return uids


def browser(hand: Hand) -> SeriesBrowser:
    found: SeriesBrowser = hand.window.browser
    return found


def shown_rows(hand: Hand) -> list[Row]:
    rows = browser(hand).rows
    made = [rows.item(n).data(Qt.ItemDataRole.UserRole) for n in range(rows.count()) if not rows.isRowHidden(n)]
    assert all(isinstance(row, Row) for row in made)
    return made


def row_place(hand: Hand, of: object) -> QPoint:
    """Return where the row of a kind or of a series' UID is seen."""
    rows = browser(hand).rows
    info = next(info for info in rows.infos if of in (info.kind, info.uid))
    item = rows.item(rows.row_of(info))
    rows.scrollToItem(item)
    return rows.visualItemRect(item).center()


def test_the_best_series_is_chosen_and_pictures_come_quickly(hand: Hand, study: dict[str, object]) -> None:
    seen: list[float] = []
    listed: list[float] = []
    hand.built.documents.listed.connect(lambda _listing: listed.append(time.perf_counter()))
    rows = browser(hand).rows
    put = rows.put_thumbnail

    def note(info: object, image: object) -> None:
        put(info, image)  # type: ignore[arg-type]
        rows.viewport().repaint()
        seen.append(time.perf_counter())

    rows.put_thumbnail = note  # type: ignore[method-assign,assignment]
    hand.drop(study["folder"])  # type: ignore[arg-type]
    assert hand.window.centre.currentWidget() is browser(hand) and browser(hand).isVisible()
    assert rows.chosen is not None and rows.chosen.uid == study["bone"]
    infos = [row.info for row in shown_rows(hand) if row.info]
    assert [info.uid for info in infos][:3] == [study["bone"], study["soft"], study["thick"]]
    assert [info.kind for info in infos] == [IMAGE, IMAGE, IMAGE, IMAGE, LOCALISER]
    assert shown_rows(hand)[-1].folds
    first = seen[0] - listed[0]
    print(f"first thumbnail {first * 1000:.0f} ms after the listing, all {len(seen)} after "
          f"{(seen[-1] - listed[0]) * 1000:.0f} ms")  # fmt: skip
    assert first < 0.5
    assert all(row.thumbnail is not None for row in shown_rows(hand) if row.info)
    assert hand.button("browser_open").isEnabled()
    hand.picture("browser")


def test_arrows_and_enter_choose_and_open(hand: Hand, study: dict[str, object]) -> None:
    hand.drop(study["folder"])  # type: ignore[arg-type]
    rows = browser(hand).rows
    assert rows.hasFocus()
    hand.key(Qt.Key.Key_Down, where=rows)
    assert rows.chosen is not None and rows.chosen.uid == study["soft"]
    hand.key(Qt.Key.Key_Escape, where=rows)
    assert hand.window.centre.currentWidget() is hand.window.empty
    hand.click("browse_series")
    rows.setFocus()
    assert hand.window.centre.currentWidget() is browser(hand) and rows.chosen.uid == study["soft"]
    hand.key(Qt.Key.Key_Return, where=rows)
    hand.settle()
    assert hand.built.desk.volume is not None and hand.built.desk.volume.series.series_uid == study["soft"]
    assert hand.window.centre.currentWidget() is hand.window.grid
    assert rows.isVisible() and rows.chosen.uid == study["soft"]  # the list stays, and shows what is open, not the best
    assert hand.window.images.open_button.text() == "This series is open"


def test_a_double_click_opens_and_a_refused_series_says_why(hand: Hand, study: dict[str, object]) -> None:
    hand.drop(study["folder"])  # type: ignore[arg-type]
    rows = browser(hand).rows
    hand.qtbot.mouseClick(rows.viewport(), LEFT, pos=row_place(hand, study["gap"]))
    hand.settle()
    assert "spacing" in browser(hand)._verdict.text() and not browser(hand).open_button.isEnabled()
    hand.key(Qt.Key.Key_Return, where=rows)
    assert "cannot be planned on" in hand.message and hand.built.desk.volume is None
    hand.qtbot.mouseClick(rows.viewport(), LEFT, pos=row_place(hand, study["thick"]))
    hand.qtbot.mouseDClick(rows.viewport(), LEFT, pos=row_place(hand, study["thick"]))
    hand.settle()
    assert hand.built.desk.volume is not None and hand.built.desk.volume.series.series_uid == study["thick"]


def test_a_localiser_shows_where_the_slices_lie(hand: Hand, study: dict[str, object]) -> None:
    hand.drop(study["folder"])  # type: ignore[arg-type]
    rows = browser(hand).rows
    hand.qtbot.mouseClick(rows.viewport(), LEFT, pos=row_place(hand, LOCALISER))
    hand.settle()
    large = browser(hand).preview.large
    assert large is not None and len(large.pictures) == 2
    for _, lines in large.pictures:
        ends = [line for line in lines if line.is_end]
        assert len(ends) == 2 and len(lines) > 3
    assert "Spine 1.0 bone" in browser(hand)._note.text()
    assert not browser(hand).open_button.isEnabled()
    shot = browser(hand).preview.grab().toImage()
    colours = {shot.pixelColor(x, y).name() for x in range(0, shot.width(), 3) for y in range(shot.height())}
    assert {"#6fa8dc", "#e0a63c"} <= colours, "the lines are drawn in the colours of the theme"
    hand.picture("browser_localiser")


def test_the_list_stays_beside_the_picture_and_beside_the_views(hand: Hand, study: dict[str, object]) -> None:
    hand.drop(study["folder"])  # type: ignore[arg-type]
    rows = browser(hand).rows
    assert rows.isVisible() and browser(hand).preview.isVisible()
    assert not hand.button("open_series").isVisible(), "one button to open is enough"
    refused = next(info for info in rows.infos if info.uid == study["gap"])
    assert verdict_of(refused)[1].startswith("Refused: gap/000.dcm has no usable pixel spacing")
    hand.picture("browser_beside", large=True)
    hand.key(Qt.Key.Key_Return, where=rows)
    hand.settle()
    (open_row,) = [row for row in shown_rows(hand) if row.is_open]
    assert open_row.info is rows.chosen and "Open now." in rows.currentItem().toolTip()
    assert all(row.thumbnail is not None for row in shown_rows(hand) if row.info)
    hand.picture("browser_list_beside_views", large=True)
    hand.choose_series("Topogram")
    assert hand.window.grid.isVisible() and "Shows where the slices lie" in hand.window.images._reasons.text()
    hand.click("browse_series")
    hand.settle()
    large = browser(hand).preview.large
    assert large is not None and large.info.kind == LOCALISER and all(lines for _, lines in large.pictures)
    hand.step(Step.LEVELS)
    assert hand.window.grid.isVisible(), "a step without the list shows the views"
    hand.step(Step.IMAGES)
    hand.choose_series("Spine 6.0 for the ward with a long name")
    hand.qtbot.mouseDClick(rows.viewport(), LEFT, pos=row_place(hand, study["thick"]))
    hand.settle()
    assert hand.built.desk.volume is not None and hand.built.desk.volume.series.series_uid == study["thick"]


def test_what_is_not_for_planning_is_folded_away(hand: Hand, study: dict[str, object]) -> None:
    hand.drop(study["folder"])  # type: ignore[arg-type]
    rows = browser(hand).rows
    before = len(shown_rows(hand))
    fold = next(n for n in range(rows.count()) if rows.item(n).data(Qt.ItemDataRole.UserRole).folds)
    rows.scrollToBottom()
    hand.qtbot.mouseClick(rows.viewport(), LEFT, pos=rows.visualItemRect(rows.item(fold)).center())
    kinds = [row.info.kind for row in shown_rows(hand)[before:] if row.info]
    assert sorted(kinds) == sorted([DERIVED, REPORT, CAPTURE])
    rows.scrollToBottom()
    hand.picture("browser_unfolded")
    hand.key(Qt.Key.Key_Left, where=rows)
    assert len(shown_rows(hand)) == before
    hand.key(Qt.Key.Key_Right, where=rows)
    hand.key(Qt.Key.Key_Down, where=rows)
    assert rows.chosen is not None and rows.chosen.kind == DERIVED
    hand.key(Qt.Key.Key_Return, where=rows)
    hand.settle()
    assert hand.built.desk.volume is not None and hand.built.desk.volume.series.series_uid == study["mpr"]


def test_between_patients_none_is_chosen(hand: Hand, small: Small, tmp_path: Path) -> None:
    for n, image_type in enumerate((["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL"])):
        _copy(small, tmp_path / "in" / str(n), 1, PatientID=f"P-{n}", StudyInstanceUID=f"1.2.{n}", ImageType=image_type)
    hand.drop(tmp_path / "in")
    rows = browser(hand).rows
    assert rows.chosen is None and not browser(hand).open_button.isEnabled()
    assert browser(hand)._title.text() == "Choose among 2 patients or studies"
    headings = [row.heading for row in shown_rows(hand) if row.heading]
    assert len(headings) == 2 and "P-0" in headings[0] and "P-1" in headings[1]
    assert [row.best for row in shown_rows(hand) if row.info] == [True, True], (
        "computed slices, where nothing is better"
    )
    hand.picture("browser_two_patients")
    hand.key(Qt.Key.Key_Return, where=rows)
    assert hand.built.desk.volume is None
    hand.key(Qt.Key.Key_Down, where=rows)
    assert rows.chosen is not None and rows.chosen.patient.patient_id == "P-0"


def test_one_usable_series_opens_at_once(hand: Hand, small: Small) -> None:
    hand.drop(small.folder)
    assert hand.built.desk.volume is not None and hand.window.centre.currentWidget() is hand.window.grid
    (row,) = [row for row in shown_rows(hand) if row.info and row.info.kind == IMAGE]
    assert row.is_open and row.thumbnail is not None
    hand.click("browse_series")
    hand.settle()
    assert browser(hand).preview.large is not None and not browser(hand).open_button.isEnabled()


def test_the_browser_opens_without_holding_the_window_up(hand: Hand, study: dict[str, object]) -> None:
    hand.settle()
    hand.qtbot.wait(500)  # the window itself is drawn
    held_up = HeldUp()
    hand.drop(study["folder"])  # type: ignore[arg-type]
    held_up.stop()
    print(f"\nwindow held up by the browser: {held_up.own_ms:.0f} ms of its own, {held_up.whole_ms:.0f} ms in all")
    assert browser(hand).isVisible() and held_up.own_ms < 50.0


def test_the_window_is_not_held_up_by_many_series(hand: Hand, study: dict[str, object]) -> None:
    from cvt_planner.imaging.find import find_series

    listing = find_series(study["folder"])  # type: ignore[arg-type]
    many = type(listing)(listing.path, listing.series * 40)
    start = time.perf_counter()
    browser(hand).show_listing(many)
    hand.window.images.show_listing(many)
    spent = time.perf_counter() - start
    print(f"{len(many.series)} rows in {spent * 1000:.0f} ms")
    hand.window.images.thumbnails.stop()
    hand.settle()
    assert spent < 0.25  # 320 rows; a study of 30 takes a tenth
    assert THUMBNAIL_PX <= 92


@pytest.fixture
def dialog_of(hand: Hand, small: Small) -> Callable[[], QDialog]:
    """Return a function that opens the export's dialog from the menu."""
    hand.drop(small.folder)

    def make() -> QDialog:
        hand.window.menus.actions["deidentify"].trigger()
        hand.qtbot.wait(20)
        found = [d for d in hand.window.findChildren(QDialog, "deidentify") if d.isVisible()]
        assert len(found) == 1
        return found[0]

    return make


def test_what_is_open_is_exported_without_whose_it_is(
    hand: Hand, small: Small, dialog_of: Callable[[], QDialog], tmp_path: Path
) -> None:
    target = tmp_path / "chosen"
    target.mkdir()
    hand.answers.folder = target
    dialog = dialog_of()
    dialog.grab().save(str(_out("deidentify_dialog.png")))
    export = dialog.findChild(QPushButton, "deid_export")
    assert not export.isEnabled()
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "deid_choose"), LEFT)
    shift = dialog.findChild(QRadioButton, "deid_shifted")
    hand.qtbot.mouseClick(shift, LEFT, pos=QPoint(8, shift.height() // 2))
    field = dialog.findChild(object, "deid_label")
    field.selectAll()
    QTest.keyClicks(field, "CASE-12")
    hand.qtbot.mouseClick(export, LEFT)
    hand.settle()
    assert "De-identified" in hand.message and "dates shifted" in hand.message
    copy = read_volume(target / "deidentified_1")
    opened: Volume = hand.built.desk.volume
    assert copy.content_hash == opened.content_hash and copy.patient.patient_id == "CASE-12"
    who = opened.patient.patient_id.encode()
    assert not any(who in path.read_bytes() for path in target.rglob("*.dcm"))


def test_an_export_can_be_refused_and_given_up(
    hand: Hand, small: Small, dialog_of: Callable[[], QDialog], tmp_path: Path
) -> None:
    hand.answers.folder = tmp_path
    dialog = dialog_of()
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "deid_choose"), LEFT)
    field = dialog.findChild(object, "deid_label")
    field.selectAll()
    QTest.keyClicks(field, "not a label")
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "deid_export"), LEFT)
    hand.settle()
    assert "The label may hold" in hand.message
    dialog = dialog_of()
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "deid_choose"), LEFT)
    hand.qtbot.mouseClick(dialog.findChild(QPushButton, "deid_export"), LEFT)
    hand.built.desk.jobs.cancel("deidentify")
    hand.settle()
    assert "Stopped" in hand.message
    assert not [path for path in tmp_path.iterdir() if "deid" in path.name]
    dialog = dialog_of()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    hand.qtbot.wait(20)
    assert not dialog_visible(hand)


def dialog_visible(hand: Hand) -> bool:
    return any(d.isVisible() for d in hand.window.findChildren(QDialog, "deidentify"))


def _out(name: str) -> Path:
    folder = Path(__file__).resolve().parents[3] / "out" / "window"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
