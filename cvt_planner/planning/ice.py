"""The predicted ice of a lesion's probes, and what it means for the lesion and the canal.

The ice is solved twice, in uniform soft tissue and in uniform marrow-filled bone, whose iceballs differ by several mm;
where asked for, twice more in the tissues of the CT, at both ends of what is credible. Coverage is stated from the ice
that covers least, distances to the canal from the ice that comes nearest.
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
from cvt_planner.base.remembered import Remembered
from cvt_planner.bioheat import isotherms
from cvt_planner.bioheat.law import HeatLaw
from cvt_planner.bioheat.scene import Phase, Scene
from cvt_planner.bioheat.solver import simulate
from cvt_planner.plan.figures import CT_ICE, UNIFORM_ICE, IceFigures, IsothermFigures
from cvt_planner.plan.model import Assembly, CanalMark, Lesion, Plan
from cvt_planner.plan.results import (
    ICE_SPACING_MM,
    ISOTHERMS_C,
    MARROW_BONE,
    OF_CT,
    SOFT_TISSUE,
    IceField,
    IceInputs,
    IceResult,
    ProbePlace,
    is_current,
)
from cvt_planner.plan.timeline import AFTERWARDS_S, frozen_at_s
from cvt_planner.planning.ct_tissues import CtTissues, marks_key
from cvt_planner.planning.ice_course import frame_times_s, frames_of, volumes_ml
from cvt_planner.planning.ice_scene import (
    BODY_C,
    EXTREMES,
    MATERIALS,
    bodies,
    box_around,
    law_of,
    until_last_freeze,
    zone,
)

# The tissues of the CT have a version of their own, in `ct_tissues.marks_key`.
MODEL_VERSION = (
    "4: two homogeneous tissues, the needles' metal, no perfusion; coldest until 5 min after the last freeze"
)
_NEAR_MM = 2.0  # a wall point within this of a height: the canal is known there


def ice_inputs(
    plan: Plan, lesion_id: str, content_hash: str, spacing_mm: float = 1.0, of_ct: bool = False
) -> IceInputs | None:
    """Return all that the ice of a lesion's probes depends on; None while the lesion has no assembly.

    `of_ct` asks for the tissues of the CT besides the homogeneous ones.
    """
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
        ct_marks=marks_key(plan) if of_ct else "",
    )


def asked_again(plan: Plan, inputs: IceInputs, content_hash: str) -> IceInputs | None:
    """Return what the same question would be asked from now: the same lesion, spacing and tissues."""
    return ice_inputs(plan, inputs.lesion_id, content_hash, inputs.spacing_mm, bool(inputs.ct_marks))


def current_ice(plan: Plan, lesion_id: str, content_hash: str, results: tuple[IceResult, ...]) -> IceResult | None:
    """Return the lesion's ice if it still belongs to the plan as it is now; None otherwise.

    At whatever spacing, and with or without the CT's tissues.
    """
    for result in results:
        if result.inputs.lesion_id != lesion_id:
            continue
        wanted = asked_again(plan, result.inputs, content_hash)
        return result if is_current(result, plan, wanted) else None
    return None


def predict_ice(inputs: IceInputs, progress: Progress | None = None, ct: CtTissues | None = None) -> IceResult:
    """Return the temperatures at the end of the last freeze, in soft tissue, in marrow-filled bone and as asked for.

    The coldest temperatures that come with them last until `AFTERWARDS_S` later, without active warming.

    Parameters
    ----------
    ct
        The tissues that `inputs.ct_marks` speaks of; needed when it is not empty.

    Raises
    ------
    InputRefused
        If probes cross or touch, lie so far apart that the box cannot be solved, or the grid's spacing is not within
        `ICE_SPACING_MM`; if the CT's tissues are asked for, but not given or those of other marks.
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    Not modelled: the probes of other lesions, large vessels, cooling along the probe's own shaft; in the homogeneous
    tissues also perfusion, cortex, fat, cerebrospinal fluid and air. Tissue starts at 37 degC.
    """
    progress = progress or Progress()
    if inputs.ct_marks and (ct is None or ct.key != inputs.ct_marks or ct.volume.content_hash != inputs.content_hash):
        raise InputRefused("The ice in this CT's tissues needs the CT and its marks as they are in the plan: open it.")
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
    maps = ct.on(box) if ct is not None and inputs.ct_marks else {}
    tissues = (*MATERIALS, *(EXTREMES if maps else ()))
    share = 1.0 / len(tissues)
    fields = []
    for number, tissue in enumerate(tissues):
        part = progress.part(number * share, (number + 1) * share)
        part.report(0.0, f"Ice in {tissue}")
        own = maps.get(EXTREMES[tissue]) if tissue in EXTREMES else None
        material = law_of(tissue).material
        scene = Scene(box, material, bodies(inputs), protocol, BODY_C, report_at_s=times_s, tissue=own)
        result = simulate(scene, part)
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
    rows = isotherm_figures(lesion.shape, result, ISOTHERMS_C)
    label = CT_ICE if result.inputs.ct_marks else UNIFORM_ICE
    wall = canal_points_lps([(canal.centre_lps_mm, canal.wall_lps_mm) for canal in canals]) if canals else None
    if wall is None or not _reaches_box(wall, result.fields[0]):
        return IceFigures(lesion.id, rows, False, None, None, None, None, label)
    coldest = [_coldest_c(f, wall) for f in result.fields]
    return IceFigures(
        lesion_id=lesion.id,
        isotherms=rows,
        canal_marked=_known_along(wall, lesion, result.inputs),
        canal_to_0c_mm=_nearest_mm(result, wall, 0.0),
        canal_to_minus_20c_mm=_nearest_mm(result, wall, -20.0),
        canal_minimum_c=min(coldest),
        canal_minimum_high_c=max(coldest),
        label=label,
        canal_coldest_in=result.fields[coldest.index(min(coldest))].tissue,
    )


def isotherm_figures(shape: LesionShape, result: IceResult, levels_c: tuple[float, ...]) -> tuple[IsothermFigures, ...]:
    """Return volumes and coverage of any isotherms (degC) at the end of the last freeze, in the order given.

    What the plan is judged by is `figures`, whatever isotherms are looked at.
    """
    return _ROWS.get(result, (shape, levels_c), lambda: _rows(shape, result, levels_c))


_ROWS: Remembered[tuple[IsothermFigures, ...]] = Remembered()


def _rows(shape: LesionShape, result: IceResult, levels_c: tuple[float, ...]) -> tuple[IsothermFigures, ...]:
    points = lesion_points_lps(shape)
    covered = {one.tissue: _covered(one, points, levels_c) for one in result.fields}
    volumes = {one.tissue: volumes_ml(one, levels_c) or () for one in result.fields}
    rows = []
    for n, iso in enumerate(levels_c):
        ordered = sorted(covered, key=lambda tissue: covered[tissue][n])
        least, most = ordered[0], ordered[-1]
        in_ct = [volumes[tissue][n] if tissue in volumes else None for tissue in OF_CT]
        rows.append(
            IsothermFigures(
                iso, volumes[SOFT_TISSUE][n], volumes[MARROW_BONE][n], covered[least][n], covered[most][n], least, most,
                *in_ct,
            )
        )  # fmt: skip
    return tuple(rows)


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


def _nearest_mm(result: IceResult, points: Points, iso_c: float) -> float | None:
    found = [_distance_mm(one, points, iso_c) for one in result.fields]
    return min((distance for distance in found if distance is not None), default=None)


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
