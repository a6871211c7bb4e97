"""Laying needles: target, entry, dragging and nudging. Mouse, keys and buttons all come through here."""

from __future__ import annotations

import uuid
from dataclasses import replace
from enum import StrEnum

import numpy as np

from app.desk import Aim, Desk
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.plan import edits
from cvt_planner.plan.model import Assembly, Plan, Side
from cvt_planner.plan.sides import sides_named, sides_state
from cvt_planner.planning.placement import place_assembly

NUDGE_MM = 0.5
USUAL_NEEDLES = 2  # one through each pedicle: Open Biomed Eng J 2016;10:62, doi 10.2174/1874120701610010062


class Grip(StrEnum):
    """By what a needle is held."""

    TARGET = "target"
    ENTRY = "entry"
    SHAFT = "shaft"


def begin(desk: Desk, side: Side | None) -> None:
    """Begin a new needle for the chosen lesion; the next target and entry make it."""
    if desk.lesion is None:
        desk.say("Mark a lesion first, or choose one: a needle is laid for a lesion.", "look")
        return
    if _sides_in_doubt(desk):
        return
    desk.choose_assembly("")
    desk.set_aim(Aim(side))
    desk.choose_tool("aim")


def set_target(desk: Desk, point: Vec3) -> None:
    """Set the target (the probe's tip): of the chosen needle, else of the one that is begun."""
    assembly = desk.assembly
    if assembly is not None:
        _move(desk, assembly, point, assembly.entry_lps_mm, "Move target")
        return
    if not _may_aim(desk, point):
        return
    side = desk.aim.side if desk.aim else None
    desk.set_aim(Aim(side, point))


def set_entry(desk: Desk, point: Vec3) -> None:
    """Set the entry: of the chosen needle, else of the one whose target is set, which then exists."""
    assembly = desk.assembly
    if assembly is not None:
        _move(desk, assembly, assembly.probe_tip_lps_mm, point, "Move entry", on_skin=True)
        return
    lesion, aim = desk.lesion, desk.aim
    if lesion is None or aim is None or aim.target_lps_mm is None:
        desk.say("Set the target first (T), then the entry (E).", "look")
        return
    target = aim.target_lps_mm
    made: list[Assembly] = []

    def edit(plan: Plan) -> Plan:
        made.append(_on_skin(place_assembly(desk.workspace.volume, plan, lesion.id, target, point)))
        return edits.add_assembly(made[-1])(plan)

    if desk.apply(edit, "Lay needle"):
        wished = aim.side
        desk.choose_assembly(made[-1].id)
        desk.choose_tool("navigate")
        if wished is not None and made[-1].side is not wished:
            desk.say(f"This needle enters on the patient's {made[-1].side.value}, not on the {wished.value}.", "look")


def next_needle(desk: Desk) -> None:
    """Choose the next needle of the lesion; after the last one begin a new one while there are fewer than two."""
    lesion, plan = desk.lesion, desk.plan
    if lesion is None or plan is None:
        desk.say("Mark a lesion first: needles are laid for a lesion.", "look")
        return
    ids = [a.id for a in plan.assemblies_of(lesion.id)]
    present = desk.view_state.assembly_id
    at = ids.index(present) + 1 if present in ids else 0
    if at < len(ids):
        desk.choose_assembly(ids[at], go=True)
    elif len(ids) < USUAL_NEEDLES or present not in ids:
        begin(desk, _other_side(plan, lesion.id))
    else:
        desk.choose_assembly(ids[0], go=True)


def next_lesion(desk: Desk) -> None:
    """Choose the next lesion and go there."""
    plan = desk.plan
    if plan is None or not plan.lesions:
        return
    ids = [lesion.id for lesion in plan.lesions]
    at = ids.index(desk.view_state.lesion_id) + 1 if desk.view_state.lesion_id in ids else 0
    desk.choose_lesion(ids[at % len(ids)], go=True)


def drag(desk: Desk, start: Assembly, grip: Grip, by_mm: Points, gesture: str) -> None:
    """Move a needle by its grip, from where it was at the start of the drag; all moves of a drag are one undo step."""
    tip, entry = np.array(start.probe_tip_lps_mm), np.array(start.entry_lps_mm)
    if grip is not Grip.ENTRY:
        tip = tip + by_mm
    if grip is not Grip.TARGET:
        entry = entry + by_mm
    _place(desk, start, vec3(tip), vec3(entry), f"Move {grip.value}", gesture)


