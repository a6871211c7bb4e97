"""TotalSegmentator, where the hospital has installed it: run on the open CT, its labels read back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.itk import write_image
from cvt_planner.imaging.segmentation.model import Segmentation
from cvt_planner.imaging.segmentation.read import Target, read_segmentation
from cvt_planner.imaging.volume import Volume

PROGRAM = "CVT_PLANNER_TOTALSEGMENTATOR"  # where the program is, when it is not on the path
ABSENT = (
    "TotalSegmentator is not installed on this computer. Anatomy is found without it; to use it, let your IT install "
    "it (it needs PyTorch and about 1.5 GB of model files) so that the command TotalSegmentator works, or set "
    f"{PROGRAM} to its place. A segmentation made on another computer can be imported from its file."
)
_ROIS = (
    "sacrum", "vertebrae_S1", "spinal_cord",
    *(f"vertebrae_L{n}" for n in range(1, 6)),
    *(f"vertebrae_T{n}" for n in range(1, 13)),
    *(f"vertebrae_C{n}" for n in range(1, 8)),
)  # fmt: skip
_LOOK_S = 0.2
_USUAL_S = 300.0  # of the fast model without GPU; only to move the progress bar


def find_totalsegmentator() -> Path | None:
    """Return the program's place; None where it is not installed."""
    told = os.environ.get(PROGRAM, "")
    found = told if told and Path(told).is_file() else shutil.which("TotalSegmentator")
    return Path(found) if found else None


def run_totalsegmentator(volume: Volume, progress: Progress, fast: bool = True) -> Segmentation:
    """Return what TotalSegmentator finds of the spine in a CT, on the CT's voxels.

    Parameters
    ----------
    fast
        Its 3 mm model, which runs in minutes without a GPU; else the 1.5 mm model.

    Raises
    ------
    InputRefused
        If it is not installed, fails, or writes nothing that can be read.
    Cancelled
        If the progress was asked to stop; the program is ended with all it started.

    Notes
    -----
    Its labels are made by a learned model; they are a proposal to be looked at, like our own. Files it needs lie in a
    folder of this user alone, named without anything of the patient, and are deleted afterwards.
    """
    program = find_totalsegmentator()
    if program is None:
        raise InputRefused(ABSENT)
    with tempfile.TemporaryDirectory(prefix="cvt-") as folder:
        ct, out, said = (Path(folder) / name for name in ("ct.nii.gz", "labels.nii.gz", "said.txt"))
        progress.report(0.0, "Writing the CT for TotalSegmentator")
        write_image(ct, volume.hu, volume.grid)
        command = [str(program), "-i", str(ct), "-o", str(out), "--ml", "--roi_subset", *_ROIS]
        _run([*command, "--fast"] if fast else command, said, progress.part(0.05, 0.95))
        if not out.is_file():
            raise InputRefused(f"TotalSegmentator wrote no labels. {_last_line(said)}")
        made = read_segmentation(out, Target(volume.grid))
    return Segmentation(
        made.segments, made.kind, "TotalSegmentator", ("Labels made by TotalSegmentator: look at them.",)
    )


def _run(command: list[str], said: Path, progress: Progress) -> None:
    with said.open("wb") as log:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        except OSError as fault:
            raise InputRefused(f"TotalSegmentator could not be started ({fault.strerror or fault}).") from fault
        started = time.monotonic()
        try:
            while process.poll() is None:
                share = 1.0 - 0.5 ** ((time.monotonic() - started) / _USUAL_S)
                progress.report(share, "TotalSegmentator is at work")
                time.sleep(_LOOK_S)
        except Cancelled:
            _end(process)
            raise
    if process.returncode != 0:
        raise InputRefused(f"TotalSegmentator failed (exit code {process.returncode}). {_last_line(said)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False, capture_output=True)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(said: Path) -> str:
    """Return the last thing the program said, for a message."""
    lines = said.read_text(encoding="utf-8", errors="replace").replace("\r", "\n").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"It said: {last[:300]}" if last else "It said nothing."
