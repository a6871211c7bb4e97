"""TotalSegmentator is called as its manual says, stopped with all it started, and missed with a clear sentence.

A script stands in its place: the program and its model files cannot be had here. What is tested is our side.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.segmentation.totalsegmentator import PROGRAM, find_totalsegmentator, run_totalsegmentator
from cvt_planner.imaging.volume import Volume

_LABELLER = """
import sys, SimpleITK as itk
options = dict(zip(sys.argv[1:], sys.argv[2:]))
assert "--ml" in sys.argv and "vertebrae_L3" in sys.argv[sys.argv.index("--roi_subset"):]
ct = itk.ReadImage(options["-i"])
itk.WriteImage(itk.Cast(ct > 300, itk.sitkUInt8) * 29, options["-o"])
"""
_SLEEPER = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(300)', {mark!r}])"
_FAILER = "import sys\nprint('model files are missing', file=sys.stderr)\nsys.exit(3)"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script with a shebang line")


@pytest.fixture
def volume(write_series: Callable[..., list[Path]], tmp_path: Path) -> Volume:
    write_series(tmp_path / "ct", places=range(12), shape=(20, 24))
    return read_volume(tmp_path / "ct")


def _stand_in(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "TotalSegmentator"
    program.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv(PROGRAM, str(program))


def test_labels_come_back_on_the_voxels_of_the_ct(
    volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(tmp_path, _LABELLER, monkeypatch)
    made = run_totalsegmentator(volume, Progress())
    whole = np.zeros(volume.grid.shape_kji, dtype=bool)
    whole[made.segments[0].box] = made.segments[0].mask
    assert made.segments[0].number == 29
    assert np.array_equal(whole, volume.hu > 300)


def test_where_it_is_absent_the_sentence_says_what_to_do(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(PROGRAM, raising=False)
    assert find_totalsegmentator() is None
    with pytest.raises(InputRefused, match=r"not installed on this computer.*imported from its file"):
        run_totalsegmentator(volume, Progress())


def test_a_failure_is_told_in_its_own_words(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(tmp_path, _FAILER, monkeypatch)
    with pytest.raises(InputRefused, match=r"exit code 3\). It said: model files are missing"):
        run_totalsegmentator(volume, Progress())


def test_stopping_ends_it_and_what_it_started(volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = f"mark-{os.getpid()}-{time.monotonic_ns()}"
    _stand_in(tmp_path, _SLEEPER.format(mark=mark), monkeypatch)
    progress = Progress()
    stopper = threading.Thread(target=lambda: (_wait_for(mark, True), progress.stop()))
    stopper.start()
    with pytest.raises(Cancelled):
        run_totalsegmentator(volume, progress)
    stopper.join()
    assert _wait_for(mark, False)


def _wait_for(mark: str, running: bool) -> bool:
    """Return whether within 30 s a process that carries the mark runs, or none does any more."""
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        found = False
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found = found or mark.encode() in path.read_bytes()
            except OSError:
                continue
        if found == running:
            return True
        time.sleep(0.05)
    return False
