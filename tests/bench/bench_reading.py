"""Opening a CT of 600 slices of 512 x 512: against SimpleITK, dcm2niix, and the decoders alone in one process.

    python tests/bench/bench_reading.py [PART ...] [--from FOLDER]

Parts are `plain`, `jpeg-ls`, `jpeg-2000` and `memory` (all of them where none is given); the slices are made from the
pictures of a CT series in a folder or, without one, from the phantom. Compressed series have `FEWER` slices (all of
them where memory is measured), because every contestant decodes them at the same rate however many there are.

Medians of several runs, taken turn by turn in one go, the files in the page cache; what a contestant returns is let go
of after its clock has stopped. "Ours" is what the window does: the series found and judged in the reading process
(warm), the volume read there and handed over, its hash included. "Decoder alone" is the floor of a compressed series:
the same decoder on the same pictures, already in memory, and nothing done with what it returns; in one process, in
two, and on two threads of one process (which help only where a decoder leaves the interpreter lock).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pydicom  # noqa: E402
from pydicom.encaps import encapsulate, get_frame  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless  # noqa: E402

SLICES, FEWER, SIZE = 600, 60, 512
RUNS, RUNS_COMPRESSED = 9, 3
SYNTAXES = {"plain": ExplicitVRLittleEndian, "jpeg-ls": JPEGLSLossless, "jpeg-2000": JPEG2000Lossless}
PARTS = (*SYNTAXES, "memory")


def main(argv: list[str]) -> int:
    """Make the slices, measure, print."""
    from cvt_planner.imaging import isolation

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--from", dest="folder", type=Path, help="a CT series to make the slices from")
    asked = parser.parse_args(argv)
    parts = asked.parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    place = Path(tempfile.mkdtemp(prefix="cvt-bench-"))
    try:
        pictures, template = source(asked.folder, place)
        print(f"{SIZE} x {SIZE}, plain {SLICES} slices, compressed {FEWER}; {os.cpu_count()} cores", flush=True)
        isolation.warm_up()
        for name in (name for name in SYNTAXES if name in parts):
            write(place / name, name, pictures, template, SLICES if name == "plain" else FEWER)
            measure(place / name, name, place)
        isolation.close()
        for name in SYNTAXES if "memory" in parts else ():
            write(place / "whole" / name, name, pictures, template, SLICES)
            memory(place / "whole" / name, name)
    finally:
        isolation.close()
        shutil.rmtree(place, ignore_errors=True)
    return 0


def source(folder: Path | None, place: Path) -> tuple[list[np.ndarray], pydicom.Dataset]:
    """Return pictures of 512 x 512 (stored numbers) and the header to write them with."""
    if folder is None:
        from cvt_planner.phantom import make_phantom, write_phantom

        folder = place / "phantom"
        write_phantom(make_phantom("small"), folder, truth=False)
    pictures, template = [], None
    for path in sorted(p for p in folder.rglob("*") if p.is_file())[:SLICES]:
        try:
            ds = pydicom.dcmread(path)
            stored = ds.pixel_array
        except Exception:  # noqa: BLE001, S112  (whatever is no picture is passed over)
            continue
        rows, columns = (np.arange(SIZE) * n // SIZE for n in stored.shape)  # one body, so that there is one to judge
        pictures.append(np.ascontiguousarray(stored[np.ix_(rows, columns)]))
        template = template or ds
    assert template is not None, f"{folder} holds no pictures"
    return pictures, template


def write(folder: Path, name: str, pictures: list[np.ndarray], ds: pydicom.Dataset, count: int) -> None:
    """Write so many slices in one transfer syntax."""
    folder.mkdir(parents=True)
    ds.Rows = ds.Columns = SIZE
    ds.PixelSpacing, ds.ImageOrientationPatient = [0.8, 0.8], [1, 0, 0, 0, 1, 0]
    ds.file_meta.TransferSyntaxUID = SYNTAXES[name]
    ds.SeriesInstanceUID = f"2.25.{1 + list(SYNTAXES).index(name)}"
    for n in range(count):
        picture = pictures[n % len(pictures)]
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{ds.SeriesInstanceUID}.{n}"
        ds.ImagePositionPatient, ds.InstanceNumber, ds.SliceLocation = [-200, -200, 0.5 * n], n + 1, 0.5 * n
        if n < len(pictures) or name == "plain":
            ds.PixelData = picture.tobytes() if name == "plain" else encapsulate([encoded(picture, name)])
            kept = ds.PixelData
            if name != "plain":
                _CACHE[name, n] = kept
        else:
            ds.PixelData = _CACHE[name, n % len(pictures)]
        ds["PixelData"].VR = "OW" if name == "plain" else "OB"
        ds.save_as(folder / f"IM{n:05d}.dcm", enforce_file_format=True)


_CACHE: dict[tuple[str, int], bytes] = {}


def encoded(picture: np.ndarray, name: str) -> bytes:
    """Return a picture compressed without loss."""
    if name == "jpeg-ls":
        import jpeg_ls

        return bytes(jpeg_ls.encode_array(picture))
    from openjpeg.utils import encode_array

    return bytes(encode_array(picture, codec_format=0, photometric_interpretation=2))


def by_turns(runs: int, contestants: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Return the seconds of each contestant, run by turns after one run that warms up."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for run in range(runs + 1):
        for name, work in contestants.items():
            begin = time.perf_counter()
            made = work()
            taken = time.perf_counter() - begin
            del made
            if run:
                times[name].append(taken)
    return times


def ours(folder: Path) -> Callable[[], object]:
    """Return the work of opening a folder."""
    from cvt_planner.imaging import isolation

    def work() -> object:
        listing = isolation.find_series(folder)
        return isolation.read_volume(listing.readable[0])

    return work


def first_picture(folder: Path) -> object:
    """Find a series and decode its middle slice."""
    from cvt_planner.imaging import isolation

    return isolation.thumbnail(isolation.find_series(folder).readable[0])


def by_simpleitk(folder: Path) -> object:
    """Read a folder as most programs do."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def by_dcm2niix(folder: Path, place: Path) -> dict[str, Callable[[], object]]:
    """Return the work of converting a folder; nothing where dcm2niix is not there or cannot read it."""
    converter, out = shutil.which("dcm2niix"), place / "nifti"
    if not converter:
        return {}

    def work() -> bool:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        command = [converter, "-b", "n", "-z", "n", "-o", str(out), str(folder)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return any(out.iterdir())

    return {"dcm2niix": work} if work() else {}


_FRAMES: list[bytes] = []


def load_frames(folder: Path) -> None:
    """Keep the compressed pictures of a folder in this process, and load the decoders."""
    _FRAMES[:] = [
        get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1) for path in sorted(folder.iterdir())
    ]


