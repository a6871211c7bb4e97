"""Does the probe pass through the needle's bore?"""

from __future__ import annotations

from collections.abc import Iterator

from cvt_planner.plan.checks.contract import Check, CheckContext, Finding, about_needle
from cvt_planner.trajectory.fit import LEAST_BORE_SLACK_MM

_ROUNDING_MM = 1e-9


def _find(context: CheckContext) -> Iterator[Finding]:
    for assembly in context.plan.assemblies:
        figures = context.assemblies.get(assembly.id)
        if figures is None:
            continue
        name, play = context.needle_name(assembly), figures.bore_play_mm
        pair = f"a {assembly.probe.gauge} probe in a {assembly.needle.gauge} needle"
        if play <= 0.0:
            text = f"The probe of {name} does not pass its needle: {pair} ({-play:.2f} mm too thick)."
            yield about_needle(context, assembly, "stop", text, play)
        elif play < LEAST_BORE_SLACK_MM - _ROUNDING_MM:
            text = f"The probe of {name} passes its needle only just: {pair} has {play:.2f} mm of play."
            yield about_needle(context, assembly, "look", text, play)
        else:
            text = f"The probe of {name} passes its needle: {pair} has {play:.2f} mm of play."
            yield about_needle(context, assembly, "ok", text, play)


CHECK = Check(
    key="probe-in-needle",
    title="Probe passes the needle",
    unit="mm of play",
    limit=f"inner diameter at least {LEAST_BORE_SLACK_MM:g} mm wider than the probe",
    not_modelled="Tolerances of tube and probe, a bent needle, debris in the bore.",
    source="Diameters: standard hypodermic tubing and the probe's catalogue entry. Play: assumed.",
    find=_find,
)
