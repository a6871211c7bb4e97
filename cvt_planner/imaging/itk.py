"""The one door to SimpleITK, whose own type information is incomplete."""

from __future__ import annotations

from typing import Any

import SimpleITK

itk: Any = SimpleITK
