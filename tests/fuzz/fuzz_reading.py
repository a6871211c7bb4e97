"""Spoil thousands of files and push each through finding and reading, in the reading process as the product does.

    make fuzz [N=20000] [SEED=1]
    python tests/fuzz/fuzz_reading.py --count 20000 --seed 1 [--only CASE]

Ends with 1 when a case crashed the program, took over 10 s, gave an answer that is no sentence, or when memory grew.
Such cases are written down in tests/fuzz/seeds, by seed and number: the files themselves can be made again from them.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pydicom  # noqa: E402

from cvt_planner.base.errors import PlannerError  # noqa: E402
from cvt_planner.geometry.frames import Grid  # noqa: E402
from cvt_planner.imaging import isolation  # noqa: E402
from cvt_planner.imaging.isolation import door  # noqa: E402
from cvt_planner.imaging.nrrd import write_nrrd  # noqa: E402
from tests.fuzz.mutations import ARCHIVE, DICOM, spoiled  # noqa: E402

SHARED = ROOT.parent / "shared" / "data" / "awkward"
SAMPLE = ROOT / "sample_dicom"
SEEDS = Path(__file__).parent / "seeds"
LONGEST_S = 10.0
GROWTH_MB = 200.0
LOOK_EVERY = 250
LARGEST_BYTES = 600_000
SLICES = 5
BY_THE_CLOCK = ("took ", "reader stopped")


@dataclass
class Corpus:
    """What is spoiled: whole files by name, and a small series."""

    files: dict[str, bytes]
    series: list[bytes]
    directories: list[Path]
    volumes: dict[str, bytes]


@dataclass
class Tally:
    """What came out of the cases."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)
    slowest_s: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    unconfirmed: int = 0


def load_corpus() -> Corpus:
    """Return the public awkward files, where they are, and what is made from the sample case."""
    paths = [p for p in sorted(SHARED.rglob("*")) if p.is_file()] if SHARED.exists() else []
    files = {p.relative_to(SHARED).as_posix(): p.read_bytes() for p in paths if p.stat().st_size <= LARGEST_BYTES}
    sample = sorted(p for p in SAMPLE.rglob("*.dcm") if "truth" not in p.parts)[:SLICES]
    series = [small_slice(p) for p in sample]
    files |= {f"sample-{n}": data for n, data in enumerate(series)}
    directories = [p for p in paths if p.name.startswith("DICOMDIR")]
    return Corpus(files, series, directories, small_volumes())


def small_slice(path: Path) -> bytes:
    """Return a slice of the sample with 32 x 32 pixels, uncompressed."""
    ds = pydicom.dcmread(path)
    pixels = np.ascontiguousarray(ds.pixel_array[100:132, 100:132])
    ds.Rows, ds.Columns, ds.PixelData = 32, 32, pixels.tobytes()
    ds["PixelData"].VR = "OW"
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def small_volumes() -> dict[str, bytes]:
    """Return a NIfTI and an NRRD of a few voxels."""
    import SimpleITK

    voxels = np.arange(6 * 8 * 9, dtype=np.int16).reshape(6, 8, 9) - 1000
    found = {}
    with tempfile.TemporaryDirectory(prefix="cvt-fuzz-") as folder:
        write_nrrd(Path(folder) / "v.nrrd", voxels, Grid(voxels.shape, np.eye(4)))
        for name in ("v.nii", "v.nii.gz"):
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(voxels), str(Path(folder) / name))
        for path in sorted(Path(folder).iterdir()):
            found[path.name] = path.read_bytes()
    return found


def one_file(rng: random.Random, corpus: Corpus, folder: Path) -> Path:
    """Write one spoiled file; return it."""
    name = rng.choice(sorted(corpus.files))
    path = folder / "a.dcm"
    path.write_bytes(spoiled(rng, corpus.files[name]))
    return path


def a_series(rng: random.Random, corpus: Corpus, folder: Path) -> Path:
    """Write a series of which a slice or all are spoiled, perhaps all alike; return its folder."""
    every, same = rng.random() < 0.5, rng.random()
    spoilt = rng.randrange(len(corpus.series))
    for n, data in enumerate(corpus.series):
        own = random.Random(same) if every else rng
        (folder / f"{n}.dcm").write_bytes(spoiled(own, data, DICOM) if every or n == spoilt else data)
    return folder


