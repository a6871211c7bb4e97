"""Are left and right what the header says?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding


def _find(context: CheckContext) -> Iterator[Finding]:
    sides = context.sides
    if sides is None:
        yield Finding("CT", "not judged", "The CT is not open, so its left and right are not judged.")
    elif not sides.named:
        yield Finding("CT", "stop", sides.words)
    else:
        yield Finding("CT", "look" if sides.reason else "ok", sides.words)


CHECK = Check(
    key="sides-confirmed",
    title="Left and right confirmed",
    unit="",
    limit="the header says how the patient lies and the picture does not contradict it, or the operator confirmed it",
    not_modelled=(
        "Couch, spine, lung bases and liver are looked for; where a picture shows none of them, an exchanged left and "
        "right is not seen. A mirrored body (situs inversus) looks like a wrong header."
    ),
    source="DICOM PS3.3 C.7.3.1.1.2 (Patient Position); what is seen in the picture: assumed.",
    find=_find,
)
