"""How sure the level of a vertebra is: confirmed by the operator, counted from there, or neither."""

from __future__ import annotations

from typing import Literal

from cvt_planner.plan.model import LevelMark, Plan

Standing = Literal["confirmed", "counted", "doubtful", "marked", "unmarked"]
DOUBT = "?"  # written behind a name that is not established


def mark_of(plan: Plan, level: str) -> LevelMark | None:
    """Return the mark of a level; None where it is not marked."""
    return next((mark for mark in plan.levels if mark.level == level), None)


def anchors(plan: Plan) -> tuple[LevelMark, ...]:
    """Return the vertebrae that the operator confirmed on this plan's CT, from head to foot."""
    return tuple(mark for mark in plan.levels if mark.confirmed and _of_this_ct(plan, mark))


def standing(plan: Plan, level: str) -> Standing:
    """Return how a level stands.

    "confirmed": the operator looked at this vertebra. "counted": named from a confirmed one. "doubtful": the same, but
    the counting may have gone wrong on the way. "marked": named, by nobody who vouches for it. "unmarked".
    """
    mark = mark_of(plan, level)
    if mark is None:
        return "unmarked"
    known = {anchor.level for anchor in anchors(plan)}
    if level in known:
        return "confirmed"
    count = mark.count
    if mark.confirmed or count is None or count.counted_from not in known or not _of_this_ct(plan, mark):
        return "marked"
    return "doubtful" if count.doubt else "counted"


def is_established(plan: Plan, level: str) -> bool:
    """Return whether a level may be relied on: confirmed, or counted from a confirmed vertebra without a doubt."""
    return standing(plan, level) in ("confirmed", "counted")


def level_words(plan: Plan, level: str) -> str:
    """Return the level as it is to be written: "L2", or "L2?" while it is not established."""
    return level if is_established(plan, level) else level + DOUBT


def how_counted(plan: Plan, level: str) -> str:
    """Return how a level got its name, as a sentence: from which vertebra, on which picture, by whom, when."""
    mark, stands = mark_of(plan, level), standing(plan, level)
    if mark is None:
        return f"{level} is not marked."
    if stands == "marked":
        return f"{level} is marked and not confirmed."
    count = mark.count
    if count is None:
        return f"{level} is confirmed; how it was counted is not recorded."
    when = " ".join(w for w in (f"by {count.by}" if count.by else "", f"on {_day(count.at)}" if count.at else "") if w)
    if stands == "confirmed":
        counted = "recognised" if count.counted_from == level and not count.renumbered else _from(count.counted_from)
        words = ", ".join(w for w in (f"{counted} on {count.picture}" if count.picture else counted, when) if w)
        return f"{level} is confirmed: {words}{_renumbered(count.renumbered)}."
    anchor = f"{count.counted_from}, which was confirmed{f' {when}' if when else ''}"
    doubt = f" {count.doubt}" if count.doubt else ""
    return f"{level} is counted from {anchor}, on {count.picture}.{doubt}"


def _from(name: str) -> str:
    return f"counted from {name}"


def _renumbered(steps: int) -> str:
    if not steps:
        return ""
    count = "one vertebra" if abs(steps) == 1 else f"{abs(steps)} vertebrae"
    return f"; renumbered since by {count} towards the {'feet' if steps > 0 else 'head'}"


def _day(at: str) -> str:
    return at.replace("T", " ")[:16]


def _of_this_ct(plan: Plan, mark: LevelMark) -> bool:
    return mark.count is None or mark.count.content_hash == plan.planning_volume.content_hash
