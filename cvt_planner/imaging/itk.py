"""The one door to SimpleITK, whose own type information is incomplete; loaded when it is first needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid


class _Door:
    """Stands for the module until it is needed: many readings never need it, and it is large."""

    def __getattr__(self, name: str) -> Any:
        import SimpleITK

        # What matters is raised; the rest would fill stderr.
        module: Any = SimpleITK
        module.ProcessObject.SetGlobalWarningDisplay(False)
        self.__dict__.update(vars(module))
        return getattr(module, name)


itk: Any = _Door()


def write_image(path: Path, array: NDArray[Any], grid: Grid) -> None:
    """Write a [k, j, i] array and its place, LPS mm, compressed, as the kind of file that the name says.

    Parameters
    ----------
    grid
        Of the array's shape; a shear of its axes is lost.

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
