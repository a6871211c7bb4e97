"""How far the quick look at the ice lies from the full solution, over random poses of two probes.

    python tests/bench/bench_preview_accuracy.py [--poses N] [--spacing MM]

Poses: two 17 G probes 5 to 22 mm apart, converging by up to 40 degrees, turned at random and shifted against the grid.
Protocol 10-5-10, end of the last freeze, both tissues, and a vertebra-like mixture of them that differs in every voxel
(bone of varying density with an island of soft tissue, another one for every pose). For each isotherm every crossing of
the full 1 mm solution with its grid is measured against the surface of the preview: mean and largest distance of one
pose; over all poses the median, the worst mean and the worst distance are printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from cvt_planner.base.arrays import FloatArray, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat import isotherms
from cvt_planner.bioheat.scene import Scene
from cvt_planner.bioheat.solver import simulate, warm_up
from cvt_planner.bioheat.tissue import Material
from cvt_planner.bioheat.tissue_map import TissueMap
from cvt_planner.devices.bone_needle import DEFAULT_BONE_NEEDLE
from cvt_planner.devices.cryoprobe import DEFAULT_CRYOPROBE
from cvt_planner.plan.model import PROTOCOL_10_5_10
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE, SOFT_TISSUE, IceInputs, ProbePlace
from cvt_planner.planning import ice_preview
from cvt_planner.planning.ice_drawn import DrawnIce, drawn_from
from cvt_planner.planning.ice_scene import BODY_C, MATERIALS, bodies, box_around, until_last_freeze

MIXED = "voxel by voxel"
LEAST_APART_MM, MOST_APART_MM, MOST_CONVERGING_DEG = 5.0, 22.0, 40.0


def random_pose(rng: np.random.Generator) -> IceInputs:
    """Return two probes that do not cross."""
    while True:
        apart, angle = rng.uniform(LEAST_APART_MM, MOST_APART_MM), np.deg2rad(rng.uniform(0.0, MOST_CONVERGING_DEG))
        turn, shift = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.uniform(-1.0, 1.0, 3)
        places = []
        for side in (-1.0, 1.0):
            tip = turn @ np.array([side * apart / 2.0, rng.uniform(-3.0, 3.0), 0.0]) + shift
            outward = turn @ np.array([side * np.sin(angle / 2.0), 0.0, np.cos(angle / 2.0)])
            places.append(ProbePlace(vec3(tip), vec3(outward), DEFAULT_CRYOPROBE, DEFAULT_BONE_NEEDLE, 23.0))
        pose = IceInputs("lesion", "none", tuple(places), PROTOCOL_10_5_10, 1.0, "")
        try:
            scene_of(pose, next(iter(MATERIALS)))
        except InputRefused:
            continue
        return pose


def scene_of(pose: IceInputs, tissue: str) -> Scene:
    """Return the full solution's scene."""
    protocol = until_last_freeze(pose.protocol)
    return Scene(box_around(pose, pose.spacing_mm), MATERIALS[tissue], bodies(pose), protocol, BODY_C)


def full(pose: IceInputs, tissue: str) -> DrawnIce:
    """Return the full solution at the end of the last freeze."""
    return drawn(scene_of(pose, tissue), tissue)


def drawn(scene: Scene, tissue: str) -> DrawnIce:
    """Return the ice of a scene at the end of the last freeze."""
    result = simulate(scene)
    return drawn_from(tissue, result.snapshots[-1].temperature_c, result.grid)


def mixed_scene(pose: IceInputs, spacing_mm: float, seed: int) -> Scene:
    """Return the scene in which every voxel mixes marrow-filled bone and soft tissue in a ratio of its own."""
    box = box_around(pose, spacing_mm)
    rng = np.random.default_rng(seed)
    index = np.stack(np.meshgrid(*[np.arange(float(n)) for n in box.grid.shape_kji], indexing="ij"), axis=-1)
    lps = box.grid.lps_of(index) - np.array(box.centre_lps_mm)
    waves = sum(np.cos(lps @ rng.normal(0.0, 0.25, 3) + rng.uniform(0.0, 6.28)) for _ in range(6))
    island = 1.0 / (1.0 + np.exp(np.linalg.norm(lps - rng.uniform(-8.0, 8.0, 3), axis=-1) - rng.uniform(6.0, 12.0)))
    soft = np.clip(0.4 + 0.2 * np.asarray(waves) + island, 0.0, 1.0)
    bone_m, soft_m = MATERIALS[MARROW_BONE], MATERIALS[SOFT_TISSUE]

    def mixed(of: Callable[[Material], float], geometric: bool = False) -> FloatArray:
        a, b = of(bone_m), of(soft_m)
        return np.asarray(a ** (1.0 - soft) * b**soft if geometric else (1.0 - soft) * a + soft * b)

    none = np.zeros(soft.shape)
    tissue = TissueMap(
        soft_m,
        mixed(lambda m: m.k_frozen, True),
        mixed(lambda m: m.k_unfrozen, True),
        mixed(lambda m: m.rho * m.c_frozen),
        mixed(lambda m: m.rho * m.c_unfrozen),
        mixed(lambda m: m.rho * m.latent_j_kg),
        none,
        none,
        np.full(soft.shape, np.nan),
    )
    return Scene(box, soft_m, bodies(pose), until_last_freeze(pose.protocol), BODY_C, tissue=tissue)


def distances_mm(exact: DrawnIce, quick: DrawnIce, level_c: float) -> FloatArray:
    """Return (n,) how far points of one isotherm lie from the other, mm; negative inside it."""
    points = isotherms.isotherm_points(exact.values, exact.grid, exact.level(level_c))
    return isotherms.distances_to_isotherm_mm(quick.values, quick.grid, points, quick.level(level_c))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--poses", type=int, default=50)
    parser.add_argument("--spacing", type=float, default=ice_preview.PREVIEW_SPACING_MM)
    asked = parser.parse_args()
    ice_preview.PREVIEW_SPACING_MM = asked.spacing
    warm_up()
    rng = np.random.default_rng(11)
    walls: list[float] = []
    found: dict[tuple[str, float], list[tuple[float, float, float]]] = {}
    for number, pose in enumerate(random_pose(rng) for _ in range(asked.poses)):
        for tissue in (*MATERIALS, MIXED):
            if tissue == MIXED:
                exact, quick = (drawn(mixed_scene(pose, h, number), SOFT_TISSUE) for h in (1.0, asked.spacing))
            else:
                exact = full(pose, tissue)
                began = time.perf_counter()
                quick = ice_preview.preview_ice(pose, tissue).drawn
                walls.append(time.perf_counter() - began)
            for level in ISOTHERMS_C:
                off = distances_mm(exact, quick, level)
                row = (float(np.abs(off).mean()), float(np.abs(off).max()), float(off.mean()))
                found.setdefault((tissue, level), []).append(row)
    print(f"preview on {asked.spacing:g} mm, {asked.poses} poses: median {1e3 * float(np.median(walls)):.0f} ms a run")
    for (tissue, level), rows in found.items():
        mean, most, signed = np.array(rows).T
        print(
            f"{tissue:19s} {level:4.0f} °C: distance mean {mean.mean():.2f} mm, worst mean {mean.max():.2f} mm, "
            f"largest {most.max():.2f} mm (median of largest {np.median(most):.2f}); the preview's ice is "
            f"{abs(signed.mean()):.2f} mm {'smaller' if signed.mean() > 0 else 'larger'}"
        )


if __name__ == "__main__":
    main()
