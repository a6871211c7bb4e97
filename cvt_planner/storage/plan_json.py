"""The plan as JSON and back, exactly. docs/plan-file.md describes the keys; units stand in their names.

Masks and temperatures are not in the JSON: it names the parts of the file that hold them. `parts` maps those names to
their bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape, Region
from cvt_planner.anatomy.levels import LevelScheme
from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.devices.cryoprobe import CryoprobeModel, ProbeOrigin
from cvt_planner.imaging.volume import Patient
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    FreezePhase,
    Lesion,
    LesionKind,
    LevelCount,
    LevelMark,
    PatientPosition,
    Plan,
    Side,
    SidesMark,
    VolumeRef,
    VolumeRole,
)
from cvt_planner.storage import nrrd_part
from cvt_planner.storage.record import Record

Parts = dict[str, bytes]
GetPart = Callable[[str], bytes]

# --- writing


def plan_as_json(plan: Plan, parts: Parts) -> dict[str, Any]:
    """Return the plan as JSON values; grown regions' masks are put into `parts`."""
    values: dict[str, Any] = {
        "id": plan.id,
        "patient": asdict(plan.patient),
        "patient_position": plan.patient_position.value,
        "notes": plan.notes,
        "volumes": [_volume_as_json(v) for v in plan.volumes],
        "scheme": asdict(plan.scheme),
        "levels": [_level_as_json(mark) for mark in plan.levels],
        "lesions": [_lesion_as_json(lesion, number, parts) for number, lesion in enumerate(plan.lesions)],
        "assemblies": [_assembly_as_json(a) for a in plan.assemblies],
        "protocol": protocol_as_json(plan.protocol),
    }
    if plan.sides is not None:
        values["sides"] = asdict(plan.sides)
    return values


def protocol_as_json(protocol: tuple[FreezePhase, ...]) -> list[dict[str, Any]]:
    """Return the phases as JSON values."""
    return [{"kind": phase.kind, "seconds": phase.seconds} for phase in protocol]


def _volume_as_json(volume: VolumeRef) -> dict[str, Any]:
    values = asdict(volume)
    values["role"] = volume.role.value
    values["shape_kji"] = list(volume.shape_kji)
    values["planning_from_this"] = list(volume.planning_from_this)
    return values


def _level_as_json(mark: LevelMark) -> dict[str, Any]:
    canal = None
    if mark.canal is not None:
        wall = [list(point) for point in mark.canal.wall_lps_mm]
        canal = {"centre_lps_mm": list(mark.canal.centre_lps_mm), "wall_lps_mm": wall}
    return {
        "level": mark.level,
        "centre_lps_mm": list(mark.centre_lps_mm),
        "confirmed": mark.confirmed,
        "count": None if mark.count is None else asdict(mark.count),
        "canal": canal,
    }


def _lesion_as_json(lesion: Lesion, number: int, parts: Parts) -> dict[str, Any]:
    return {
        "id": lesion.id,
        "name": lesion.name,
        "level": lesion.level,
        "kind": lesion.kind.value,
        "vas": lesion.vas,
        "shape": _shape_as_json(lesion.shape, number, parts),
    }


def _shape_as_json(shape: LesionShape, number: int, parts: Parts) -> dict[str, Any]:
    if isinstance(shape, Ellipsoid):
        return {
            "type": "ellipsoid",
            "centre_lps_mm": list(shape.centre_lps_mm),
            "semi_axes_mm": list(shape.semi_axes_mm),
        }
    name = f"masks/lesion-{number + 1}.nrrd"
    parts[name] = nrrd_part.encode(shape.mask.astype("uint8"), shape.grid)
    return {
        "type": "region",
        "mask": name,
        "digest": shape.digest,
        "seed_lps_mm": list(shape.seed_lps_mm),
        "low_hu": shape.low_hu,
        "high_hu": shape.high_hu,
        "radius_mm": shape.radius_mm,
        "volume_ml": shape.volume_ml,
    }


