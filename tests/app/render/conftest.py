"""A small plan on the small CT, and the views on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from app.render.view_state import Frame, ViewState
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import vec3
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Assembly, Lesion, LesionKind, Plan, Side
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE, IceField, IceResult
from cvt_planner.planning.ice import ice_inputs
from cvt_planner.workspace import Workspace

LESION_CENTRE = (4.0, -12.0, 1.0)
LESION_AXES = (9.0, 7.0, 8.0)


def small_plan(plan: Plan) -> Plan:
    """Return the plan with one lesion and one needle from the left whose axis lies in the transverse plane z = 1."""
    lesion = Lesion("l1", "Lesion 1", "L2", LesionKind.LYTIC, Ellipsoid(LESION_CENTRE, LESION_AXES))
    needle = Assembly("a1", "l1", Side.LEFT, (4.0, -16.0, 1.0), (24.0, 30.0, 1.0), needle_retraction_mm=22.0)
    return replace(plan, lesions=(lesion,), assemblies=(needle,))


@pytest.fixture
def workspace(small_volume: Volume) -> Workspace:
    result = Workspace()
    result.open_volume(small_volume)
    result.apply(small_plan, "set up")
    return result


@pytest.fixture
def view_state(qapp: object, small_volume: Volume) -> ViewState:
    result = ViewState()
    result.look_at(small_volume.grid)
    result.set_crosshair((4.0, -12.0, 1.0))
    for name in ("axial", "sagittal", "coronal"):
        result.set_frame(name, Frame(0.25, (4.0, 0.0, 1.0)))
    return result


@pytest.fixture
def ice(workspace: Workspace) -> IceResult:
    """Return an iceball in the plan's place: a ball of ice that grows warmer by 2 degrees per mm, 0 degC at 20 mm."""
    n = 60
    affine = np.eye(4)[[2, 1, 0, 3]].astype(float)
    affine[:3, 3] = np.array(LESION_CENTRE) - (n - 1) / 2.0
    grid = Grid((n, n, n), affine)
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    radius = np.linalg.norm(grid.lps_of(index) - np.array(LESION_CENTRE), axis=-1)
    temperature = np.minimum(2.0 * radius - 40.0, 37.0).astype(np.float32)
    inputs = ice_inputs(workspace.plan, "l1", workspace.volume.content_hash)
    assert inputs is not None
    volumes = ((0.0, 33.5), (-20.0, 4.2), (-40.0, 0.0))
    fields = tuple(IceField(t, temperature, grid, volumes, 0.0, 0.0) for t in (SOFT_TISSUE, MARROW_BONE))
    return IceResult(inputs, fields)


def close_to(image: QImage, x: float, y: float, colour: QColor, reach: int = 2, tolerance: int = 60) -> bool:
    """Return whether a pixel within `reach` of a place has about this colour."""
    for dx in range(-reach, reach + 1):
        for dy in range(-reach, reach + 1):
            at = QColor(image.pixel(round(x) + dx, round(y) + dy))
            if (
                max(abs(at.red() - colour.red()), abs(at.green() - colour.green()), abs(at.blue() - colour.blue()))
                <= tolerance
            ):
                return True
    return False


@pytest.fixture
def has_colour() -> object:
    return close_to


@pytest.fixture
def move_needle(workspace: Workspace) -> object:
    """Return a function that moves the probe's tip by some millimetres in x."""

    def move(dx_mm: float, gesture: str = "") -> None:
        def edit(plan: Plan) -> Plan:
            old = plan.assemblies[0]
            tip = vec3(np.array(old.probe_tip_lps_mm) + np.array([dx_mm, 0.0, 0.0]))
            return replace(plan, assemblies=(replace(old, probe_tip_lps_mm=tip),))

        workspace.apply(edit, "move", gesture)

    return move
