"""The assemblies as cylinders, true to size: needle tube, probe, active zone."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor

from app.render import colours
from app.render.actors.actor import SceneActor, SceneInput
from app.render.actors.shapes import ellipsoid, tube
from cvt_planner.plan.model import Assembly


class Needles(SceneActor):
    """Every assembly of the plan."""

    name = "needles"

    def key(self, scene: SceneInput) -> tuple[object, ...]:
        """Return the assemblies and which is chosen."""
        return (scene.state.plan.assemblies if scene.state.plan is not None else (), scene.assembly_id)

    def build(self, scene: SceneInput) -> list[vtkActor]:
        """Return the cylinders."""
        assemblies = scene.state.plan.assemblies if scene.state.plan is not None else ()
        return [actor for assembly in assemblies for actor in _assembly(assembly, assembly.id == scene.assembly_id)]


def _assembly(assembly: Assembly, chosen: bool) -> list[vtkActor]:
    """Return tube, bare probe, active zone, and a cap on the probe's tip; a ball at the hub of the chosen one.

    The active zone is drawn a hair thicker than the probe, so that both are not drawn in the same place.
    """
    colour = colours.NEEDLE[assembly.side]
    tip = np.array(assembly.probe_tip_lps_mm)
    needle_tip = np.array(assembly.needle_tip_lps_mm)
    hub = needle_tip + assembly.needle.length_mm * assembly.outward
    end = tip + assembly.probe.shaft_length_mm * assembly.outward
    zone = assembly.active_zone_lps_mm
    diameter = assembly.probe.outer_diameter_mm
    actors = [
        tube(needle_tip, hub, assembly.needle.outer_diameter_mm, colour),
        tube(tip, end, diameter, colours.PROBE),
        tube(zone[0], zone[1], 1.04 * diameter, colours.ACTIVE_ZONE),
    ]
    if chosen:
        radius = assembly.needle.outer_diameter_mm
        place = (float(hub[0]), float(hub[1]), float(hub[2]))
        actors.append(ellipsoid(place, (radius, radius, radius), colour))
    return actors