def _assembly_as_json(assembly: Assembly) -> dict[str, Any]:
    skin, bone = assembly.skin_entry_lps_mm, assembly.bone_entry_lps_mm
    return {
        "id": assembly.id,
        "lesion_id": assembly.lesion_id,
        "side": assembly.side.value,
        "probe_tip_lps_mm": list(assembly.probe_tip_lps_mm),
        "entry_lps_mm": list(assembly.entry_lps_mm),
        "skin_entry_lps_mm": None if skin is None else list(skin),
        "bone_entry_lps_mm": None if bone is None else list(bone),
        "needle_retraction_mm": assembly.needle_retraction_mm,
        "needle": needle_as_json(assembly.needle),
        "probe": probe_as_json(assembly.probe),
    }


def probe_as_json(probe: CryoprobeModel) -> dict[str, Any]:
    """Return a cryoprobe's record as JSON values."""
    return {**asdict(probe), "assumed": list(probe.assumed), "origin": probe.origin.value}


# --- reading


def plan_from_json(record: Record, get_part: GetPart) -> Plan:
    """Return the plan; raise `InputRefused` naming the place where the JSON is not as it should be."""
    volumes = tuple(_volume(r) for r in record.records("volumes"))
    if sum(v.role is VolumeRole.PLANNING for v in volumes) != 1:
        raise InputRefused("it names no planning CT, or several")
    plan = Plan(
        id=record.text("id"),
        patient=_patient(record.record("patient")),
        volumes=volumes,
        levels=tuple(_level(r) for r in record.records("levels")),
        lesions=tuple(_lesion(r, get_part) for r in record.records("lesions")),
        assemblies=tuple(_assembly(r) for r in record.records("assemblies")),
        protocol=protocol_from_json(record),
        patient_position=record.choice("patient_position", PatientPosition),
        notes=record.text("notes"),
        sides=_sides(record),
        scheme=_scheme(record.record("scheme")),
    )
    _hangs_together(plan)
    return plan


def protocol_from_json(record: Record) -> tuple[FreezePhase, ...]:
    """Return the phases under the key ``protocol``."""
    return tuple(FreezePhase(r.text("kind"), r.number("seconds")) for r in record.records("protocol"))


def _hangs_together(plan: Plan) -> None:
    lesions = {lesion.id for lesion in plan.lesions}
    if len(lesions) != len(plan.lesions) or len({a.id for a in plan.assemblies}) != len(plan.assemblies):
        raise InputRefused("two of its parts have the same id")
    if any(a.lesion_id not in lesions for a in plan.assemblies):
        raise InputRefused("a needle in it belongs to no lesion")
    if len({mark.level for mark in plan.levels}) != len(plan.levels):
        raise InputRefused("a level is marked twice in it")


def _sides(r: Record) -> SidesMark | None:
    """Return the operator's confirmation; files written before there was one lack it."""
    if not r.has("sides") or (found := r.record_or_none("sides")) is None:
        return None
    return SidesMark(found.flag("as_header"), found.text("by"), found.text("at"), found.text("content_hash"))


def _patient(r: Record) -> Patient:
    return Patient(r.text("name"), r.text("patient_id"), r.text("birth_date"), r.text("sex"), r.text("age"))


def _volume(r: Record) -> VolumeRef:
    shape = r.numbers("shape_kji", 3)
    return VolumeRef(
        role=r.choice("role", VolumeRole),
        series_uid=r.text("series_uid"),
        study_uid=r.text("study_uid"),
        frame_of_reference_uid=r.text("frame_of_reference_uid"),
        content_hash=r.text("content_hash"),
        description=r.text("description"),
        acquired_at=r.text("acquired_at"),
        shape_kji=(int(shape[0]), int(shape[1]), int(shape[2])),
        source=r.text("source"),
        planning_from_this=r.numbers("planning_from_this", 16),
    )


