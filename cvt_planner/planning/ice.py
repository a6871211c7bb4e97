"""The predicted ice of a lesion's probes, and what it means for the lesion and the canal. First version.

The ice is solved twice, in uniform soft tissue and in uniform marrow-filled bone, whose iceballs differ by several mm.
Coverage is stated from the smaller ice, distances to the canal from the larger.
"""

from __future__ import annotations

import math

import numpy as np

from cvt_planner.anatomy.canal import canal_points_lps
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.raster import lesion_points_lps
from cvt_planner.base.arrays import Float32Array, FloatArray, Points, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat import isotherms
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import Phase, Scene
from cvt_planner.bioheat.solver import simulate
from cvt_planner.plan.figures import IceFigures, IsothermFigures
from cvt_planner.plan.model import Assembly, CanalMark, Lesion, Plan
from cvt_planner.plan.results import (
    ICE_SPACING_MM,
    ISOTHERMS_C,
    MARROW_BONE,
    SOFT_TISSUE,
    IceField,
    IceInputs,
    IceResult,
    ProbePlace,
    is_current,
)
from cvt_planner.plan.timeline import AFTERWARDS_S, frozen_at_s
from cvt_planner.planning.ice_course import frame_times_s, frames_of, volumes_ml
from cvt_planner.planning.ice_scene import BODY_C, MATERIALS, bodies, box_around, law_of, until_last_freeze, zone
from cvt_planner.planning.remembered import Remembered

MODEL_VERSION = (
    "3: two homogeneous tissues, the needles' metal, no perfusion; coldest until 5 min after the last freeze"
)
_NEAR_MM = 2.0  # a wall point within this of a height: the canal is known there


def ice_inputs(plan: Plan, lesion_id: str, content_hash: str, spacing_mm: float = 1.0) -> IceInputs | None:
    """Return all that the ice of a lesion's probes depends on; None while the lesion has no assembly."""
    assemblies = plan.assemblies_of(lesion_id)
    if not assemblies:
        return None
    return IceInputs(
        lesion_id=lesion_id,
        content_hash=content_hash,
        probes=tuple(_place(a) for a in assemblies),
        protocol=plan.protocol,
        spacing_mm=float(spacing_mm),
        model_version=MODEL_VERSION,
    )


def current_ice(plan: Plan, lesion_id: str, content_hash: str, results: tuple[IceResult, ...]) -> IceResult | None:
    """Return the lesion's ice if it still belongs to the plan as it is now, at whatever spacing; None otherwise."""
    for result in results:
        if result.inputs.lesion_id != lesion_id:
            continue
        wanted = ice_inputs(plan, lesion_id, content_hash, result.inputs.spacing_mm)
        return result if is_current(result, plan, wanted) else None
    return None


def predict_ice(inputs: IceInputs, progress: Progress | None = None) -> IceResult:
    """Return the temperatures at the end of the last freeze, in soft tissue and in marrow-filled bone.

    The coldest temperatures that come with them last until `AFTERWARDS_S` later, without active warming.

    Raises
    ------
    InputRefused
        If probes cross or touch, lie so far apart that the box cannot be solved, or the grid's spacing is not within
        `ICE_SPACING_MM`.
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    Not modelled: the probes of other lesions, perfusion, the patient's own tissues (cortex, fat, cerebrospinal fluid,
    air), large vessels, cooling along the probe's own shaft. Tissue starts at 37 degC.
    """
    progress = progress or Progress()
    if not ICE_SPACING_MM[0] <= inputs.spacing_mm <= ICE_SPACING_MM[1]:
        raise InputRefused(
            f"A grid of {inputs.spacing_mm:g} mm is not fit for predicting ice: "
            f"give a spacing from {ICE_SPACING_MM[0]:g} to {ICE_SPACING_MM[1]:g} mm."
        )
    box = box_around(inputs, inputs.spacing_mm)
    protocol = until_last_freeze(inputs.protocol)
    frozen_s = frozen_at_s(inputs.protocol)
    protocol = (*protocol, Phase("thaw", AFTERWARDS_S))
    times_s = frame_times_s(protocol, box)  # the end of the last freeze among them
    share = 1.0 / len(MATERIALS)
    fields = []
    for number, (tissue, material) in enumerate(MATERIALS.items()):
        part = progress.part(number * share, (number + 1) * share)
        part.report(0.0, f"Ice in {tissue}")
        result = simulate(Scene(box, material, bodies(inputs), protocol, BODY_C, report_at_s=times_s), part)
        temperature = next(s.temperature_c for s in result.snapshots if abs(s.time_s - frozen_s) < 1e-6)
        smooth, law = _smooth(temperature, tissue)
        volumes = tuple((iso, isotherms.volume_ml(smooth, result.grid, _level(law, iso))) for iso in ISOTHERMS_C)
        costs = (result.energy_imbalance, result.wall_s)
        frames = frames_of(result)
        fields.append(IceField(tissue, temperature, result.grid, volumes, *costs, result.coldest_c, frames))
    progress.report(1.0, "Ice computed")
    return IceResult(inputs, tuple(fields))


def figures(plan: Plan, lesion_id: str, result: IceResult) -> IceFigures:
    """Return what the ice means: volumes, coverage of the lesion, distance and temperature at the canal's wall.

    Raises
    ------
    InputRefused
        If the lesion is no longer in the plan.

    Notes
    -----
    Says nothing about whether the result still belongs to the plan (`current_ice` does). Volumes and coverage are
    those at the end of the last freeze; distances and temperatures at the canal those of the coldest moment of each
    place. The canal is its bony wall as marked, continued 15 mm beyond the marks; dura, cord and nerve roots are not
    modelled.
    """
    lesion = plan.lesion(lesion_id)
    canals = tuple(mark.canal for mark in plan.levels if mark.canal is not None)
    return _FIGURES.get(result, (lesion.id, lesion.shape, canals), lambda: _figures(lesion, canals, result))


