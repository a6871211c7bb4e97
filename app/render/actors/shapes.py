"""Small makers of VTK actors: iso-surfaces of arrays, tubes, ellipsoids. Main thread only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from vtkmodules.vtkCommonCore import vtkFloatArray, vtkIdTypeArray, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkFiltersCore import vtkFlyingEdges3D, vtkTubeFilter
from vtkmodules.vtkFiltersSources import vtkLineSource, vtkSphereSource
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

from app.render import colours
from cvt_planner.base.arrays import FloatArray, Points, Vec3
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.surface import Surface

TUBE_SIDES = 24


def coloured(mapper: vtkPolyDataMapper, colour: QColor, opacity: float = 1.0) -> vtkActor:
    """Return an actor of one colour, evenly lit."""
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    surface = actor.GetProperty()
    surface.SetColor(*colours.rgb(colour))
    surface.SetOpacity(opacity)
    surface.SetInterpolationToPhong()
    surface.SetAmbient(0.25)
    surface.SetDiffuse(0.9)
    surface.SetSpecular(0.15)
    surface.SetSpecularPower(20.0)
    return actor


def iso_surface(values: NDArray[Any], grid: Grid, level: float, colour: QColor, opacity: float = 1.0) -> vtkActor:
    """Return the surface on which an array takes a value; placed in LPS by the grid.

    The surface is found in index space (i, j, k) and placed by a matrix, so that any grid will do.
    """
    data = np.ascontiguousarray(values, dtype=np.float32)
    scalars = _filled(vtkFloatArray(), data.ravel())
    image = vtkImageData()
    image.SetDimensions(data.shape[2], data.shape[1], data.shape[0])
    image.GetPointData().SetScalars(scalars)
    edges = vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, level)
    edges.ComputeNormalsOn()
    edges.ComputeGradientsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(edges.GetOutput())
    actor = coloured(mapper, colour, opacity)
    matrix = vtkMatrix4x4()
    affine = grid.lps_from_index[:, [2, 1, 0, 3]]  # VTK's points are (i, j, k)
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, float(affine[row, column]))
    actor.SetUserMatrix(matrix)
    return actor


def _filled(array: Any, values: NDArray[Any]) -> Any:
    """Return a VTK array of the same number type, filled with (n) or (n, m) values."""
    array.SetNumberOfComponents(1 if values.ndim == 1 else values.shape[1])
    array.SetNumberOfTuples(len(values))
    np.frombuffer(memoryview(array), dtype=values.dtype)[:] = values.ravel()
    return array


def surface_mapper(surface: Surface) -> vtkPolyDataMapper:
    """Return the mapper of a surface that was made beside the window."""
    points = vtkPoints()
    points.SetData(_filled(vtkFloatArray(), surface.points_lps_mm))
    cells = vtkCellArray()
    offsets = np.arange(0, surface.triangles.size + 1, 3, dtype=np.int64)
    corners = surface.triangles.ravel().astype(np.int64)
    cells.SetData(_filled(vtkIdTypeArray(), offsets), _filled(vtkIdTypeArray(), corners))
    data = vtkPolyData()
    data.SetPoints(points)
    data.SetPolys(cells)
    data.GetPointData().SetNormals(_filled(vtkFloatArray(), surface.normals))
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    return mapper


def tube(
    start: Points | Vec3, end: Points | Vec3, diameter_mm: float, colour: QColor, opacity: float = 1.0
) -> vtkActor:
    """Return a closed round tube between two LPS points, true to size."""
    line = vtkLineSource()
    line.SetPoint1(*(float(v) for v in start))
    line.SetPoint2(*(float(v) for v in end))
    filled = vtkTubeFilter()
    filled.SetInputConnection(line.GetOutputPort())
    filled.SetRadius(diameter_mm / 2.0)
    filled.SetNumberOfSides(TUBE_SIDES)
    filled.CappingOn()
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(filled.GetOutputPort())
    return coloured(mapper, colour)


def ellipsoid(centre: Vec3, semi_axes_mm: Vec3, colour: QColor, opacity: float = 1.0) -> vtkActor:
    """Return an ellipsoid whose axes run along x, y and z of LPS."""
    ball = vtkSphereSource()
    ball.SetRadius(1.0)
    ball.SetThetaResolution(36)
    ball.SetPhiResolution(24)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(ball.GetOutputPort())
    actor = coloured(mapper, colour, opacity)
    actor.SetScale(*semi_axes_mm)
    actor.SetPosition(*centre)
    return actor


def polyline(points_lps_mm: FloatArray, colour: QColor, diameter_mm: float) -> vtkActor:
    """Return a closed line of some thickness through (n, 3) LPS points."""
    points = vtkPoints()
    for point in points_lps_mm:
        points.InsertNextPoint(*(float(v) for v in point))
    cells = vtkCellArray()
    cells.InsertNextCell(len(points_lps_mm) + 1)
    for n in (*range(len(points_lps_mm)), 0):
        cells.InsertCellPoint(n)
    data = vtkPolyData()
    data.SetPoints(points)
    data.SetLines(cells)
    filled = vtkTubeFilter()
    filled.SetInputData(data)
    filled.SetRadius(diameter_mm / 2.0)
    filled.SetNumberOfSides(8)
    mapper = vtkPolyDataMapper()
    mapper.SetInputConnection(filled.GetOutputPort())
    return coloured(mapper, colour)
