"""The reading process: what crashes, hangs or bloats it costs one file, and voxels come back without a copy."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging import isolation
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.isolation import door, reader
from cvt_planner.imaging.isolation.limits import OVER_MEMORY
from cvt_planner.imaging.isolation.shared_array import SharedVoxels
from cvt_planner.imaging.pacs import staging
from cvt_planner.imaging.read import read_volume

Writer = Callable[..., list[Path]]
ROOT = Path(__file__).resolve().parents[3]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="stops a process by signals and looks into /proc")


def test_a_volume_is_the_same_read_apart_and_within(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    here, listing = read_volume(tmp_path), isolation.find_series(tmp_path)
    apart = isolation.read_volume(listing.series[0])
    assert np.array_equal(apart.hu, here.hu) and apart.content_hash == here.content_hash
    assert not apart.hu.flags.writeable and not apart.grid.lps_from_index.flags.writeable
    assert apart.patient == here.patient and apart.series == here.series and apart.notices == here.notices
    by_path = isolation.read_volume(tmp_path, "1.2.3.4")
    assert by_path.content_hash == here.content_hash
    made = isolation.thumbnail(listing.series[0])
    assert made is not None and made.header.ref == listing.series[0].slices[3].ref


@pytest.mark.parametrize("iop", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (-1, 0, 0, 0, -1, 0)])
def test_compressed_slices_are_decoded_by_two_processes_alike(
    tmp_path: Path, write_series: Writer, iop: tuple[float, ...]
) -> None:
    import jpeg_ls

    def pressed(ds, n: int) -> None:  # type: ignore[no-untyped-def]
        ds.PixelData = encapsulate([bytes(jpeg_ls.encode_array(ds.pixel_array))])
        ds["PixelData"].VR = "OB"
        ds.file_meta.TransferSyntaxUID = JPEGLSLossless

    places = list(range(24))
    write_series(tmp_path / "plain", iop=iop, places=places, shape=(16, 20))
    write_series(tmp_path / "pressed", iop=iop, places=places, shape=(16, 20), edit=pressed)
    assert isolation.read_volume(tmp_path / "pressed").content_hash == read_volume(tmp_path / "plain").content_hash


@linux_only
def test_voxels_come_without_a_copy_and_leave_with_their_last_array(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path, places=[0.1 * n for n in range(30)], shape=(60, 70))
    before = _maps()
    volume = isolation.read_volume(tmp_path)
    assert _maps() == before + 1 and not volume.hu.flags.owndata
    middle = int(volume.hu[15, 50, 50])
    row = volume.hu[15, 50]
    del volume
    assert int(row[50]) == middle and _maps() == before + 1
    del row
    assert _maps() == before


def _maps() -> int:
    """Return how many pieces of shared voxels this process holds."""
    return Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").count("/memfd:voxels")


def test_the_memory_of_voxels_has_no_name_on_the_disk() -> None:
    voxels = SharedVoxels.create((2, 3, 4))
    voxels.array[...] = 7
    assert voxels.array.sum() == 7 * 24
    voxels.release()
    with pytest.raises(MemoryError):
        SharedVoxels.create((1 << 20, 1 << 20, 1 << 20))


@linux_only
def test_a_file_at_which_the_reader_crashes_is_left_out_and_named(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "s"
    files = write_series(folder)
    bomb = folder / "crash.dcm"
    bomb.write_bytes(files[0].read_bytes())
    listing = ask_of_a_spoiled_reader("crash", folder)
    assert [Path(name).name for name, _ in listing.broken_files] == ["crash.dcm"]
    assert (
        "crash.dcm made the reader stop (it crashed the reading process); it was left out"
        in (listing.broken_files[0][1])
    )
    assert listing.series[0].slice_count == 6 and listing.series[0].verdict == "warning"


@linux_only
def test_a_file_at_which_a_deidentification_crashes_refuses_the_whole(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "s"
    files = write_series(folder)
    (folder / "crash.dcm").write_bytes(files[0].read_bytes())
    with pytest.raises(InputRefused, match=r"crash\.dcm made the reader stop .* Nothing was written"):
        ask_of_a_spoiled_reader("crash-when-copied", folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ask.py", "s"]


def test_a_deidentification_apart_is_the_same(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path / "in")
    report = isolation.deidentify(tmp_path / "in", tmp_path / "out")
    assert report.images == 6 and report.out == str(tmp_path / "out")
    assert read_volume(tmp_path / "out").content_hash == read_volume(tmp_path / "in").content_hash
    with pytest.raises(InputRefused, match="not an empty folder"):
        isolation.deidentify(tmp_path / "in", tmp_path / "out")


def test_what_a_peer_sent_is_told_by_its_tags_and_apart_where_it_is_not_plain(
    tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_series(tmp_path)[0].read_bytes()
    whole = dcmread(tmp_path / sorted(path.name for path in tmp_path.iterdir())[0])
    uids = str(whole.SOPInstanceUID), str(whole.SeriesInstanceUID)
    asked: list[bytes] = []
    apart = isolation.identity_of
    monkeypatch.setattr(isolation, "identity_of", lambda sent: asked.append(sent) or apart(sent))
    assert staging._identity_of(data) == uids and not asked
    twisted = data.replace(b"\x08\0\x60\0CS", b"\x08\0\x01\0CS")  # tags that do not rise
    assert twisted != data and staging._identity_of(twisted) == uids and asked == [twisted]
    for wrong in (b"", b"no image", data[:128] + b"NOPE" + data[132:]):
        with pytest.raises(InputRefused):
            staging._identity_of(wrong)


@linux_only
def test_a_file_at_which_the_reader_hangs_is_left_out_and_named(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "s"
    files = write_series(folder)
    (folder / "hang.dcm").write_bytes(files[0].read_bytes())
    listing = ask_of_a_spoiled_reader("hang", folder)
    assert [Path(name).name for name, _ in listing.broken_files] == ["hang.dcm"]
    assert "nothing came of it for 1 s" in listing.broken_files[0][1]
    assert listing.series[0].slice_count == 6


@linux_only
def test_a_file_that_asks_for_too_much_memory_is_refused_without_a_new_reader(
    tmp_path: Path, write_series: Writer
) -> None:
    folder = tmp_path / "s"
    files = write_series(folder)
    (folder / "bloat.dcm").write_bytes(files[0].read_bytes())
    listing = ask_of_a_spoiled_reader("bloat", folder)
    assert [Path(name).name for name, _ in listing.broken_files] == ["bloat.dcm"]
    assert "bloat.dcm asks for too much memory for an image; it was left out" in listing.broken_files[0][1]
    assert listing.series[0].slice_count == 6


@linux_only
def test_a_slice_that_crashes_the_decoder_refuses_the_series_and_names_it(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "s"
    write_series(folder)
    with pytest.raises(InputRefused, match=r"1\.2\.3\.4-003\.dcm made the reader stop .* left out"):
        ask_of_a_spoiled_reader("crash-when-read", folder)


def ask_of_a_spoiled_reader(how: str, folder: Path):  # type: ignore[no-untyped-def]
    """Return the listing (or raise the refusal) of a reader whose process does what a fault in a decoder would do."""
    program = f"""