_FIGURES: Remembered[IceFigures] = Remembered()


def _figures(lesion: Lesion, canals: tuple[CanalMark, ...], result: IceResult) -> IceFigures:
    soft, marrow = result.field_of(SOFT_TISSUE), result.field_of(MARROW_BONE)
    rows = isotherm_figures(lesion.shape, result, ISOTHERMS_C)
    wall = canal_points_lps([(canal.centre_lps_mm, canal.wall_lps_mm) for canal in canals]) if canals else None
    if wall is None or not _reaches_box(wall, soft):
        return IceFigures(lesion.id, rows, False, None, None, None, None)
    lowest, highest = (_coldest_c(f, wall) for f in (soft, marrow))
    return IceFigures(
        lesion_id=lesion.id,
        isotherms=rows,
        canal_marked=_known_along(wall, lesion, result.inputs),
        canal_to_0c_mm=_distance_mm(soft, wall, 0.0),
        canal_to_minus_20c_mm=_distance_mm(soft, wall, -20.0),
        canal_minimum_c=min(lowest, highest),
        canal_minimum_high_c=max(lowest, highest),
    )


def isotherm_figures(shape: LesionShape, result: IceResult, levels_c: tuple[float, ...]) -> tuple[IsothermFigures, ...]:
    """Return volumes and coverage of any isotherms (degC) at the end of the last freeze, in the order given.

    What the plan is judged by is `figures`, whatever isotherms are looked at.
    """
    return _ROWS.get(result, (shape, levels_c), lambda: _rows(shape, result, levels_c))


_ROWS: Remembered[tuple[IsothermFigures, ...]] = Remembered()


def _rows(shape: LesionShape, result: IceResult, levels_c: tuple[float, ...]) -> tuple[IsothermFigures, ...]:
    points = lesion_points_lps(shape)
    soft, marrow = result.field_of(SOFT_TISSUE), result.field_of(MARROW_BONE)
    covered, covered_too = (_covered(one, points, levels_c) for one in (soft, marrow))
    soft_ml, marrow_ml = (volumes_ml(one, levels_c) or () for one in (soft, marrow))
    return tuple(
        IsothermFigures(
            temperature_c=iso,
            volume_soft_tissue_ml=soft_ml[n],
            volume_marrow_bone_ml=marrow_ml[n],
            covered_percent=min(covered[n], covered_too[n]),
            covered_high_percent=max(covered[n], covered_too[n]),
        )
        for n, iso in enumerate(levels_c)
    )


def _covered(ice: IceField, points: Points, levels_c: tuple[float, ...]) -> list[float]:
    """Return the percent of the points that each isotherm encloses."""
    smooth, law = _smooth(ice.temperature_c, ice.tissue)
    values = isotherms.sample_c(smooth, ice.grid, points)
    return [100.0 * float(np.mean(values < _level(law, level))) for level in levels_c]


def _place(assembly: Assembly) -> ProbePlace:
    return ProbePlace(
        assembly.probe_tip_lps_mm,
        vec3(assembly.outward),
        assembly.probe,
        assembly.needle,
        assembly.needle_retraction_mm,
    )


def _smooth(temperature: Float32Array, tissue: str) -> tuple[FloatArray, HeatLaw]:
    """Return the field in the Kirchhoff variable, which has no kink at the ice's edge as the temperature has."""
    law = law_of(tissue)
    return law.theta_of(temperature), law


def _level(law: HeatLaw, temperature_c: float) -> float:
    return float(law.theta_of(temperature_c))


def _distance_mm(ice: IceField, points: Points, iso_c: float) -> float | None:
    smooth, law = _smooth(_coldest(ice), ice.tissue)
    distance = isotherms.distance_to_isotherm_mm(smooth, ice.grid, points, _level(law, iso_c))
    return distance if math.isfinite(distance) else None


def _coldest_c(ice: IceField, points: Points) -> float:
    """Return the lowest temperature at the points, degC; what lies beyond the box is as warm as the body."""
    smooth, law = _smooth(_coldest(ice), ice.tissue)
    values = isotherms.sample_c(smooth, ice.grid, points)
    # As the distances are found, so that a wall inside the ice is never said to be above 0 degC.
    return float(law.temperature_of_theta(np.where(np.isnan(values), _level(law, BODY_C), values).min()))


def _coldest(ice: IceField) -> Float32Array:
    return ice.temperature_c if ice.coldest_c is None else ice.coldest_c


def _reaches_box(wall: Points, ice: IceField) -> bool:
    """Return whether any point of the canal's wall lies where temperatures were computed."""
    return bool(np.isfinite(isotherms.sample_c(ice.temperature_c, ice.grid, wall)).any())


def _known_along(wall: Points, lesion: Lesion, inputs: IceInputs) -> bool:
    """Return whether the canal is marked at the height of the lesion's centre and all along the active zones."""
    zones = np.concatenate([zone(place)[:, 2] for place in inputs.probes])
    low, high = min(zones.min(), lesion.centre_lps_mm[2]), max(zones.max(), lesion.centre_lps_mm[2])
    heights = np.linspace(low, high, max(math.ceil((high - low) / _NEAR_MM), 1) + 1)
    known = np.sort(wall[:, 2])
    nearest = np.clip(np.searchsorted(known, heights), 1, len(known) - 1)
    away = np.minimum(np.abs(known[nearest - 1] - heights), np.abs(known[nearest] - heights))
    return bool(np.all(away <= _NEAR_MM))