def _level(r: Record) -> LevelMark:
    canal = r.record_or_none("canal")
    mark = None
    if canal is not None:
        wall = tuple(
            Record({"point": p}, f"{canal.where}.wall_lps_mm").point("point") for p in canal.items("wall_lps_mm")
        )
        mark = CanalMark(canal.point("centre_lps_mm"), wall)
    counted = r.record_or_none("count")
    count = None
    if counted is not None:
        count = LevelCount(
            counted_from=counted.text("counted_from"),
            picture=counted.text("picture"),
            by=counted.text("by"),
            at=counted.text("at"),
            content_hash=counted.text("content_hash"),
            renumbered=counted.whole("renumbered"),
            doubt=counted.text("doubt"),
        )
    return LevelMark(r.text("level"), r.point("centre_lps_mm"), r.flag("confirmed"), mark, count)


def _scheme(r: Record) -> LevelScheme:
    return LevelScheme(r.whole("thoracic"), r.whole("lumbar"))


def _lesion(r: Record, get_part: GetPart) -> Lesion:
    return Lesion(
        id=r.text("id"),
        name=r.text("name"),
        level=r.text("level"),
        kind=r.choice("kind", LesionKind),
        shape=_shape(r.record("shape"), get_part),
        vas=None if r.number_or_none("vas") is None else r.whole("vas"),
    )


def _shape(r: Record, get_part: GetPart) -> LesionShape:
    kind = r.text("type")
    if kind == "ellipsoid":
        return Ellipsoid(r.point("centre_lps_mm"), r.point("semi_axes_mm"))
    if kind != "region":
        raise InputRefused(f"'type' of {r.where} is neither ellipsoid nor region")
    mask, grid = nrrd_part.decode(get_part(r.text("mask")), "uint8")
    region = Region(
        mask=mask.astype(bool),
        grid=grid,
        seed_lps_mm=r.point("seed_lps_mm"),
        low_hu=r.number("low_hu"),
        high_hu=r.number("high_hu"),
        radius_mm=r.number("radius_mm"),
        volume_ml=r.number("volume_ml"),
    )
    if region.digest != r.text("digest"):
        raise InputRefused(f"the mask of {r.where} is not the one that was saved")
    return region


def _assembly(r: Record) -> Assembly:
    return Assembly(
        id=r.text("id"),
        lesion_id=r.text("lesion_id"),
        side=r.choice("side", Side),
        probe_tip_lps_mm=r.point("probe_tip_lps_mm"),
        entry_lps_mm=r.point("entry_lps_mm"),
        skin_entry_lps_mm=r.point_or_none("skin_entry_lps_mm"),
        bone_entry_lps_mm=r.point_or_none("bone_entry_lps_mm"),
        needle=needle_from_json(r.record("needle")),
        probe=probe_from_json(r.record("probe")),
        needle_retraction_mm=r.number("needle_retraction_mm"),
    )


def needle_as_json(needle: BoneNeedleModel) -> dict[str, Any]:
    """Return a needle's record as JSON values."""
    return asdict(needle)


def needle_from_json(r: Record) -> BoneNeedleModel:
    """Return a needle's record."""
    return BoneNeedleModel(
        key=r.text("key"),
        name=r.text("name"),
        gauge=r.text("gauge"),
        outer_diameter_mm=r.number("outer_diameter_mm"),
        inner_diameter_mm=r.number("inner_diameter_mm"),
        length_mm=r.number("length_mm"),
        source=r.text("source"),
    )


def probe_from_json(r: Record) -> CryoprobeModel:
    """Return a cryoprobe's record; files written before `assumed` and `origin` existed lack them."""
    assumed = r.texts("assumed") if r.has("assumed") else ()
    origin = r.choice("origin", ProbeOrigin) if r.has("origin") else ProbeOrigin.CATALOGUE
    return CryoprobeModel(
        key=r.text("key"),
        name=r.text("name"),
        gauge=r.text("gauge"),
        outer_diameter_mm=r.number("outer_diameter_mm"),
        dead_tip_mm=r.number("dead_tip_mm"),
        active_length_mm=r.number("active_length_mm"),
        shaft_length_mm=r.number("shaft_length_mm"),
        tip_temperature_c=r.number("tip_temperature_c"),
        cooldown_s=r.number("cooldown_s"),
        power_limit_w=r.number_or_none("power_limit_w"),
        source=r.text("source") or "assumed",
        assumed=assumed,
        origin=origin,
    )
