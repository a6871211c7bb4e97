"""The one door to SimpleITK, whose own type information is incomplete."""

from __future__ import annotations

from typing import Any

import SimpleITK

itk: Any = SimpleITK
itk.ProcessObject.SetGlobalWarningDisplay(False)  # what matters is raised; the rest would fill stderr
