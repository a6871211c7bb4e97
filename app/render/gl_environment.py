"""Settles how VTK gets its OpenGL; to be called before anything of VTK is imported."""

from __future__ import annotations

import os
import sys


def prepare_opengl() -> None:
    """Let VTK draw through EGL on Linux where there is no X display, or where Qt draws off screen.

    Without it VTK would look for an X server and end the process. A choice already made in the environment stays.
    """
    if not sys.platform.startswith("linux"):
        return
    off_screen = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0] in ("offscreen", "minimal", "vnc", "linuxfb")
    if off_screen or not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