def decode(name: str, n: int) -> None:
    """Decode a kept picture, and let it go."""
    if name == "jpeg-ls":
        import jpeg_ls

        jpeg_ls.decode_buffer(_FRAMES[n])
        return
    from openjpeg.utils import decode_pixel_data

    decode_pixel_data(_FRAMES[n], version=2)


def decoders_alone(folder: Path, name: str, kept: ExitStack) -> dict[str, Callable[[], object]]:
    """Return the work of the bare decoders; the processes and threads run until `kept` is closed."""
    load_frames(folder)
    pool = kept.enter_context(multiprocessing.get_context("spawn").Pool(2, load_frames, (folder,)))
    threads = kept.enter_context(ThreadPoolExecutor(2))
    numbers = range(len(_FRAMES))
    jobs = [(name, n) for n in numbers]
    return {
        "decoder alone, one process": lambda: [decode(name, n) for n in numbers],
        "decoder alone, two processes": lambda: pool.starmap(decode, jobs, chunksize=1),
        "decoder alone, two threads": lambda: list(threads.map(lambda n: decode(name, n), numbers)),
    }


def measure(folder: Path, name: str, place: Path) -> None:
    """Measure one kind of slices; the compressed ones against every free decoder at hand, in one process."""

    def by_pydicom() -> object:
        return np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])

    with ExitStack() as kept:
        contestants: dict[str, Callable[[], object]] = {
            "ours": ours(folder),
            "ours, first picture": lambda: first_picture(folder),
            "SimpleITK": lambda: by_simpleitk(folder),
            **({} if name == "plain" else {"pydicom": by_pydicom, **decoders_alone(folder, name, kept)}),
            **by_dcm2niix(folder, place),
        }
        measured = by_turns(RUNS if name == "plain" else RUNS_COMPRESSED, contestants)
    for contestant, seconds in measured.items():
        print(
            f"{name}, {contestant}: median {statistics.median(seconds):.3f} s, least {min(seconds):.3f} s", flush=True
        )
    if name != "plain":
        alone = ("ours", "SimpleITK", "pydicom", "decoder alone, one process")
        say_floor(name, {contestant: contestants[contestant] for contestant in alone})


def say_floor(name: str, contestants: dict[str, Callable[[], object]]) -> None:
    """Print the processor time of all processes for the work of each: it says what part is the decoder's own, whatever
    else the machine does."""
    used: dict[str, list[float]] = {}
    for _ in range(RUNS_COMPRESSED):
        for who, work in contestants.items():
            before = processor_s()
            work()
            used.setdefault(who, []).append(processor_s() - before)
    least = {who: min(seconds) for who, seconds in used.items()}
    best = min(("SimpleITK", "pydicom"), key=least.__getitem__)
    words = ", ".join(f"{who} {s:.2f} s ({s / least[best]:.2f})" for who, s in least.items())
    print(f"{name}, processor time and its part of that of the best reader in one process, {best}: {words}", flush=True)


def processor_s() -> float:
    """Return the processor time that this process, the reading processes and ended children have taken."""
    from cvt_planner.imaging.isolation import door

    total = sum(os.times()[:4])
    for process in door._READER.process_ids:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def memory(folder: Path, name: str) -> None:
    """Measure the peak of memory over all processes (shared pages counted once), in a process that only reads."""
    script = folder.parent / "child.py"
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nsys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"if __name__ == '__main__':\n    import bench_reading\n    bench_reading.watch_memory({str(folder)!r})\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    volume_mb, peak = 2 * SLICES * SIZE * SIZE / 1e6, float(done.stdout)
    limit = f"limit {1.4 * volume_mb + 150:.0f} MB for a volume of {volume_mb:.0f} MB"
    print(f"{name}, peak memory of all processes: {peak:.0f} MB ({limit})", flush=True)


def watch_memory(folder: str) -> None:
    """Open a folder and print the peak, MB; runs in a process of its own."""
    from cvt_planner.imaging import isolation
    from cvt_planner.imaging.isolation import door

    isolation.find_series(folder)
    peak, ended = 0.0, threading.Event()

    def look() -> None:
        nonlocal peak
        while not ended.is_set():
            peak = max(peak, sum(_proportional_mb(p) for p in (os.getpid(), *door._READER.process_ids)))
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    volume = isolation.read_volume(isolation.find_series(folder).readable[0])
    assert int(volume.hu[::50, ::50, ::50].max()) > 0
    ended.set()
    thread.join()
    print(peak)


def _proportional_mb(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) / 1e3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
