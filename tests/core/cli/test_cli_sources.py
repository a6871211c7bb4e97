"""What the command line takes images from: protected ZIPs, several files, and the reading process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyzipper
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from cvt_planner.cli import main
from cvt_planner.cli import passwords as cli_passwords


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    """Return the files of a small series."""
    files = []
    (tmp_path / "s").mkdir()
    for n in range(5):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = CTImageStorage, f"1.2.9.{n + 1}", "CT"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2", "1.2.9", "1.2.3"
        ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, n]
        ds.PixelSpacing, ds.RescaleSlope, ds.RescaleIntercept = [1, 1], 1, -1024
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", 8, 9
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 0
        ds.PixelData = np.full(72, 1000 + n, "<u2").tobytes()
        files.append(tmp_path / "s" / f"{n}.dcm")
        ds.save_as(files[-1], enforce_file_format=True)
    return files


@pytest.fixture
def locked(tmp_path: Path, series: list[Path]) -> Path:
    """Return a ZIP that the password "Öffne dich" opens."""
    path = tmp_path / "locked.zip"
    with pyzipper.AESZipFile(path, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword("Öffne dich".encode())
        for file in series:
            archive.write(file, file.name)
    return path


def answered(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> tuple[dict[str, object], str]:
    assert main([str(word) for word in words]) == code
    out, err = capsys.readouterr()
    values: dict[str, object] = json.loads(out)
    return values, out + err


def test_a_password_comes_from_a_file_and_is_never_said(
    tmp_path: Path, locked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, _ = answered(capsys, "series", locked, "--json", code=3)
    assert "is protected by a password" in str(values["error"]) and "--password-file" in str(values["error"])
    secret = tmp_path / "secret.txt"
    secret.write_text("wrong\n", encoding="utf-8")
    values, _ = answered(capsys, "series", locked, "--password-file", secret, "--json", code=3)
    assert "the password does not open it" in str(values["error"])
    secret.write_bytes("Öffne dich\r\n".encode())
    values, said = answered(capsys, "series", locked, "--password-file", secret, "--json")
    assert values["series"][0]["slices"] == 5 and "Öffne" not in said  # type: ignore[index]
    out = tmp_path / "v.nrrd"
    values, said = answered(capsys, "volume", locked, "--password-file", secret, "--out", out, "--json")
    assert values["shape_kji"] == [5, 8, 9] and "ffne" not in said
    values, _ = answered(capsys, "series", locked, "--password-file", tmp_path / "absent", "--json", code=3)
    assert "absent cannot be read" in str(values["error"])


def test_on_a_terminal_the_password_is_asked_for(
    locked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["wrong", "Öffne dich"]
    asked: list[str] = []

    def getpass(prompt: str, _stream: object) -> str:
        asked.append(prompt)
        return answers.pop(0)

    monkeypatch.setattr(cli_passwords.getpass, "getpass", getpass)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["series", str(locked)]) == 0
    assert len(asked) == 2 and "locked.zip" in asked[0] and "does not open it" in asked[1]
    assert "ffne" not in capsys.readouterr().out


def test_several_files_and_the_reading_process_from_a_shell(series: list[Path]) -> None:
    def run(*settings: tuple[str, str]) -> dict[str, object]:
        import os

        words = [sys.executable, "-m", "app", "series", *map(str, series[:4]), "--json"]
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **dict(settings)}, timeout=60)
        assert done.returncode == 0, done.stderr
        values: dict[str, object] = json.loads(done.stdout)
        return values

    apart = run()
    assert apart["series"][0]["slices"] == 4  # type: ignore[index]
    assert run(("CVT_PLANNER_NO_ISOLATION", "1")) == apart