import pickle, sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.core.imaging import spoiled_reader

if __name__ == "__main__":
    answer = spoiled_reader.ask({how!r}, Path({str(folder)!r}))
    sys.stdout.buffer.write(pickle.dumps(answer))
"""
    script = folder.parent / "ask.py"
    script.write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    answer = pickle.loads(done.stdout)
    if isinstance(answer, Exception):
        raise answer
    return answer


@linux_only
def test_a_reader_that_is_killed_between_two_studies_is_started_anew(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    isolation.find_series(tmp_path)
    for process in door._READER.process_ids:
        os.kill(process, signal.SIGKILL)
    time.sleep(0.1)
    assert isolation.find_series(tmp_path).series[0].slice_count == 6


def test_a_stop_is_heard_and_the_reader_serves_on(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    progress = Progress()
    progress.stop()
    with pytest.raises(Cancelled):
        isolation.find_series(tmp_path, progress)
    told: list[float] = []
    assert isolation.find_series(tmp_path, Progress(lambda part, _: told.append(part))).series
    assert all(0 <= part <= 1 for part in told)


def test_without_a_process_nothing_is_read_unless_asked_for(
    tmp_path: Path, write_series: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path)
    one = reader.Reader()

    def refuse() -> None:
        raise reader.NoReader("no processes left")

    monkeypatch.setattr(door, "_READER", one)
    monkeypatch.setattr(reader, "_Pair", refuse)
    with pytest.raises(reader.NoReader, match=r"no processes left.*CVT_PLANNER_NO_ISOLATION=1"):
        isolation.find_series(tmp_path)
    monkeypatch.setenv("CVT_PLANNER_NO_ISOLATION", "1")
    assert isolation.find_series(tmp_path).series[0].slice_count == 6
    assert isolation.read_volume(tmp_path).hu.shape == (6, 9, 11)


def test_the_watchdog_ends_a_process_that_takes_too_much() -> None:
    program = (
        "from cvt_planner.imaging.isolation.limits import MemoryLimit\n"
        "import cvt_planner.imaging.isolation.limits as limits\n"
        "import time\n"
        "limits.ALLOWANCE_BYTES = 50 << 20\n"
        "limit = MemoryLimit(always_watch=True)\n"
        "limit.allow(0)\n"
        "kept = bytearray(b'1' * (200 << 20))\n"
        "time.sleep(10)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=30)
    assert done.returncode == OVER_MEMORY


def test_a_listing_carries_no_header_values_but_reads_after_a_new_start(tmp_path: Path, write_series: Writer) -> None:
    write_series(tmp_path)
    info = isolation.find_series(tmp_path).series[0]
    assert all(len(header.dataset) == 0 for header in info.slices)
    isolation.close()
    assert isolation.read_volume(info).content_hash == read_volume(find_series(tmp_path).series[0]).content_hash


def test_header_values_of_the_quick_way_are_those_of_the_file(tmp_path: Path, write_series: Writer) -> None:
    files = write_series(tmp_path)
    header = find_series(tmp_path).series[0].slices[2]
    whole = dcmread(files[2])
    for keyword in ("PatientName", "SeriesDescription", "SOPInstanceUID", "StudyDate"):
        assert str(header.dataset[keyword].value) == str(whole[keyword].value)
