"""The edit that corrects what was found of the spine; see `plan.edits` for what an edit is."""

from __future__ import annotations

from dataclasses import replace

from cvt_planner.anatomy.spine.corrections import AnatomyEdits
from cvt_planner.plan.edits import Edit


def set_anatomy(anatomy: AnatomyEdits) -> Edit:
    """Return the edit that sets the corrections of the found spine."""
    return lambda plan: plan if plan.anatomy == anatomy else replace(plan, anatomy=anatomy)
