"""Scenes as JSON, for scripts: read strictly, solve, answer. The format is described with `cvt-planner simulate`."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.isotherms import extent_mm, sample_c, volume_ml
from cvt_planner.bioheat.json_reading import a_list, an_object, get, need, number, numbers, only_known, point
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene, Sleeve
from cvt_planner.bioheat.scene_regions import Fill, material, read_tissue
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE
from cvt_planner.imaging.nrrd import write_nrrd

SCENE_KEYS = (
    "spacing_mm", "size_mm", "initial_c", "perfusion_w_m3k", "material", "probes", "protocol", "isotherms_c",
    "report_at_s", "sample_points_lps_mm", "metabolic_w_m3", "regions", "labels",
)  # fmt: skip
PROBE_KEYS = tuple("needle" if f.name == "sleeve" else f.name for f in fields(ProbeBody))
NEEDLE_KEYS = tuple(f.name for f in fields(Sleeve))
ISOTHERMS_C = (-1.0, -20.0, -40.0)


@dataclass(frozen=True)
class SceneRequest:
    """A scene, and what is asked of it: isotherms in degC, points in LPS mm."""

    scene: Scene
    isotherms_c: tuple[float, ...]
    sample_points_lps_mm: tuple[Vec3, ...]


def read_scene(json_dict: object, folder: Path = Path()) -> SceneRequest:
    """Return the request that a parsed SCENE.json makes.

    Left out, `isotherms_c` is -1, -20, -40, `report_at_s` the end of the protocol, `material` soft tissue. `folder` is
    where the relative path of a label file starts.

    Raises
    ------
    InputRefused
        Naming the key, when one is unknown, missing, of a wrong type, or its value cannot be used.
    """
    data = an_object(json_dict, "The scene")
    only_known(data, SCENE_KEYS, "The scene")
    box = HeatBox(get(data, "size_mm", point, (80.0, 80.0, 80.0)), get(data, "spacing_mm", number, 1.0))
    background = Fill(
        material(data["material"]) if "material" in data else SOFT_TISSUE,
        get(data, "perfusion_w_m3k", number, 0.0),
        get(data, "metabolic_w_m3", number, 0.0),
    )
    scene = Scene(
        box=box,
        material=background.material,
        probes=tuple(
            _probe(p, f"probes[{n}]") for n, p in enumerate(a_list(need(data, "probes", "The scene"), "probes"))
        ),
        protocol=tuple(
            _phase(p, f"protocol[{n}]") for n, p in enumerate(a_list(need(data, "protocol", "The scene"), "protocol"))
        ),
        initial_c=get(data, "initial_c", number, 37.0),
        perfusion_w_m3k=background.perfusion_w_m3k,
        metabolic_w_m3=background.metabolic_w_m3,
        report_at_s=get(data, "report_at_s", numbers, ()),
        tissue=read_tissue(data, box, background, folder),
    )
    samples = tuple(
        point(p, f"sample_points_lps_mm[{n}]")
        for n, p in enumerate(a_list(data.get("sample_points_lps_mm", []), "sample_points_lps_mm"))
    )
    for n, sample in enumerate(samples):
        if not box.holds(np.array(sample)):
            raise InputRefused(f"sample_points_lps_mm[{n}] lies outside the box; move it or enlarge the box.")
    return SceneRequest(scene, get(data, "isotherms_c", numbers, ISOTHERMS_C), samples)


def answer(request: SceneRequest, result: HeatResult) -> dict[str, Any]:
    """Return the answer as plain JSON values: isotherms per time, samples per time, and what the run cost.

    Surfaces are found in the Kirchhoff variable, which is smooth where the temperature has its kink, at the front.
    """
    law = HeatLaw(request.scene.material, request.scene.initial_c)
    points = np.array(request.sample_points_lps_mm, dtype=np.float64).reshape(-1, 3)
    isotherms, samples = [], []
    for shot in result.snapshots:
        theta = law.theta_of(shot.temperature_c)
        for iso_c in request.isotherms_c:
            level = float(law.theta_of(iso_c))
            isotherms.append(
                {
                    "time_s": shot.time_s,
                    "temp_c": iso_c,
                    "volume_ml": volume_ml(theta, result.grid, level),
                    "extent_mm": list(extent_mm(theta, result.grid, level)),
                }
            )
        temps = (
            [float(t) for t in law.temperature_of_theta(sample_c(theta, result.grid, points))] if len(points) else []
        )
        samples.append({"time_s": shot.time_s, "temps_c": temps})
    return {
        "isotherms": isotherms,
        "samples": samples,
        "cells": result.cells,
        "solved_cells": result.solved_cells,
        "steps": result.steps,
        "wall_s": result.wall_s,
        "energy_imbalance": result.energy_imbalance,
        "probe_heat_j": list(result.probe_heat_j),
        "wall_heat_j": result.wall_heat_j,
        "blood_heat_j": result.blood_heat_j,
    }


def run_scene_file(
    path: Path | str, out_nrrd: Path | str | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the answer to a SCENE.json; with `out_nrrd`, also write the temperature at the last report time there.

    Raises
    ------
    InputRefused
        When the file cannot be read, is not JSON, or asks for what cannot be solved; the text names the file.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused(f"{path} cannot be read; give a SCENE.json file.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputRefused(f"{path} is not JSON: {error}. Correct it there.") from error
    try:
        request = read_scene(data, path.parent)
    except InputRefused as error:
        raise InputRefused(f"{path}: {error}") from error
    result = simulate(request.scene, progress)
    if out_nrrd is not None:
        write_nrrd(out_nrrd, result.snapshots[-1].temperature_c, result.grid)
    return answer(request, result)


def _probe(value: object, where: str) -> ProbeBody:
    data = an_object(value, repr(where))
    only_known(data, PROBE_KEYS, repr(where))
    limit = data.get("power_limit_w")
    return ProbeBody(
        tip_lps_mm=point(need(data, "tip_lps_mm", where), f"{where}.tip_lps_mm"),
        direction=point(need(data, "direction", where), f"{where}.direction"),
        active_length_mm=number(need(data, "active_length_mm", where), f"{where}.active_length_mm"),
        diameter_mm=number(need(data, "diameter_mm", where), f"{where}.diameter_mm"),
        temperature_c=number(need(data, "temperature_c", where), f"{where}.temperature_c"),
        cooldown_s=number(data.get("cooldown_s", 0.0), f"{where}.cooldown_s"),
        power_limit_w=None if limit is None else number(limit, f"{where}.power_limit_w"),
        dead_tip_mm=number(data.get("dead_tip_mm", 0.0), f"{where}.dead_tip_mm"),
        start_delay_s=number(data.get("start_delay_s", 0.0), f"{where}.start_delay_s"),
        duty=number(data.get("duty", 1.0), f"{where}.duty"),
        power_curve_w=_curve(data.get("power_curve_w", []), f"{where}.power_curve_w"),
        sleeve=_needle(data["needle"], f"{where}.needle") if data.get("needle") is not None else None,
    )


def _curve(value: object, where: str) -> tuple[tuple[float, float], ...]:
    pairs = [numbers(pair, f"{where}[{n}]") for n, pair in enumerate(a_list(value, where))]
    if any(len(pair) != 2 for pair in pairs):
        raise InputRefused(f"{where!r} must be a list of pairs, seconds and watts.")
    return tuple((pair[0], pair[1]) for pair in pairs)


def _needle(value: object, where: str) -> Sleeve:
    data = an_object(value, repr(where))
    only_known(data, NEEDLE_KEYS, repr(where))
    for key in ("tip_mm", "outer_diameter_mm", "inner_diameter_mm"):
        need(data, key, where)
    return Sleeve(**{key: number(data[key], f"{where}.{key}") for key in NEEDLE_KEYS if key in data})


def _phase(value: object, where: str) -> Phase:
    data = an_object(value, repr(where))
    only_known(data, ("phase", "seconds", "temperature_c"), repr(where))
    kind = need(data, "phase", where)
    if kind not in ("freeze", "thaw"):
        raise InputRefused(f'\'{where}.phase\' is {kind!r}; it must be "freeze" or "thaw".')
    held = data.get("temperature_c")
    return Phase(
        kind,
        number(need(data, "seconds", where), f"{where}.seconds"),
        None if held is None else number(held, f"{where}.temperature_c"),
    )
