"""Are the slices thin enough to judge pedicles?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import THICK_MM, Check, CheckContext, Finding


def _find(context: CheckContext) -> Iterator[Finding]:
    distance = context.slice_distance_mm
    if distance is None:
        yield Finding("CT", "not judged", "The CT is not open, so the distance of its slices is not judged.")
    elif distance > THICK_MM:
        text = f"Slices lie {distance:.1f} mm apart: widths and clearances in the pedicles cannot be judged on this CT."
        yield Finding("CT", "not judged", text, distance)
    else:
        text = f"Slices lie {distance:.1f} mm apart, thin enough to judge pedicles."
        yield Finding("CT", "ok", text, distance)


CHECK = Check(
    key="slice-distance",
    title="Slices thin enough for pedicles",
    unit="mm",
    limit=f"at most {THICK_MM:g} mm apart",
    not_modelled="The scanner's own slice thickness and blur.",
    source="assumed",
    find=_find,
)