def an_archive(rng: random.Random, corpus: Corpus, folder: Path) -> Path:
    """Write a ZIP whose structure or whose files are spoiled, perhaps within spoiled ZIPs; return it."""
    path = folder / "a.zip"
    data = spoiled(rng, packed(rng, corpus.series), ARCHIVE)
    if rng.random() < 0.5:
        data = nested(rng, corpus, data)
    path.write_bytes(data)
    return path


def nested(rng: random.Random, corpus: Corpus, data: bytes) -> bytes:
    """Return a ZIP within ZIPs, more or less deep, with ZIPs and slices beside it, perhaps spoiled."""
    for _ in range(rng.choice((1, 1, 2, 2, 3, 12))):
        beside = rng.sample(corpus.series, rng.randrange(len(corpus.series)))
        inner = {rng.choice(("a.zip", "b/A.ZIP", "../../a.zip", "a.zip/a.zip")): data}
        if rng.random() < 0.3:
            inner["again.zip"] = data if rng.random() < 0.5 else spoiled(rng, data, ARCHIVE)
        data = packed(rng, beside, inner)
        if rng.random() < 0.2:
            data = spoiled(rng, data, ARCHIVE)
    return data


def packed(rng: random.Random, slices: list[bytes], others: Mapping[str, bytes] | None = None) -> bytes:
    """Return a ZIP of slices, some of them spoiled, and of other files."""
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the same name twice is meant
        for n, data in enumerate(slices):
            name = rng.choice((f"{n}.dcm", f"../../{n}.dcm", f"/abs/{n}.dcm", f"{n // 2}.dcm", "C:\\x.dcm"))
            archive.writestr(name, spoiled(rng, data) if rng.random() < 0.2 else data)
        for name, data in (others or {}).items():
            archive.writestr(name, data)
    return stream.getvalue()


def a_medium(rng: random.Random, corpus: Corpus, folder: Path) -> Path:
    """Write a spoiled DICOMDIR beside a few slices; return it."""
    for n, data in enumerate(corpus.series[:3]):
        (folder / f"{n}.dcm").write_bytes(data)
    if not corpus.directories:
        return a_series(rng, corpus, folder)
    path = folder / "DICOMDIR"
    path.write_bytes(spoiled(rng, rng.choice(corpus.directories).read_bytes()))
    return path


def a_volume(rng: random.Random, corpus: Corpus, folder: Path) -> Path:
    """Write a spoiled NIfTI or NRRD; return it."""
    name = rng.choice(sorted(corpus.volumes))
    path = folder / name
    path.write_bytes(spoiled(rng, corpus.volumes[name], ARCHIVE))
    return path


MAKERS: tuple[Callable[[random.Random, Corpus, Path], Path], ...] = (
    one_file, one_file, one_file, a_series, a_series, an_archive, a_medium, a_volume,
)  # fmt: skip


def no_sentence(text: str) -> bool:
    """Return whether a text is not what may be told to a user."""
    said = text.strip()
    slang = re.search(r"Traceback|\bNone\b|<class|object at 0x|cvt_planner\.", said)
    return not (20 <= len(said) <= 1500 and said.endswith(".") and " " in said) or bool(slang)


def run_case(number: int, seed: int, corpus: Corpus, tally: Tally) -> None:
    """Make one case, read it and judge what comes out."""
    rng = random.Random(f"{seed}-{number}")
    folder = Path(tempfile.mkdtemp(prefix="cvt-fuzz-"))
    begin = time.monotonic()
    try:
        path = rng.choice(MAKERS)(rng, corpus, folder)
        begin = time.monotonic()
        sentences, outcome = read(path)
        wrong = next((text for text in sentences if no_sentence(text)), None)
        if wrong is not None:
            tally.failures.append((number, f"no sentence: {wrong[:300]}"))
        if outcome.startswith("refused when") and not any(path.name in text for text in sentences):
            tally.failures.append((number, f"names no file: {sentences[-1][:300]}"))
        if any("made the reader stop" in text for text in sentences):
            outcome = "reader stopped, file left out"
            tally.failures.append((number, "reader stopped"))
        tally.outcomes[outcome] += 1
    except Exception as fault:  # noqa: BLE001  (that is what is looked for)
        tally.failures.append((number, f"{type(fault).__name__}: {str(fault)[-600:]}"))
        tally.outcomes["failure"] += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    took = time.monotonic() - begin
    tally.slowest_s = max(tally.slowest_s, took)
    if took > LONGEST_S:
        tally.failures.append((number, f"took {took:.1f} s"))


