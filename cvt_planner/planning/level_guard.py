"""The guard against treating the wrong level: what may leave the program only when the levels are established.

Everything that is carried to the patient (final proposals, the CT-room sheet: there is none yet) has to call
`require_levels` first.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cvt_planner.base.errors import InputRefused
from cvt_planner.plan.checks.contract import CheckContext
from cvt_planner.plan.checks.level_confirmed import CHECK
from cvt_planner.plan.level_state import anchors, how_counted, standing
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


def levels_report(plan: Plan) -> dict[str, Any]:
    """Return how the levels of a plan stand, as plain values: each with how it was counted, and what the guard says."""
    doubts = level_doubts(plan)
    return {
        "established": not doubts,
        "doubts": list(doubts),
        "confirmed": [mark.level for mark in anchors(plan)],
        "scheme": asdict(plan.scheme),
        "named": [
            {
                "level": mark.level,
                "centre_lps_mm": list(mark.centre_lps_mm),
                "stands": standing(plan, mark.level),
                "how_counted": how_counted(plan, mark.level),
            }
            for mark in plan.levels
        ],
    }
