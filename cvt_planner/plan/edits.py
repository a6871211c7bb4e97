"""Edits: functions that return a function ``Plan -> Plan``, ready for `Workspace.apply`.

Example: ``workspace.apply(edits.rename_lesion(lesion_id, "Metastasis L2"), "Rename lesion")``.
An edit never changes the plan it is given. Where nothing changes it returns that very plan, so that no undo step is
made. What cannot be done raises `InputRefused` with a sentence, and the plan stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.levels import NAMES
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import BoneNeedleModel
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    FreezePhase,
    Lesion,
    LesionKind,
    LevelMark,
    PatientPosition,
    Plan,
    SidesMark,
    VolumeRef,
    VolumeRole,
    default_retraction_mm,
    new_id,
)

Edit: TypeAlias = Callable[[Plan], Plan]
_Part = TypeVar("_Part", Lesion, Assembly, LevelMark, VolumeRef)


def free_lesion_name(plan: Plan, wanted: str = "", but_id: str = "") -> str:
    """Return a lesion name no other lesion has: the wanted one, or it with a number ("Lesion 2", "Hip (2)")."""
    taken = {lesion.name for lesion in plan.lesions if lesion.id != but_id}
    wanted = " ".join(wanted.split())
    if wanted and wanted not in taken:
        return wanted
    pattern = f"{wanted} ({{}})" if wanted else "Lesion {}"
    number = 2 if wanted else 1
    while pattern.format(number) in taken:
        number += 1
    return pattern.format(number)


def new_lesion(
    plan: Plan, level: str, kind: LesionKind, shape: LesionShape, vas: int | None = None, name: str = ""
) -> Lesion:
    """Return a lesion with a new id and a name that is free in the plan; it is not in the plan yet (`add_lesion`)."""
    return Lesion(id=new_id(), name=free_lesion_name(plan, name), level=level, kind=kind, shape=shape, vas=vas)


# --- lesions


def add_lesion(lesion: Lesion) -> Edit:
    """Return the edit that adds a lesion; a name that is taken gets a number. Refuses an id that is in use."""

    def edit(plan: Plan) -> Plan:
        if any(other.id == lesion.id for other in plan.lesions):
            raise InputRefused("This lesion is in the plan already.")
        return replace(plan, lesions=(*plan.lesions, replace(lesion, name=free_lesion_name(plan, lesion.name))))

    return edit


def replace_lesion(lesion: Lesion) -> Edit:
    """Return the edit that puts a lesion in the place of the one with its id; a name that is taken gets a number."""

    def edit(plan: Plan) -> Plan:
        old = plan.lesion(lesion.id)
        named = replace(lesion, name=free_lesion_name(plan, lesion.name, but_id=lesion.id))
        return plan if named == old else replace(plan, lesions=_swapped(plan.lesions, old, named))

    return edit


def remove_lesion(lesion_id: str) -> Edit:
    """Return the edit that removes a lesion together with its assemblies."""

    def edit(plan: Plan) -> Plan:
        plan.lesion(lesion_id)
        return replace(
            plan,
            lesions=tuple(lesion for lesion in plan.lesions if lesion.id != lesion_id),
            assemblies=tuple(a for a in plan.assemblies if a.lesion_id != lesion_id),
        )

    return edit


def rename_lesion(lesion_id: str, name: str) -> Edit:
    """Return the edit that renames a lesion; an empty name becomes "Lesion n", a name that is taken gets a number."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), name=name))(plan)


def set_lesion_level(lesion_id: str, level: str) -> Edit:
    """Return the edit that says in which vertebra a lesion lies."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), level=level))(plan)


def set_lesion_kind(lesion_id: str, kind: LesionKind) -> Edit:
    """Return the edit that says whether a lesion is lytic, mixed or blastic."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), kind=kind))(plan)


def set_lesion_vas(lesion_id: str, vas: int | None) -> Edit:
    """Return the edit that sets a lesion's pain, 0 to 10; None where it is not known."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), vas=vas))(plan)


def set_lesion_shape(lesion_id: str, shape: LesionShape) -> Edit:
    """Return the edit that gives a lesion another outline."""
    return lambda plan: replace_lesion(replace(plan.lesion(lesion_id), shape=shape))(plan)


# --- levels and canal


def mark_level(level: str, centre_lps_mm: Vec3) -> Edit:
    """Return the edit that names a vertebra at a point of its body, LPS mm.

    There is one mark per level: marking again moves it and takes back its confirmation; its canal stays.
    """

    def edit(plan: Plan) -> Plan:
        old = _mark_of(plan, level)
        if old is not None and old.centre_lps_mm == centre_lps_mm:
            return plan
        return _with_mark(plan, LevelMark(level, centre_lps_mm, canal=old.canal if old else None))

    return edit


def confirm_level(level: str, confirmed: bool = True) -> Edit:
    """Return the edit that confirms a marked level (or takes the confirmation back).

    `level_edits.confirm_anchor` records how it was counted as well, and names the other vertebrae.
    """

    def edit(plan: Plan) -> Plan:
        mark = _marked(plan, level)
        return _with_mark(plan, replace(mark, confirmed=confirmed, count=mark.count if confirmed else None))

    return edit


def remove_level(level: str) -> Edit:
    """Return the edit that removes the mark of a level with its canal."""

    def edit(plan: Plan) -> Plan:
        _marked(plan, level)
        return replace(plan, levels=tuple(mark for mark in plan.levels if mark.level != level))

    return edit


def mark_canal(level: str, canal: CanalMark | None) -> Edit:
    """Return the edit that keeps the canal's outline at a marked level; None removes it."""
    return lambda plan: _with_mark(plan, replace(_marked(plan, level), canal=canal))


