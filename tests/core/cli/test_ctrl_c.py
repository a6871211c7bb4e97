"""Ctrl-C ends a subcommand cleanly, also where a library swallows the interrupt."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cvt_planner import cli
from cvt_planner.base.progress import Progress
from cvt_planner.cli import commands

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(os.name != "posix", reason="a program is sent Ctrl-C as a shell does it")
@pytest.mark.parametrize(
    ("work", "under_way"),
    [(["phantom", "--case", "standard"], ""), (["volume", str(ROOT / "sample_dicom" / "standard")], "Slice")],
)
def test_ctrl_c_ends_cleanly(tmp_path: Path, work: list[str], under_way: str) -> None:
    command = [sys.executable, "-m", "app", *work, "--out", str(tmp_path / "out.nrrd"), "--verbose"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell without job control lets its background jobs, and so these tests, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    while under_way not in process.stderr.readline():  # the first tenth, or the first slices
        assert process.poll() is None
    time.sleep(0.2 if not under_way else 0.0)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    # A shell shows 130 for both: Python ends by the signal itself where it met the interrupt inside exec() of a text.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in errors
    assert errors.strip().splitlines()[-1].startswith("Stopped.")
    assert under_way == "" or not list(tmp_path.iterdir())


def _suppressed() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def _from_c() -> None:
    ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))()  # what it raises is shown and forgotten


@pytest.mark.parametrize("interrupted", [_suppressed, _from_c])
def test_ctrl_c_stops_work_that_lost_the_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], interrupted: Callable[[], None]
) -> None:
    def deaf(_: object, progress: Progress) -> commands.Answer:
        interrupted()
        progress.check()
        return commands.Answer({}, "done")

    shown: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(commands, "series", deaf)
        assert cli.main(["series", "x"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Stopped." in capsys.readouterr().err
    assert not shown
    assert sys.unraisablehook == shown.append
