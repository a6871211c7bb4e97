"""The hospital's own probes: a folder with one file per fitted card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.planning.probe_fit import ProbeFit
from cvt_planner.storage.probe_card_json import read_probe, write_probe

SUFFIX = ".json"


@dataclass(frozen=True)
class HospitalProbes:
    """The probes of a folder, by name, and a sentence for every file that could not be used."""

    probes: tuple[CryoprobeModel, ...]
    notices: tuple[str, ...] = ()


def load_probes(folder: Path) -> HospitalProbes:
    """Return the hospital's probes; none where there is no folder yet. A damaged file hides no other."""
    found: dict[str, CryoprobeModel] = {}
    notices = []
    try:
        files = sorted(folder.glob(f"*{SUFFIX}"))
    except OSError as error:
        return HospitalProbes((), (f"The folder of hospital probes {folder} cannot be read: {error.strerror}.",))
    for file in files:
        try:
            probe = read_probe(file)
        except InputRefused as error:
            notices.append(str(error))
            continue
        found[probe.key] = probe
    return HospitalProbes(tuple(sorted(found.values(), key=lambda p: (p.name, p.key))), tuple(notices))


def add_probe(fit: ProbeFit, folder: Path) -> CryoprobeModel:
    """Return the probe, kept in the folder from now on; the same card again takes its own place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputRefused(f"The folder {folder} could not be made: {error.strerror or error}.") from error
    write_probe(fit, folder / f"{fit.probe.key}{SUFFIX}")
    return fit.probe


def remove_probe(key: str, folder: Path) -> None:
    """Take a hospital's probe away; plans that use it keep their own record of it."""
    for file in folder.glob(f"*{SUFFIX}"):
        try:
            if read_probe(file).key == key:
                file.unlink()
        except InputRefused:
            continue
        except OSError as error:
            raise InputRefused(f"{file} could not be deleted: {error.strerror or error}.") from error