def mark_canals(canals: Mapping[str, CanalMark]) -> Edit:
    """Return the edit that keeps the canal's outline at several levels; one marked already, or gone, is left."""

    def edit(plan: Plan) -> Plan:
        for level, canal in canals.items():
            if any(mark.level == level and mark.canal is None for mark in plan.levels):
                plan = mark_canal(level, canal)(plan)
        return plan

    return edit


# --- assemblies


def add_assembly(assembly: Assembly) -> Edit:
    """Return the edit that adds an assembly to its lesion. Refuses an id in use and a lesion that is not there."""

    def edit(plan: Plan) -> Plan:
        plan.lesion(assembly.lesion_id)
        if any(other.id == assembly.id for other in plan.assemblies):
            raise InputRefused("This needle is in the plan already.")
        return replace(plan, assemblies=(*plan.assemblies, assembly))

    return edit


def replace_assembly(assembly: Assembly) -> Edit:
    """Return the edit that puts an assembly in the place of the one with its id."""

    def edit(plan: Plan) -> Plan:
        plan.lesion(assembly.lesion_id)
        old = plan.assembly(assembly.id)
        return plan if assembly == old else replace(plan, assemblies=_swapped(plan.assemblies, old, assembly))

    return edit


def put_assembly(assembly: Assembly) -> Edit:
    """Return the edit that adds an assembly, or replaces the one with its id: for a drag that starts with nothing."""

    def edit(plan: Plan) -> Plan:
        known = any(other.id == assembly.id for other in plan.assemblies)
        return (replace_assembly if known else add_assembly)(assembly)(plan)

    return edit


def remove_assembly(assembly_id: str) -> Edit:
    """Return the edit that removes an assembly."""

    def edit(plan: Plan) -> Plan:
        plan.assembly(assembly_id)
        return replace(plan, assemblies=tuple(a for a in plan.assemblies if a.id != assembly_id))

    return edit


def set_needle(assembly_id: str, needle: BoneNeedleModel) -> Edit:
    """Return the edit that chooses another bone needle."""
    return lambda plan: replace_assembly(replace(plan.assembly(assembly_id), needle=needle))(plan)


def set_probe(assembly_id: str, probe: CryoprobeModel) -> Edit:
    """Return the edit that chooses another cryoprobe; the needle's retraction follows unless it was set by hand."""

    def edit(plan: Plan) -> Plan:
        old = plan.assembly(assembly_id)
        by_hand = old.needle_retraction_mm != default_retraction_mm(old.probe)
        retraction = old.needle_retraction_mm if by_hand else default_retraction_mm(probe)
        return replace_assembly(replace(old, probe=probe, needle_retraction_mm=retraction))(plan)

    return edit


# --- the plan as a whole


def set_protocol(phases: Iterable[FreezePhase]) -> Edit:
    """Return the edit that sets the phases of freezing; there must be at least one freeze."""
    protocol = tuple(phases)

    def edit(plan: Plan) -> Plan:
        if not any(phase.kind == "freeze" for phase in protocol):
            raise InputRefused("The protocol needs at least one freeze.")
        return plan if protocol == plan.protocol else replace(plan, protocol=protocol)

    return edit


def set_position(position: PatientPosition) -> Edit:
    """Return the edit that says how the patient lies during the procedure."""
    return lambda plan: plan if position is plan.patient_position else replace(plan, patient_position=position)


def mark_sides(mark: SidesMark) -> Edit:
    """Return the edit that records what an operator found out about left and right."""
    return lambda plan: plan if mark == plan.sides else replace(plan, sides=mark)


def set_notes(notes: str) -> Edit:
    """Return the edit that sets the notes."""
    return lambda plan: plan if notes == plan.notes else replace(plan, notes=notes)


def set_source(path: str, role: VolumeRole = VolumeRole.PLANNING) -> Edit:
    """Return the edit that remembers where the CT of a role was found this time, as an absolute path."""
    path = str(Path(path).absolute())

    def edit(plan: Plan) -> Plan:
        for old in plan.volumes:
            if old.role is role:
                new = replace(old, source=path)
                return plan if new == old else replace(plan, volumes=_swapped(plan.volumes, old, new))
        raise InputRefused(f"The plan has no {role.value} CT.")

    return edit


# --- parts


def _swapped(parts: tuple[_Part, ...], old: _Part, new: _Part) -> tuple[_Part, ...]:
    return tuple(new if part is old else part for part in parts)


def _mark_of(plan: Plan, level: str) -> LevelMark | None:
    return next((mark for mark in plan.levels if mark.level == level), None)


def _marked(plan: Plan, level: str) -> LevelMark:
    mark = _mark_of(plan, level)
    if mark is None:
        raise InputRefused(f"{level} is not marked yet: mark the level first.")
    return mark


def _with_mark(plan: Plan, mark: LevelMark) -> Plan:
    if mark == _mark_of(plan, mark.level):
        return plan
    marks = (*(other for other in plan.levels if other.level != mark.level), mark)
    return replace(plan, levels=tuple(sorted(marks, key=lambda m: NAMES.index(m.level))))
