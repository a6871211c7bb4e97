"""An operator's word on left and right."""

from __future__ import annotations

from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.edits import mark_sides
from cvt_planner.plan.model import Plan, SidesMark
from cvt_planner.planning.operator import now, who


def sides_mark(volume: Volume, as_header: bool) -> SidesMark:
    """Return the mark of the present user, now, on a CT: the sides are as the header says, or they are turned."""
    return SidesMark(as_header, who(), now(), volume.content_hash)


def confirmed_sides(plan: Plan, volume: Volume) -> Plan:
    """Return the plan with the sides of its CT confirmed as the header says.

    A plan in which they were found turned stays as it is: that is put right in the CT, not in the plan.
    """
    old = plan.sides
    if old is not None and old.content_hash == volume.content_hash:
        return plan
    return mark_sides(sides_mark(volume, True))(plan)