def settle_on_skin(desk: Desk, assembly_id: str, gesture: str) -> None:
    """End the drag of an entry: it comes to lie where the axis passes the skin."""
    desk.apply(lambda plan: edits.replace_assembly(_on_skin(plan.assembly(assembly_id)))(plan), "Move entry", gesture)


def nudge(desk: Desk, by_mm: Points, grip: Grip) -> bool:
    """Move the chosen needle by its grip. Return whether there was one."""
    assembly = desk.assembly
    if assembly is None:
        return False
    drag(desk, assembly, grip, by_mm, f"nudge {assembly.id} {grip.value}")
    return True


def new_gesture(words: str) -> str:
    """Return a name no other drag has."""
    return f"{words} {uuid.uuid4().hex[:8]}"


def needle_axes(outward: Points) -> dict[str, tuple[Vec3, Vec3]]:
    """Return (right, down) of each view that is turned along a needle.

    The axial and the sagittal view are tilted until they hold the needle; the coronal one looks along it.
    """
    x, y, z = np.eye(3)
    along = outward / np.linalg.norm(outward)
    normal = _unit(np.cross(x, along), fallback=z)
    normal = normal if normal[2] > 0 else -normal
    axial = _pair(x, y, normal)
    normal = _unit(np.cross(along, z), fallback=x)
    sagittal = _pair(y, -z, normal)
    return {"axial": axial, "sagittal": sagittal, "coronal": _pair(x, -z, along)}


def _pair(right: Points, down: Points, normal: Points) -> tuple[Vec3, Vec3]:
    """Return the two directions taken into the plane across `normal`, at right angles."""
    level = down - (down @ normal) * normal
    right = _unit(right - (right @ normal) * normal, fallback=np.cross(_unit(level, fallback=down), normal))
    across = np.cross(normal, right)
    return vec3(right), vec3(across if across @ down > 0 else -across)


def _unit(vector: Points, fallback: Points) -> Points:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-3 else fallback


def _on_skin(assembly: Assembly) -> Assembly:
    """Return the assembly with its entry where the axis passes the skin; the same one where the CT does not show it."""
    skin = assembly.skin_entry_lps_mm
    return assembly if skin is None else replace(assembly, entry_lps_mm=skin)


def _move(desk: Desk, assembly: Assembly, tip: Vec3, entry: Vec3, words: str, on_skin: bool = False) -> None:
    """Move a needle at once: held for this one step, so that its ice follows as it does after a drag."""
    _place(desk, assembly, tip, entry, words, new_gesture("aim"), on_skin)
    desk.workspace.end_gesture()


def _place(
    desk: Desk, assembly: Assembly, tip: Vec3, entry: Vec3, words: str, gesture: str = "", on_skin: bool = False
) -> None:
    def edit(plan: Plan) -> Plan:
        placed = place_assembly(desk.workspace.volume, plan, plan.assembly(assembly.id), tip, entry)
        return edits.replace_assembly(_on_skin(placed) if on_skin else placed)(plan)

    desk.apply(edit, words, gesture)


def _sides_in_doubt(desk: Desk) -> bool:
    """Return whether no needle may be laid because left and right are not confirmed; it is said then."""
    volume = desk.volume
    if volume is None or sides_named(desk.plan, volume):
        return False
    desk.say(sides_state(desk.plan, volume).words, "stop")
    return True


def _may_aim(desk: Desk, point: Vec3) -> bool:
    if desk.lesion is None:
        desk.say("Mark a lesion first, or choose one: a needle is laid for a lesion.", "look")
        return False
    if _sides_in_doubt(desk):
        return False
    if desk.volume is None or not desk.volume.grid.contains(np.array(point)):
        desk.say("The target lies outside the CT. Set it inside the picture.", "look")
        return False
    return True


def _other_side(plan: Plan, lesion_id: str) -> Side | None:
    sides = {a.side for a in plan.assemblies_of(lesion_id)}
    if len(sides) != 1:
        return None
    return Side.RIGHT if Side.LEFT in sides else Side.LEFT