def confirm(tally: Tally, seed: int, corpus: Corpus) -> None:
    """Leave out what failed by the clock alone and does not do so again: the machine was busy elsewhere, or paused."""
    for number, why in [failure for failure in tally.failures if failure[1].startswith(BY_THE_CLOCK)]:
        again = Tally()
        run_case(number, seed, corpus, again)
        if not again.failures:
            tally.failures.remove((number, why))
            tally.unconfirmed += 1


def read(path: Path) -> tuple[list[str], str]:
    """Return all that is said about a path, and in a few words what became of it."""
    try:
        listing = isolation.find_series(path)
    except PlannerError as refusal:
        return [str(refusal)], "refused when looked at"
    sentences = [reason for _, reason in listing.broken_files]
    sentences += [reason for info in listing.series for reason in info.reasons]
    if not listing.series:
        return [*sentences, listing.hint], "nothing found"
    outcome = "refused series"
    for info in listing.readable:
        try:
            volume = isolation.read_volume(info)
        except PlannerError as refusal:
            sentences.append(str(refusal))
            outcome = "refused when read"
        else:
            sentences += volume.notices
            outcome = "read"
    return sentences, outcome


def resident_mb() -> float:
    """Return what this process and the reading processes hold, MB; 0 where the system does not say."""
    total = 0.0
    for process in ("self", *door._READER.process_ids):
        try:
            pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
        except OSError:
            return 0.0
        total += pages * 4096 / 1e6
    return total


def run(numbers: list[int], seed: int, tell: bool = True) -> Tally:
    """Run cases and return what came out; memory is compared from a tenth of the way on."""
    corpus, tally = load_corpus(), Tally()
    with tempfile.TemporaryDirectory(prefix="cvt-fuzz-") as nothing:
        isolation.find_series(nothing)  # the reader's start is no part of the first case
    begin = time.monotonic()
    for done, number in enumerate(numbers, start=1):
        run_case(number, seed, corpus, tally)
        if done % LOOK_EVERY == 0:
            tally.memory_mb.append(resident_mb())
            if tell:
                rate = done / (time.monotonic() - begin)
                print(
                    f"{done:6d} cases, {rate:.0f} a second, {tally.memory_mb[-1]:.0f} MB", file=sys.stderr, flush=True
                )
    confirm(tally, seed, corpus)
    later = tally.memory_mb[len(tally.memory_mb) // 10 + 1 :]
    if later and later[-1] - later[0] > GROWTH_MB:
        tally.failures.append((numbers[-1], f"memory grew from {later[0]:.0f} to {later[-1]:.0f} MB"))
    return tally


def kept_seeds() -> list[tuple[int, int]]:
    """Return seed and number of the cases that once failed."""
    found = []
    for path in sorted(SEEDS.glob("*.json")):
        found += [(entry["seed"], entry["case"]) for entry in json.loads(path.read_text(encoding="utf-8"))]
    return found


def main() -> int:
    """Return 0 when no case failed."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=20_000)
    arguments.add_argument("--start", type=int, default=0)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", type=int, help="one case, by its number")
    args = arguments.parse_args()
    numbers = [args.only] if args.only is not None else list(range(args.start, args.start + args.count))
    begin = time.monotonic()
    tally = run(numbers, args.seed)
    for outcome, count in tally.outcomes.most_common():
        print(f"{count:7d}  {outcome}")
    print(f"{len(numbers)} cases in {time.monotonic() - begin:.0f} s, the slowest {tally.slowest_s:.2f} s")
    if tally.unconfirmed:
        print(f"{tally.unconfirmed} failures by the clock did not come again")
    for number, why in tally.failures[:30]:
        print(f"FAILED case {number} of seed {args.seed}: {why}", file=sys.stderr)
    if tally.failures and args.only is None:
        SEEDS.mkdir(exist_ok=True)
        entries = [{"seed": args.seed, "case": number, "why": why[:200]} for number, why in tally.failures[:50]]
        (SEEDS / f"seed-{args.seed}.json").write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
