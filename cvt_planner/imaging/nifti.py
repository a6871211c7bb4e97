"""Write NIfTI files for programs that read nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.itk import itk


def write_nifti(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write a [k, j, i] array and its place as NIfTI (ITK turns LPS to the file's RAS), compressed.

    Raises
    ------
    InputRefused
        When the file cannot be written.
    """
    spacing = grid.spacing_kji_mm
    axes = grid.lps_from_index[:3, :3] / spacing
    image = itk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing([float(v) for v in spacing[::-1]])
    image.SetOrigin([float(v) for v in grid.lps_from_index[:3, 3]])
    image.SetDirection([float(v) for v in axes[:, ::-1].ravel()])
    try:
        itk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise InputRefused(f"{path} cannot be written: check that its folder exists and has room.") from error
