"""Set up the development environment: a virtual environment, the pinned packages, the system libraries.

    python3 packaging/bootstrap.py            everything: window, core, tests and tools, in .venv
    python3 packaging/bootstrap.py --core     the headless core and its tests only, in .venv-core

Standard library only. Running it again when nothing has changed takes a fraction of a second: a stamp in the
environment holds the hash of the lock file and of this script.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Shared library -> Debian package. Qt needs the first group even when it draws off screen, VTK the second.
SYSTEM_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
    "libGLX_mesa.so.0": "libglx-mesa0",
    "libXrender.so.1": "libxrender1",
}
MESA_DRIVERS = ("libgl1-mesa-dri", "dri/swrast_dri.so")
# A PACS for the tests of cvt_planner/imaging/pacs, which are skipped without it: Debian package -> what it brings.
TEST_SERVERS = {
    "orthanc": Path("/usr/sbin/Orthanc"),
    "orthanc-dicomweb": Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"),
}
FONTS = ("fonts-dejavu-core", Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", action="store_true", help="the headless core only, without Qt and VTK")
    core_only = parser.parse_args().core
    if not core_only and sys.platform.startswith("linux"):
        problem = _system_libraries()
        if problem:
            return _fail(problem)
    if sys.platform.startswith("linux"):
        _test_servers()
    folder, lock = (".venv-core", "core.lock") if core_only else (".venv", "all.lock")
    return _environment(ROOT / folder, ROOT / "requirements" / lock)


def _environment(folder: Path, lock: Path) -> int:
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    digest = hashlib.sha256()
    for part in (lock, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(part.read_bytes())
    digest.update(f"{sys.version}{folder}".encode())
    stamp = folder / "set-up-stamp"
    if python.exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return 0
    print(f"Setting up {folder.name} from {lock.name} (a few minutes the first time) ...", flush=True)
    stamp.unlink(missing_ok=True)
    if python.exists() and subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode:
        shutil.rmtree(folder)  # a set-up that was cut off
    if not python.exists() and not _create(folder):
        return _fail("Python cannot create a virtual environment. On Debian: sudo apt-get install python3-venv")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for arguments in (["--require-hashes", "-r", str(lock)], ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]):
        if subprocess.run(pip + arguments, cwd=ROOT).returncode:
            return _fail("Installing the pinned packages failed; pip's message above says why.")
    _compile(python)
    stamp.write_text(digest.hexdigest())
    return 0


def _compile(python: Path) -> None:
    """Run the self-test once: numba keeps the compiled kernels beside the sources, so that the first start is quick."""
    print("Compiling the kernels and running the self-test ...", flush=True)
    done = subprocess.run([str(python), "-m", "app", "selftest"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"The self-test did not pass:\n{done.stdout}{done.stderr}", file=sys.stderr)


def _create(folder: Path) -> bool:
    """Create the environment; Debian's own Python cannot until python3-venv is installed."""
    if importlib.util.find_spec("ensurepip") is None and _install(["python3-venv"]):
        return False
    # In a new process: this one does not see what was just installed.
    return subprocess.run([sys.executable, "-m", "venv", str(folder)]).returncode == 0


def _system_libraries() -> str:
    """Install what Qt and Mesa need and the system lacks; return a sentence when that is not possible."""
    missing = sorted(_missing_packages())
    return _install(missing) if missing else ""


def _test_servers() -> None:
    """Install the optional servers of the tests; where that is not possible a line says which tests are skipped."""
    missing = [package for package, part in TEST_SERVERS.items() if not part.exists()]
    if not missing:
        return
    problem = _install(missing)
    if problem:
        print(f"Optional: {problem} Without it the tests against a real PACS are skipped.", flush=True)
        return
    if "orthanc" in missing and shutil.which("systemctl"):  # the package starts a server of its own, which no test uses
        subprocess.run(["systemctl", "disable", "--now", "orthanc"], capture_output=True)


def _install(packages: list[str]) -> str:
    """Install Debian packages; return a sentence when that is not possible."""
    names = " ".join(packages)
    if not shutil.which("apt-get"):
        return f"System libraries are missing. On Debian they are called: {names}. Install their equivalents."
    if os.geteuid() != 0:
        return f"System libraries are missing. Run: sudo apt-get install {names}"
    print(f"Installing system packages: {names}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(["apt-get", "update", "-qq"], env=environment, stdout=subprocess.DEVNULL)
    if subprocess.run(install, env=environment, stdout=subprocess.DEVNULL).returncode:
        return f"apt-get could not install: {names}"
    return ""


def _missing_packages() -> set[str]:
    known = _known_libraries()
    missing = {package for library, package in SYSTEM_LIBRARIES.items() if library not in known}
    package, driver = MESA_DRIVERS
    if not any((folder / driver).exists() for folder in _library_folders()):
        missing.add(package)
    package, font = FONTS
    if not font.exists() and not shutil.which("fc-list"):
        missing.add(package)
    return missing


def _library_folders() -> list[Path]:
    return [Path(p) for p in ("/usr/lib", "/usr/lib64", *map(str, Path("/usr/lib").glob("*-linux-gnu*")))]


def _known_libraries() -> set[str]:
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    try:
        listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {name for name in SYSTEM_LIBRARIES if ctypes.util.find_library(name.removeprefix("lib").split(".so")[0])}
    return {line.split()[0] for line in listing.splitlines() if line.strip()}


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
