"""How much of a voxel of bone is mineralised matrix, from its Hounsfield units; the rest is marrow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MARROW_HU = 15.0  # share of bone 0; assumed, within 0 to 30 HU of marrow
MATRIX_HU = 1900.0  # share of bone 1; assumed, within 1800 to 2000 HU of bone matrix at 120 kV


def bone_share(hu: NDArray[Any]) -> NDArray[Any]:
    """Return (...) the share of bone matrix, 0 to 1, linear in HU; contrast medium counts as bone."""
    return np.clip((hu - MARROW_HU) / (MATRIX_HU - MARROW_HU), 0.0, 1.0)
