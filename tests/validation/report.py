"""Writes docs/validation.md from chapters."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from tests.validation.checks import Chapter, Check, markdown_table

HEAD = """# Validation of the ice

Written by `make validate` from the runs themselves; do not edit. A figure that misses its limit says **NOT MET**.

What this shows: the solver solves the equations it claims to solve. What it does not show: that these equations, with
these numbers, are what happens in a patient. The last section lists what has no measurement behind it."""

UNMEASURED = """## What has no measurement behind it

- **Frozen human vertebral bone.** No measured conductivity, heat capacity or latent heat of frozen, marrow-filled
  human vertebra is known to us. The marrow-filled set mixes the phases (geometric mean); between the least and the
  most that the phases allow the ice of one probe is 18 to 25 mm wide (table of media above). Sclerotic and cortical
  bone likewise.
- **Isotherms of the makers.** No table of an instructions-for-use leaflet was at hand, so no vendor's isotherm
  stands in any comparison. The probe temperature of -140 °C is a plateau reported for argon needles in gel, not a
  maker's figure; cooling power, dead tip and the effect of gas pressure are not measured here.
- **Patients.** No ice on a patient's CT or MR has been compared. Perfusion of vertebral marrow is one PET study
  (Kahn 1994); of metastases it is assumed. Large vessels, cerebrospinal fluid in motion, and the metal of needles
  are not modelled.
- **Gel experiments** were read from abstracts. Where an abstract leaves a number out, the text above says what was
  taken.
- **Double freezing.** That perfusion stops for good where tissue has frozen is taken from the literature, not
  measured here."""


@dataclass(frozen=True)
class Point:
    """One acceptance point: what was to be shown, and which figures belong to it."""

    words: str
    points: tuple[str, ...]

    def of(self, chapters: Sequence[Chapter]) -> list[Check]:
        """Return its figures."""
        return [c for ch in chapters for c in ch.checks if c.point in self.points and c.limit is not None]


TURNED = ("two probes turned 17°", "two probes turned 30°", "two probes turned 45°")
POINTS = (
    Point("A planar, sharp front: 0.4 mm on 1 mm, 0.2 mm on 0.5 mm", ("A",)),
    Point("B planar, freezing range: 0.25 mm on 1 mm, 0.12 mm on 0.5 mm", ("B",)),
    Point("C line sink, sharp front: 0.4 and 0.2 mm", ("C",)),
    Point("D line sink, freezing range: 0.25 and 0.12 mm", ("D",)),
    Point("F growing point sink, sharp front: 0.4 and 0.2 mm", ("F",)),
    Point("G line sink, colligative and k(T), c(T): 0.25 and 0.12 mm", ("G line",)),
    Point("G plane, the same laws: 0.25 and 0.12 mm", ("G plane",)),
    Point("H plane with blood: 0.5 % of the drop", ("H plane",)),
    Point("H sphere with blood, in a box: 2 % of the drop", ("H sphere 3-D",)),
    Point("H sphere with blood, radial mode: 0.3 % of the drop", ("H sphere",)),
    Point("I largest ice in perfused tissue, in a box: 2 %", ("I 3-D",)),
    Point("I largest ice, radial mode: 0.3 %", ("I",)),
    Point("Energy imbalance over 10-5-10 under 0.1 %", ("energy",)),
    Point("One probe, table: 0.6 mm", ("one probe",)),
    Point("One probe, the table's farthest row against the second code on a finer grid: 0.6 mm", ("one probe, finer",)),
    Point("One probe with k(T), c(T) against the second code: 0.6 mm", ("k(T)",)),
    Point("One probe in vertebra-like media: 0.6 mm", ("media",)),
    Point("Two probes along an axis: 0.6 mm, 5 % of the volume", ("two probes",)),
    Point("Two probes turned by 17, 30, 45° and shifted: 0.6 mm, 5 %", TURNED),
    Point("Spread over all turns under 0.2 mm", ("spread",)),
    Point("Six probes on three levels at 1 mm: 0.5 mm of 0.5 mm", ("six probes",)),
    Point("Littrup 2009: lethal diameter over number of probes: 15 %", ("Littrup: lethal",)),
    Point("Littrup 2009: 1.7 against 2.4 mm probes: 15 %", ("Littrup: 1.7 mm",)),
    Point("Shah 2016: -40 °C diameter over number and spacing: 15 %", ("Shah: lethal",)),
    Point("Shah 2016: -40 °C 10 mm inside the visible edge: 15 %", ("Shah: gap",)),
    Point("Speed: more than 30 times explicit NumPy", ("speed NumPy",)),
    Point("Speed: more than 100 times a finite-element library", ("speed library",)),
)  # fmt: skip


def _worst(checks: Sequence[Check]) -> str:
    if checks[0].at_least:
        least = min(checks, key=lambda c: c.found)
        return f"{least.found:.0f}: {least.setting}"
    worst = max(checks, key=lambda c: abs(c.error) / (c.limit or 1.0))
    amount = f"{100.0 * worst.error:+.1f} %" if worst.relative else f"{worst.error:+.3g} {worst.unit}".strip()
    grid = f" at {worst.spacing_mm:g} mm" if worst.spacing_mm is not None else ""
    return f"{amount}{grid}: {worst.setting}, {worst.quantity}"


def summary(chapters: Sequence[Chapter]) -> str:
    """Return the table of acceptance points; one without figures is said to have none."""
    rows = []
    for point in POINTS:
        checks = point.of(chapters)
        missed = [c for c in checks if not c.met]
        if not checks:
            rows.append([point.words, "–", "–", "not run"])
            continue
        verdict = "met" if not missed else f"**NOT MET** ({len(missed)} of {len(checks)} figures)"
        rows.append([point.words, str(len(checks)), _worst(checks), verdict])
    return markdown_table(["what was to be shown", "figures", "nearest to or furthest over the limit", "verdict"], rows)


def circumstances(mode: str, seconds: float) -> str:
    """Return with what and on what it was run, without naming the machine."""
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("numpy", "scipy", "numba"))
    cores = os.cpu_count()
    return (
        f"Mode: {mode}; {seconds / 60.0:.1f} minutes on {cores} cores ({platform.machine()}, Python "
        f"{platform.python_version()}, {versions})."
    )


def text(chapters: Sequence[Chapter], mode: str, seconds: float) -> str:
    """Return the whole document."""
    parts = [HEAD, circumstances(mode, seconds), "## Summary", summary(chapters)]
    for chapter in chapters:
        parts += [f"## {chapter.title}", *chapter.blocks]
    return "\n\n".join([*parts, UNMEASURED]) + "\n"
