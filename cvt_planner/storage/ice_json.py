"""Computed ice as JSON and compressed temperature pictures, and back.

Temperatures are kept to 0.01 degC (int16); what was derived from the exact ones (volumes) is kept as numbers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Float32Array, read_only
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.plan.results import HOMOGENEOUS, ISOTHERMS_C, OF_CT, IceField, IceInputs, IceResult, ProbePlace
from cvt_planner.storage import nrrd_part
from cvt_planner.storage.plan_json import (
    needle_as_json,
    needle_from_json,
    probe_as_json,
    probe_from_json,
    protocol_as_json,
    protocol_from_json,
)
from cvt_planner.storage.record import Record
from cvt_planner.storage.shape_json import GetPart, Parts

STEPS_PER_DEGREE = 100.0


def ice_as_json(results: tuple[IceResult, ...], parts: Parts) -> list[dict[str, Any]]:
    """Return the results as JSON values; the temperatures are put into `parts`."""
    return [
        {
            "inputs": _inputs_as_json(result.inputs),
            "fields": [_field_as_json(f, f"ice/{number + 1}-{n + 1}.nrrd", parts) for n, f in enumerate(result.fields)],
        }
        for number, result in enumerate(results)
    ]


def _inputs_as_json(inputs: IceInputs) -> dict[str, Any]:
    return {
        "lesion_id": inputs.lesion_id,
        "content_hash": inputs.content_hash,
        "spacing_mm": inputs.spacing_mm,
        "model_version": inputs.model_version,
        "ct_marks": inputs.ct_marks,
        "protocol": protocol_as_json(inputs.protocol),
        "probes": [
            {
                "probe_tip_lps_mm": list(place.probe_tip_lps_mm),
                "outward": list(place.outward),
                "probe": probe_as_json(place.probe),
                "needle": None if place.needle is None else needle_as_json(place.needle),
                "needle_tip_mm": place.needle_tip_mm,
            }
            for place in inputs.probes
        ],
    }


def _field_as_json(ice: IceField, name: str, parts: Parts) -> dict[str, Any]:
    parts[name] = _encoded(ice.temperature_c, ice.grid)
    coldest = None
    if ice.coldest_c is not None:
        coldest = name.replace(".nrrd", "-coldest.nrrd")
        parts[coldest] = _encoded(ice.coldest_c, ice.grid)
    return {
        "tissue": ice.tissue,
        "temperature_centi_c": name,
        "coldest_centi_c": coldest,
        "volumes": [{"isotherm_c": isotherm, "volume_ml": volume} for isotherm, volume in ice.volumes_ml],
        "energy_imbalance": ice.energy_imbalance,
        "wall_s": ice.wall_s,
    }


def _encoded(temperature_c: Float32Array, grid: Grid) -> bytes:
    limit = np.iinfo(np.int16).max
    steps = np.clip(np.rint(temperature_c * STEPS_PER_DEGREE), -limit, limit).astype(np.int16)
    return nrrd_part.encode(steps, grid)


def ice_from_json(record: Record, get_part: GetPart) -> tuple[IceResult, ...]:
    """Return the results under the key ``ice``; raise `InputRefused` where they are not as they should be."""
    return tuple(_result(r, get_part) for r in record.records("ice"))


def _result(r: Record, get_part: GetPart) -> IceResult:
    inputs = r.record("inputs")
    fields = tuple(_field(f, get_part) for f in r.records("fields"))
    ct_marks = inputs.text("ct_marks") if inputs.has("ct_marks") else ""  # the key came later than the format
    if sorted(f.tissue for f in fields) != sorted((*HOMOGENEOUS, *(OF_CT if ct_marks else ()))):
        raise InputRefused(f"{r.where} is not one picture for each kind of tissue")
    return IceResult(
        inputs=IceInputs(
            lesion_id=inputs.text("lesion_id"),
            content_hash=inputs.text("content_hash"),
            probes=tuple(_place(p) for p in inputs.records("probes")),
            protocol=protocol_from_json(inputs),
            spacing_mm=inputs.number("spacing_mm"),
            model_version=inputs.text("model_version"),
            ct_marks=ct_marks,
        ),
        fields=fields,
    )


def _place(p: Record) -> ProbePlace:
    place = ProbePlace(p.point("probe_tip_lps_mm"), p.point("outward"), probe_from_json(p.record("probe")))
    if not p.has("needle") or p.values["needle"] is None:  # the keys came later than the format
        return place
    return replace(place, needle=needle_from_json(p.record("needle")), needle_tip_mm=p.number("needle_tip_mm"))


def _field(r: Record, get_part: GetPart) -> IceField:
    temperature, grid = _decoded(get_part(r.text("temperature_centi_c")))
    coldest = None
    if r.values.get("coldest_centi_c") is not None:  # the key came later than the format
        coldest, its_grid = _decoded(get_part(r.text("coldest_centi_c")))
        if not its_grid.same_as(grid):
            raise InputRefused(f"the two pictures of {r.where} do not lie at the same place")
    volumes = tuple((v.number("isotherm_c"), v.number("volume_ml")) for v in r.records("volumes"))
    if not set(ISOTHERMS_C) <= {isotherm for isotherm, _ in volumes}:
        raise InputRefused(f"{r.where} lacks the volume of an isotherm")
    return IceField(
        tissue=r.text("tissue"),
        temperature_c=temperature,
        grid=grid,
        volumes_ml=volumes,
        energy_imbalance=r.number("energy_imbalance"),
        wall_s=r.number("wall_s"),
        coldest_c=coldest,
    )


def _decoded(content: bytes) -> tuple[Float32Array, Grid]:
    steps, grid = nrrd_part.decode(content, "int16")
    return read_only((steps / np.float32(STEPS_PER_DEGREE)).astype(np.float32)), grid
