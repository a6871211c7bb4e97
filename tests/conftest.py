"""Fixtures for every test: the real CTs beside the project, and folders that do not outlive the run."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from cvt_planner.phantom import Phantom, make_phantom

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("CVT_TEST_DATA", ROOT.parent / "shared" / "data"))


def _manifest() -> dict[str, dict[str, object]]:
    path = SHARED_DATA / "manifest.json"
    if not path.exists():
        return {}
    return {entry["name"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))["files"]}


@pytest.fixture(scope="session")
def real_ct(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from part of a case's file name to its unpacked folder or its file.

    Example: ``real_ct("lidc_idri_0314_lower_thoracic")`` is a folder with 105 DICOM files. Where the data are absent
    the test is skipped, with a warning that stays in the summary.
    """
    manifest = _manifest()
    unpacked: dict[str, Path] = {}

    def get(part: str) -> Path:
        names = [name for name in manifest if part in name]
        if not names or not (SHARED_DATA / names[0]).exists():
            warnings.warn(f"NOT TESTED: the real CT {part!r} is absent (looked beside the project).", stacklevel=2)
            pytest.skip(f"the real CT {part!r} is absent")
        name = names[0]
        if not name.endswith(".tar.xz"):
            return SHARED_DATA / name
        if name not in unpacked:
            folder = tmp_path_factory.mktemp("real_ct", numbered=True) / Path(name).name.removesuffix(".tar.xz")
            with tarfile.open(SHARED_DATA / name, "r:xz") as archive:
                # Python 3.11.2, which Debian 12 has, knows no filters; the archives are ours and checked.
                archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
            unpacked[name] = folder
        return unpacked[name]

    return get


@pytest.fixture(scope="session")
def awkward_dicom() -> Path:
    """Return the folder of awkward DICOM files, or skip loudly."""
    folder = SHARED_DATA / "awkward"
    if not folder.exists():
        warnings.warn("NOT TESTED: the awkward DICOM files are absent (looked beside the project).", stacklevel=2)
        pytest.skip("the awkward DICOM files are absent")
    return folder


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Path], Path]:
    """Return a function that copies a folder into this test's own, so that it can be damaged."""

    def copy(folder: Path) -> Path:
        target = tmp_path / folder.name
        shutil.copytree(folder, target)
        return target

    return copy


@pytest.fixture(scope="session")
def small_phantom() -> Phantom:
    """Return the phantom `small`, which takes seconds to make: once for all tests of a process."""
    return make_phantom("small")


@pytest.fixture(scope="session")
def odd_phantom() -> Phantom:
    """Return the phantom `small` with perturbed proportions and unlike sides."""
    return make_phantom("small", 1)
