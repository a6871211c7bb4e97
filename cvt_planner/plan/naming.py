"""The names of the vertebrae that were found in the open CT: confirmed, counted, or proposed only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cvt_planner.anatomy.counting import counting_doubt, names_from_anchor, vertebra_near
from cvt_planner.anatomy.levels import is_level
from cvt_planner.anatomy.numbering import Numbering
from cvt_planner.anatomy.spine.model import Spine, Vertebra
from cvt_planner.base.arrays import Vec3
from cvt_planner.plan.level_state import DOUBT, anchors, mark_of
from cvt_planner.plan.model import LevelMark, Plan

Named = Literal["confirmed", "counted", "doubtful", "proposed", ""]


@dataclass(frozen=True)
class NamedVertebra:
    """A found vertebra with its name as it stands; `level` is empty where it has none."""

    vertebra: Vertebra
    level: str
    stands: Named

    @property
    def words(self) -> str:
        """Return the name as it is to be written: "L2", "L2?" while it may be wrong, "?" without a name."""
        return self.level if self.stands in ("confirmed", "counted") else self.level + DOUBT


def named_vertebrae(plan: Plan, spine: Spine, numbering: Numbering | None = None) -> tuple[NamedVertebra, ...]:
    """Return the vertebrae from head to feet with their names.

    Names are counted from the vertebra that the operator confirmed; else from one marked by hand, as a proposal; else
    they are the automatic proposal, where there is one. The last answer is kept: every painting asks.
    """
    global _last
    of = (plan.levels, plan.scheme, plan.volumes, spine, numbering)
    known = _last
    if known is None or any(a is not b for a, b in zip(known[0], of, strict=True)):
        _last = known = (of, _named(plan, spine, numbering))
    return known[1]


_last: tuple[tuple[object, ...], tuple[NamedVertebra, ...]] | None = None


def _named(plan: Plan, spine: Spine, numbering: Numbering | None) -> tuple[NamedVertebra, ...]:
    sure = _placed(spine, anchors(plan))
    start = next(iter(sure.items()), None) or next(iter(_placed(spine, plan.levels).items()), None)
    names = numbering.names if numbering is not None else {}
    if start is not None and start[1] in plan.scheme.names:
        names = names_from_anchor(spine, start[0], start[1], plan.scheme)

    def stands(number: int) -> Named:
        if number not in names:
            return ""
        if not sure or start is None:
            return "proposed"
        if sure.get(number) == names[number]:
            return "confirmed"
        return "doubtful" if counting_doubt(spine, start[0], number) else "counted"

    return tuple(NamedVertebra(v, names.get(v.number, ""), stands(v.number)) for v in spine.found)


def level_of(plan: Plan, spine: Spine, numbering: Numbering | None, lps_mm: Vec3) -> str:
    """Return the level of the vertebra a point lies in or beside, LPS mm; empty where it is not known."""
    near = vertebra_near(spine, lps_mm)
    if near is None:
        return ""
    level = named_vertebrae(plan, spine, numbering)[near.number - 1].level
    return level if is_level(level) else ""


def lesion_levels(plan: Plan, spine: Spine | None, numbering: Numbering | None = None) -> dict[str, str]:
    """Return the level that each lesion has by counting over the spine as it is now, by lesion id.

    Only where a vertebra is confirmed, and for lesions in or beside a found vertebra: to be held against the levels
    that the plan says, since the spine may have been corrected after these were counted.
    """
    if spine is None:
        return {}
    named = named_vertebrae(plan, spine, numbering)
    levels = {}
    for lesion in plan.lesions:
        near = vertebra_near(spine, lesion.centre_lps_mm)
        if near is not None and named[near.number - 1].stands in ("confirmed", "counted", "doubtful"):
            levels[lesion.id] = named[near.number - 1].level
    return levels


def is_counted_over(plan: Plan, spine: Spine, numbering: Numbering | None = None) -> bool:
    """Return whether the plan's names are those that counting over this spine gives, for every named vertebra."""
    for one in named_vertebrae(plan, spine, numbering):
        if one.stands in ("confirmed", "counted", "doubtful"):
            mark = mark_of(plan, one.level)
            if mark is None or vertebra_near(spine, mark.centre_lps_mm) != one.vertebra:
                return False
    return True


def _placed(spine: Spine, marks: tuple[LevelMark, ...]) -> dict[int, str]:
    """Return the levels of the marks by the number of the vertebra they lie in."""
    near = ((vertebra_near(spine, mark.centre_lps_mm), mark.level) for mark in marks)
    return {vertebra.number: level for vertebra, level in near if vertebra is not None}
