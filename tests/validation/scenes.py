"""The scenes that are run: plane walls, endless lines, probes in a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cvt_planner.base.arrays import FloatArray, vec3
from cvt_planner.bioheat.scene import HELD, INSULATED, HeatBox, Phase, ProbeBody, Scene, Wall
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from cvt_planner.bioheat.tissue_map import TissueMap, map_of_labels

PLANE_MM = 140.0  # the far wall stands where nothing has changed
LINE_BOX_MM = 120.0
LINE_OFF_MM = (0.3, 0.2)  # the line lies neither on a cell's centre nor on its face
UP = (0.0, 0.0, 1.0)
TEN_FIVE_TEN = (Phase("freeze", 600.0), Phase("thaw", 300.0), Phase("freeze", 600.0))


def plane(
    material: Material, wall_c: float, spacing_mm: float, times_s: Sequence[float], start_c: float = 37.0,
    perfusion_w_m3k: float = 0.0,
) -> Scene:  # fmt: skip
    """Return a wall at low x that is held from the start, three cells thick in y and z."""
    walls = (Wall("held", wall_c), HELD, INSULATED, INSULATED, INSULATED, INSULATED)
    box = HeatBox((PLANE_MM, 3.0 * spacing_mm, 3.0 * spacing_mm), spacing_mm)
    return Scene(box, material, (), (Phase("freeze", max(times_s)),), start_c, perfusion_w_m3k, tuple(times_s), walls)


def line(material: Material, sink_w_m: float, spacing_mm: float, times_s: Sequence[float], start_c: float = 37.0,
         size_mm: float = LINE_BOX_MM) -> Scene:  # fmt: skip
    """Return an endless line along z that draws the same heat all the time: a probe at its limit of power."""
    length = 4.0 * spacing_mm
    probe = ProbeBody((*LINE_OFF_MM, -0.5 * length), UP, length, 1.47, -205.0, 0.0, sink_w_m * length / 1e3)
    walls = (HELD, HELD, HELD, HELD, INSULATED, INSULATED)
    box = HeatBox((size_mm, size_mm, length), spacing_mm)
    return Scene(box, material, (probe,), (Phase("freeze", max(times_s)),), start_c, 0.0, tuple(times_s), walls)


def turned(degrees: float, about_z_degrees: float = 0.0) -> FloatArray:
    """Return (3, 3) whose columns are the pair's axis, the direction across it, and the probes' axis, in LPS."""
    a, b = math.radians(degrees), math.radians(about_z_degrees)
    tilt = np.array([[math.cos(a), 0.0, math.sin(a)], [0.0, 1.0, 0.0], [-math.sin(a), 0.0, math.cos(a)]])
    turn = np.array([[math.cos(b), -math.sin(b), 0.0], [math.sin(b), math.cos(b), 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(turn @ tilt)


def parallel_probes(
    across_mm: Sequence[tuple[float, float]], active_mm: float, temperature_c: float, diameter_mm: float,
    axes: FloatArray | None = None, centre_mm: Sequence[float] = (0.0, 0.0, 0.0), cooldown_s: float = 30.0,
) -> tuple[ProbeBody, ...]:  # fmt: skip
    """Return parallel probes around `centre_mm` (LPS), given by their places across their common axis."""
    frame = np.eye(3) if axes is None else axes
    found = []
    for u, v in across_mm:
        tip = np.asarray(centre_mm) + frame @ np.array([u, v, -0.5 * active_mm])
        found.append(
            ProbeBody(vec3(tip), vec3(frame[:, 2]), active_mm, diameter_mm, temperature_c, cooldown_s)
        )  # fmt: skip
    return tuple(found)


def two(spacing_mm: float) -> list[tuple[float, float]]:
    """Return the places of a pair."""
    return [(-0.5 * spacing_mm, 0.0), (0.5 * spacing_mm, 0.0)]


def ring(count: int, spacing_mm: float) -> list[tuple[float, float]]:
    """Return the places of one to four probes, neighbours `spacing_mm` apart: a point, a pair, a triangle, a square."""
    if count == 1:
        return [(0.0, 0.0)]
    radius = 0.5 * spacing_mm / math.sin(math.pi / count)
    angles = [2.0 * math.pi * n / count for n in range(count)]
    return [(radius * math.cos(a), radius * math.sin(a)) for a in angles]


def lesion_in_bone(box: HeatBox, law: Material) -> TissueMap:
    """Return marrow-filled bone with blood around a ball of soft tissue, 26 mm across, a little off the middle.

    `law` gives the laws of both; the freezing range is that of soft tissue.
    """
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in box.grid.shape_kji], indexing="ij"), axis=-1)
    inside = np.linalg.norm(box.grid.lps_of(index) - (3.0, 2.0, 0.0), axis=-1) < 13.0
    bone, soft = (replace(m, latent_law=law.latent_law, frozen_law=law.frozen_law) for m in (MARROW_BONE, SOFT_TISSUE))
    return map_of_labels(inside.astype(np.int64), (bone, soft), (11_700.0, 2_000.0))
