"""What a sender gives, dropped on the window: protected ZIPs, several files, and media that are damaged."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
import pyzipper

from cvt_planner.imaging import isolation
from tests.app.window.hand import Hand, Small


def slices(small: Small) -> list[Path]:
    return sorted(path for path in small.folder.rglob("*.dcm"))


def test_a_protected_zip_asks_for_its_password_until_it_fits(hand: Hand, small: Small, tmp_path: Path) -> None:
    archive = tmp_path / "sent.zip"
    with pyzipper.AESZipFile(archive, "w", encryption=pyzipper.WZ_AES) as made:
        made.setpassword(b"right")
        for path in slices(small):
            made.write(path, path.name)
    asked: list[tuple[str, bool]] = []
    answers: list[str | None] = [None]

    def zip_password(name: str, wrong: bool) -> str | None:
        asked.append((name, wrong))
        return answers.pop(0)

    hand.answers.zip_password = zip_password  # type: ignore[method-assign]
    hand.drop(archive)
    assert hand.built.workspace.state.volume is None
    assert "sent.zip was not opened: it is protected by a password" in hand.message
    answers[:] = ["wrong", "right"]
    hand.drop(archive)
    assert asked == [("sent.zip", False), ("sent.zip", False), ("sent.zip", True)]
    assert hand.built.workspace.volume.source == str(archive)
    assert "right" not in hand.message and "right" not in repr(hand.built.documents.__dict__.get("listing"))


def test_several_files_dropped_together_make_the_series(hand: Hand, small: Small) -> None:
    from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QApplication

    chosen = sorted(slices(small), key=lambda path: float(pydicom.dcmread(path).ImagePositionPatient[2]))[:12]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in chosen])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    at = QPointF(400, 300)
    QApplication.sendEvent(hand.window, QDragEnterEvent(at.toPoint(), copy, data, left, none))
    QApplication.sendEvent(hand.window, QDropEvent(at, copy, data, left, none))
    hand.qtbot.wait(1)
    hand.settle()
    assert hand.built.workspace.state.volume is not None, hand.message
    assert hand.built.workspace.volume.hu.shape[0] == 12


def test_the_window_reads_in_the_reading_process(hand: Hand, small: Small) -> None:
    assert isolation.isolated()
    hand.drop(small.folder)
    volume = hand.built.workspace.volume
    assert not volume.hu.flags.owndata and not volume.hu.flags.writeable  # memory that another process filled


@pytest.mark.parametrize("name", ["DICOMDIR"])
def test_a_medium_whose_dicomdir_is_damaged_opens_with_a_remark(
    hand: Hand, small: Small, tmp_path: Path, name: str
) -> None:
    for path in slices(small):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    meta = b"\x02\0\x02\0UI\x14\x00" + b"1.2.840.10008.1.3.10" + b"\x02\0\x10\0UI\x14\x00" + b"1.2.840.10008.1.2.1\0"
    (tmp_path / name).write_bytes(bytes(128) + b"DICM" + meta + b"\xff" * 40)
    hand.drop(tmp_path / name)
    assert hand.built.workspace.volume.hu.shape[0] == len(slices(small))
    assert "DICOMDIR" in hand.message and "its whole folder was searched instead" in hand.message
