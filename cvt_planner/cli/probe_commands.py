"""The subcommands about cryoprobes: the catalogue, and fitting a hospital's own card."""

from __future__ import annotations

import argparse
from pathlib import Path

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.cli.commands import Answer
from cvt_planner.cli.output import table


def probes(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the catalogue of cryoprobes with its sources."""
    from cvt_planner.devices.cryoprobe import CRYOPROBES
    from cvt_planner.storage.plan_json import probe_as_json

    head = ("key", "name", "diameter mm", "dead tip mm", "active mm", "plateau °C", "assumed")
    rows = [
        (
            probe.key,
            probe.name,
            f"{probe.outer_diameter_mm:g}",
            f"{probe.dead_tip_mm:g}",
            f"{probe.active_length_mm:g}",
            f"{probe.tip_temperature_c:g}",
            probe.assumed_text or "-",
        )
        for probe in CRYOPROBES
    ]
    notice = "Cooling figures are for computing ice; they are not manufacturer data. Fit your own card: probe-card."
    sources = [f"{probe.key}: {probe.source}" for probe in CRYOPROBES]
    values = {"probes": [probe_as_json(probe) for probe in CRYOPROBES], "notice": notice}
    return Answer(values, "\n".join((table(head, rows), *sources, notice)))


def probe_card(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the probe fitted to a hospital's card, and what is left between the two."""
    from cvt_planner.planning.probe_fit import fit_card
    from cvt_planner.storage.probe_card_json import fit_as_json, read_card, write_probe

    card = read_card(args.card)
    out = None if args.out is None else Path(args.out)
    if out is not None and (out.suffix.lower() != ".json" or not out.parent.is_dir()):
        raise InputRefused(f"The probe is written as JSON: {out} must end in .json, in a folder that exists.")
    fit = fit_card(card, progress)
    if out is not None:
        write_probe(fit, out)
    rows = [
        (f"{m.card.at_s:g}", f"{m.card.temperature_c:g}", what, f"{wanted:.1f}", f"{got:.1f}", f"{got - wanted:+.1f}")
        for m in fit.misfits
        for what, wanted, got in m.figures
    ]
    head = ("time s", "isotherm °C", "figure", "card mm", "computed mm", "difference mm")
    lines = [fit.probe.name, table(head, rows), *fit.notes]
    if out is not None:
        lines.append(f"Written to {out}.")
    return Answer({**fit_as_json(fit), "out": None if out is None else str(out)}, "\n".join(lines))
