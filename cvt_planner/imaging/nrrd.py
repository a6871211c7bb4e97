"""NRRD files: arrays with their place in the patient, for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.itk import itk, write_image

ORTHOGONAL = 1e-4


def write_nrrd(path: Path | str, array: NDArray[Any], grid: Grid) -> None:
    """Write a [k, j, i] array and its place (space left-posterior-superior, mm), compressed.

    Parameters
    ----------
    path
        Ends in ``.nrrd``.
    array
        Any plain number type; bool is written as uint8.
    grid
        Of the array's shape, with axes at right angles.

    Raises
    ------
    InputRefused
        When the file cannot be written, or the grid is sheared.
    """
    path = Path(path)
    if array.shape != grid.shape_kji:
        raise InputRefused(f"{path.name}: an array {array.shape} does not fit its grid {grid.shape_kji}.")
    if path.suffix.lower() != ".nrrd":
        raise InputRefused(f"{path}: give a name that ends in .nrrd.")
    spacing = grid.spacing_kji_mm
    axes = grid.lps_from_index[:3, :3] / spacing
    if not np.allclose(axes.T @ axes, np.eye(3), atol=ORTHOGONAL):
        raise InputRefused(f"{path}: the grid's axes are not at right angles, which this file kind cannot hold here.")
    write_image(path, array.astype(np.uint8) if array.dtype == np.bool_ else array, grid)


def read_nrrd(path: Path | str) -> tuple[NDArray[Any], Grid]:
    """Return the [k, j, i] array of an NRRD file, in its own number type, and its grid in LPS mm.

    Raises
    ------
    InputRefused
        When there is no such file, or it is not a readable three-dimensional NRRD.
    """
    path = Path(path)
    if not path.is_file():
        raise InputRefused(f"{path} does not exist; give an NRRD file.")
    try:
        image = itk.ReadImage(str(path), imageIO="NrrdImageIO")
    except RuntimeError as error:
        raise InputRefused(f"{path} is not a readable NRRD file; write it again from its source.") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputRefused(f"{path} does not hold one three-dimensional volume.")
    axes = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine = np.eye(4)
    affine[:3, :3] = axes[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    array: NDArray[Any] = itk.GetArrayFromImage(image)
    return array, Grid(array.shape, affine)
