"""Whether left and right of a plan's CT may be named: from header and picture, or because an operator confirmed it."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.imaging.posture import position_words
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Plan, SidesMark

TURNED = (
    "The operator found the sides turned: this CT is not to be planned on. Have the patient's position corrected at "
    "the scanner and the series exported again."
)


@dataclass(frozen=True)
class SidesState:
    """How left and right of a CT stand.

    Parameters
    ----------
    named
        Whether the views may show the letters and a plan may speak of sides.
    reason
        Why header and picture alone do not settle it; empty where they do.
    words
        The sentence for the user.
    mark
        The operator's confirmation of this very CT, if there is one.
    """

    named: bool
    reason: str
    words: str
    mark: SidesMark | None = None


def sides_state(plan: Plan | None, volume: Volume) -> SidesState:
    """Return how left and right of the planning CT stand, with what the plan's operator confirmed about it."""
    reason = "" if volume.sides_confirmed else volume.sides_reason
    mark = plan.sides if plan else None
    if mark is not None and mark.content_hash != volume.content_hash:
        mark = None
    if mark is not None and not mark.as_header:
        return SidesState(False, reason or "The operator found the sides turned.", TURNED, mark)
    if not reason:
        return SidesState(True, "", _agreed(volume), mark)
    if mark is None:
        words = f"Left and right are not confirmed. {reason} Look at the picture and confirm the sides."
        return SidesState(False, reason, words)
    day = mark.at.replace("T", " ")[:16]
    return SidesState(True, reason, f"Left and right as in the header, confirmed by {mark.by} on {day}. {reason}", mark)


def sides_named(plan: Plan | None, volume: Volume | None) -> bool:
    """Return whether the views may write left and right; quick enough for every painting. True without a CT."""
    if volume is None:
        return True
    mark = plan.sides if plan else None
    if mark is None or mark.content_hash != volume.content_hash:
        return volume.sides_confirmed
    return mark.as_header


def _agreed(volume: Volume) -> str:
    position = volume.series.patient_position
    said = f"The header's position ({position_words(position)})" if position else "The file's axes"
    if volume.posture is None or not volume.posture.evidence or volume.posture.verdict == "cannot tell":
        return f"{said}: the picture does not speak against it."
    return f"{said}: the picture agrees. {' '.join(volume.posture.evidence)}"
