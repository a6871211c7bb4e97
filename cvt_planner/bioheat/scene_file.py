"""Scenes as JSON, for scripts: read strictly, solve, answer. The format is described with `cvt-planner simulate`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.isotherms import extent_mm, sample_c, volume_ml
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE, Material
from cvt_planner.imaging.nrrd import write_nrrd

SCENE_KEYS = (
    "spacing_mm", "size_mm", "initial_c", "perfusion_w_m3k", "material", "probes", "protocol", "isotherms_c",
    "report_at_s", "sample_points_lps_mm",
)  # fmt: skip
PROBE_KEYS = tuple(f.name for f in fields(ProbeBody))
MATERIAL_KEYS = tuple(f.name for f in fields(Material))
ISOTHERMS_C = (-1.0, -20.0, -40.0)

_T = TypeVar("_T")


@dataclass(frozen=True)
class SceneRequest:
    """A scene, and what is asked of it: isotherms in degC, points in LPS mm."""

    scene: Scene
    isotherms_c: tuple[float, ...]
    sample_points_lps_mm: tuple[Vec3, ...]


def read_scene(json_dict: object) -> SceneRequest:
    """Return the request that a parsed SCENE.json makes.

    Left out, `isotherms_c` is -1, -20, -40, `report_at_s` the end of the protocol, `material` soft tissue.

    Raises
    ------
    InputRefused
        Naming the key, when one is unknown, missing, of a wrong type, or its value cannot be used.
    """
    data = _object(json_dict, "The scene")
    _known(data, SCENE_KEYS, "The scene")
    scene = Scene(
        box=HeatBox(_get(data, "size_mm", _vec3, (80.0, 80.0, 80.0)), _get(data, "spacing_mm", _number, 1.0)),
        material=_material(data["material"]) if "material" in data else SOFT_TISSUE,
        probes=tuple(
            _probe(p, f"probes[{n}]") for n, p in enumerate(_list(_need(data, "probes", "The scene"), "probes"))
        ),
        protocol=tuple(
            _phase(p, f"protocol[{n}]") for n, p in enumerate(_list(_need(data, "protocol", "The scene"), "protocol"))
        ),
        initial_c=_get(data, "initial_c", _number, 37.0),
        perfusion_w_m3k=_get(data, "perfusion_w_m3k", _number, 0.0),
        report_at_s=_get(data, "report_at_s", _numbers, ()),
    )
    points = tuple(
        _vec3(p, f"sample_points_lps_mm[{n}]")
        for n, p in enumerate(_list(data.get("sample_points_lps_mm", []), "sample_points_lps_mm"))
    )
    for number, point in enumerate(points):
        if not scene.box.holds(np.array(point)):
            raise InputRefused(f"sample_points_lps_mm[{number}] lies outside the box; move it or enlarge the box.")
    return SceneRequest(scene, _get(data, "isotherms_c", _numbers, ISOTHERMS_C), points)


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
        request = read_scene(data)
    except InputRefused as error:
        raise InputRefused(f"{path}: {error}") from error
    result = simulate(request.scene, progress)
    if out_nrrd is not None:
        write_nrrd(out_nrrd, result.snapshots[-1].temperature_c, result.grid)
    return answer(request, result)


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputRefused(f"{where} must be a JSON object, not {_kind(value)}.")
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _known(data: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in keys:
            raise InputRefused(f"{where} has an unknown key {key!r}; known are {', '.join(keys)}.")


def _need(data: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in data:
        raise InputRefused(f"{where} lacks {key!r}; add it.")
    return data[key]


def _get(data: Mapping[str, Any], key: str, read: Callable[[object, str], _T], default: _T) -> _T:
    return read(data[key], key) if key in data else default


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputRefused(f"{where!r} must be a number, not {_kind(value)}.")
    try:
        number = float(value)
    except OverflowError as error:
        raise InputRefused(f"{where!r} is too large a number.") from error
    if not math.isfinite(number):
        raise InputRefused(f"{where!r} must be a finite number, not {number}.")
    return number


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputRefused(f"{where!r} must be a list, not {_kind(value)}.")
    return value


def _numbers(value: object, where: str) -> tuple[float, ...]:
    return tuple(_number(v, f"{where}[{n}]") for n, v in enumerate(_list(value, where)))


def _vec3(value: object, where: str) -> Vec3:
    numbers = _numbers(value, where)
    if len(numbers) != 3:
        raise InputRefused(f"{where!r} must be a list of three numbers, x, y and z.")
    return (numbers[0], numbers[1], numbers[2])


def _material(value: object) -> Material:
    data = _object(value, "'material'")
    _known(data, MATERIAL_KEYS, "'material'")
    read: dict[str, Any] = {}
    for key in MATERIAL_KEYS:
        if key in ("latent_law", "frozen_law"):
            if key in data:
                if not isinstance(data[key], str):
                    raise InputRefused(f"'material.{key}' must be a text, not {_kind(data[key])}.")
                read[key] = data[key]
        else:
            read[key] = _number(_need(data, key, "'material'"), f"material.{key}")
    return Material(**read)


def _probe(value: object, where: str) -> ProbeBody:
    data = _object(value, repr(where))
    _known(data, PROBE_KEYS, repr(where))
    limit = data.get("power_limit_w")
    return ProbeBody(
        tip_lps_mm=_vec3(_need(data, "tip_lps_mm", where), f"{where}.tip_lps_mm"),
        direction=_vec3(_need(data, "direction", where), f"{where}.direction"),
        active_length_mm=_number(_need(data, "active_length_mm", where), f"{where}.active_length_mm"),
        diameter_mm=_number(_need(data, "diameter_mm", where), f"{where}.diameter_mm"),
        temperature_c=_number(_need(data, "temperature_c", where), f"{where}.temperature_c"),
        cooldown_s=_number(data.get("cooldown_s", 0.0), f"{where}.cooldown_s"),
        power_limit_w=None if limit is None else _number(limit, f"{where}.power_limit_w"),
    )


def _phase(value: object, where: str) -> Phase:
    data = _object(value, repr(where))
    _known(data, ("phase", "seconds", "temperature_c"), repr(where))
    kind = _need(data, "phase", where)
    if kind not in ("freeze", "thaw"):
        raise InputRefused(f'\'{where}.phase\' is {kind!r}; it must be "freeze" or "thaw".')
    held = data.get("temperature_c")
    return Phase(
        kind,
        _number(_need(data, "seconds", where), f"{where}.seconds"),
        None if held is None else _number(held, f"{where}.temperature_c"),
    )
