"""The lesions in magenta."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import ellipsoid, iso_surface
from cvt_planner.anatomy.lesion.distance import SURFACE
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.geometry.frames import Grid

OPACITY = 0.55
SMOOTH_VOXELS = 0.5  # takes the steps of the voxels off the surface; the volume stays within about a percent


class Lesions(SceneActor):
    """Every lesion; the one chosen fuller."""

    name = "lesions"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the lesions and which is chosen."""
        return (scene.state.plan.lesions if scene.state.plan is not None else (), scene.lesion_id)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return a surface per lesion."""
        actors = []
        for lesion in scene.state.plan.lesions if scene.state.plan is not None else ():
            opacity = OPACITY if lesion.id == scene.lesion_id else 0.6 * OPACITY
            if isinstance(lesion.shape, Region):
                actors.append(_region(lesion.shape, opacity))
            else:
                shape = lesion.shape
                actors.append(ellipsoid(shape.centre_lps_mm, shape.semi_axes_mm, colours.LESION, opacity))
        return actors


def _region(region: Region, opacity: float) -> vtkActor:
    """Return the region's surface; empty voxels all round close it."""
    padded = np.pad(region.ramp, 2).astype(np.float32)
    shape = (padded.shape[0], padded.shape[1], padded.shape[2])
    grid: Grid = region.grid.crop((-2, -2, -2), shape)
    return iso_surface(gaussian_filter(padded, SMOOTH_VOXELS), grid, SURFACE, colours.LESION, opacity)
