"""The safety checks, one file each. A new one is a file here and a line in `CHECKS`."""

from __future__ import annotations

from cvt_planner.plan.checks import (
    aorta_path,
    canal_ice,
    canal_path,
    cement_cap,
    coverage,
    inside_ct,
    level_confirmed,
    lung_path,
    metal_clear,
    missing_slices,
    needle_length,
    probe_in_needle,
    probe_length,
    probe_spacing,
    side,
    sides_confirmed,
    skin_entry,
    slice_distance,
)
from cvt_planner.plan.checks.contract import VERDICTS, Check, CheckContext, CheckResult, IceState, Verdict

CHECKS: tuple[Check, ...] = (
    sides_confirmed.CHECK,
    slice_distance.CHECK,
    missing_slices.CHECK,
    level_confirmed.CHECK,
    inside_ct.CHECK,
    side.CHECK,
    skin_entry.CHECK,
    canal_path.CHECK,
    lung_path.CHECK,
    aorta_path.CHECK,
    needle_length.CHECK,
    probe_length.CHECK,
    probe_in_needle.CHECK,
    metal_clear.CHECK,
    probe_spacing.CHECK,
    coverage.CHECK,
    canal_ice.CHECK,
    cement_cap.CHECK,
)


def run_checks(context: CheckContext) -> tuple[CheckResult, ...]:
    """Return the answers of all checks, in the order of `CHECKS`."""
    return tuple(result for check in CHECKS for result in check.run(context))


def worst(results: tuple[CheckResult, ...]) -> Verdict:
    """Return the gravest verdict among the answers: stop, look, not judged, ok."""
    gravest: tuple[Verdict, ...] = ("stop", "look", "not judged")
    return next((verdict for verdict in gravest if any(r.verdict == verdict for r in results)), "ok")


__all__ = [
    "CHECKS",
    "VERDICTS",
    "Check",
    "CheckContext",
    "CheckResult",
    "IceState",
    "Verdict",
    "run_checks",
    "worst",
]
