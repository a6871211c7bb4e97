"""The guard against treating the wrong level: what may leave the program only when the levels are established.

Final proposals, the CT-room sheet and everything else that is carried to the patient call `require_levels` first.
"""

from __future__ import annotations

from cvt_planner.base.errors import InputRefused
from cvt_planner.plan.checks.contract import CheckContext
from cvt_planner.plan.checks.level_confirmed import CHECK
from cvt_planner.plan.model import Plan


def level_doubts(plan: Plan, lesion_id: str = "") -> tuple[str, ...]:
    """Return why the levels of a plan's lesions (or of one of them) may not be relied on; empty where they may.

    They may where the check "level-confirmed" says no "stop": every lesion lies in a vertebra that the operator
    confirmed, or that was counted from such a one.
    """
    answers = CHECK.run(CheckContext(plan))
    return tuple(a.sentence for a in answers if a.verdict == "stop" and lesion_id in ("", a.lesion_id))


def require_levels(plan: Plan, what: str, lesion_id: str = "") -> None:
    """Return when `what` ("The CT-room sheet") may be given out.

    Raises
    ------
    InputRefused
        While a level is not established: says what is withheld, why, and what to do.
    """
    doubts = level_doubts(plan, lesion_id)
    if doubts:
        raise InputRefused(f"{what} is withheld until the level is confirmed. {doubts[0]}")
