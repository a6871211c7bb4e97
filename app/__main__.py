"""The program's door: headless subcommands go to the core before anything of Qt is imported; the rest is the window."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvt_planner import cli
from cvt_planner.cli.drawing import Drawing

if TYPE_CHECKING:
    from cvt_planner.imaging.volume import Volume
    from cvt_planner.plan.model import Lesion, Plan
    from cvt_planner.plan.results import IceResult

NO_WINDOW = (
    "The window needs Qt and VTK, which are not installed here. Install them with: pip install 'cvt-planner[app]'. "
    f"These subcommands work without: {', '.join(cli.HEADLESS)}."
)
NO_DISPLAY = (
    "There is no display to open the window on. Run it in a desktop session or over remote desktop; "
    f"these subcommands work without: {', '.join(cli.HEADLESS)}."
)
WRONG_USAGE, REFUSED = 2, 3


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code of the program."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        return _window(None)
    if arguments[0] != "open":
        draws = "selftest" in arguments[:1] and _installed("PySide6") and _installed("vtkmodules")
        return cli.main(arguments, Drawing(_draw_scene, _draw_slice) if draws else None)
    if arguments[1:] in (["-h"], ["--help"]) or len(arguments) > 2:
        sys.stderr.write("usage: cvt-planner open [PATH]    opens the window on a study or a plan\n")
        return 0 if len(arguments) == 2 else WRONG_USAGE
    return _window(arguments[1] if len(arguments) == 2 else None)


def _window(path: str | None) -> int:
    if not _installed("PySide6") or not _installed("vtkmodules"):
        sys.stderr.write(NO_WINDOW + "\n")
        return REFUSED
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        sys.stderr.write(NO_DISPLAY + "\n")
        return REFUSED
    from app.main import run_window

    return run_window(path)


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _draw_scene(volume: Volume, plan: Plan, ice: tuple[IceResult, ...], path: Path) -> None:
    from app.render.selftest import draw_scene

    draw_scene(volume, plan, ice, path)


def _draw_slice(volume: Volume, plan: Plan, ice: tuple[IceResult, ...], lesion: Lesion, plane: str, path: Path) -> None:
    from app.render.headless import draw_slice

    draw_slice(volume, plan, ice, lesion, plane, path)


if __name__ == "__main__":
    sys.exit(main())
