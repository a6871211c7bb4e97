"""The chapters of docs/validation.md: what is compared with what, in words, and the figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.validation import blood_cases, energy, exact_cases, literature, point_sink, size_cases
from tests.validation.checks import Chapter, markdown_table
from tests.validation.size_tables import CONSTANT_K, ISOTHERMS_C

Folder = Path | None  # where pictures go; None draws none


def exact(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of exact solutions with a freezing front."""
    chapter = Chapter("Exact solutions with freezing")
    chapter.say(
        "Derived in `tests/validation/similarity.py` and `sharp_front.py`, checked there against each other and, "
        "where it is present, against an independently written reference. Fronts and isotherms are the mean "
        "distance of the surface's points from the wall or line after 600 s (sharp fronts: at three times). "
        "Tissues called *drawn* were drawn at random once, from a wide range, so that nothing is tuned to one "
        "material. The line lies off the voxels by (0.3, 0.2) mm. Compared is what lies two cells of the coarser "
        "grid or more from the source.",
        "A wall draws its front along the voxel axis: a whole layer of cells freezes at once, so at a given moment "
        "the front can be wrong by up to half a cell where the latent heat comes off within less than a cell "
        "(sharp fronts, and the colligative law, which gives off half of it within half a kelvin). Curved fronts "
        "average this out.",
    )
    names = {
        "A": "A. Plane, sharp front (freezing range 0.01 K; front where half the latent heat is gone)",
        "B": "B. Plane, freezing range with constant properties",
        "C": "C. Line sink, sharp front (as A)",
        "D": "D. Line sink, freezing range with constant properties",
        "G line": "G. Line sink, colligative ice and temperature-dependent k and c (similarity equation, by shooting)",
        "G plane": "G. Plane, the same laws",
    }
    for case, checks in exact_cases.all_checks(quick).items():
        chapter.say(f"### {names[case]}")
        chapter.show(checks)
    chapter.say(
        "### F. Point sink that grows as √t, sharp front (as A), in three dimensions",
        "The sink is a probe 2 mm long and 3 mm thick whose power is imposed; where the exact front is nearer than "
        f"{point_sink.LEAST_MM:g} mm it is not compared.",
    )
    chapter.show(point_sink.checks(quick))
    _order(chapter, quick, folder)
    if folder is not None:
        from tests.validation import pictures

        chapter.picture(pictures.profiles(folder), "Temperatures over distance, exact and on a 1 mm grid")
    return chapter


def _order(chapter: Chapter, quick: bool, folder: Folder) -> None:
    found = exact_cases.convergence(quick)
    chapter.say(
        "### Order of convergence",
        "Root mean square error of temperature, K, over thirteen times from 300 to 600 s, from 4 mm from the "
        "source to the liquidus (in the ice) and to 30 mm; in brackets the order from the grid before. The grid is "
        "fine where tissue freezes and coarser beyond, up to a width that does not depend on the spacing: so the "
        "error of the unfrozen tissue around a line, where nothing is sharp, does not fall with the spacing below "
        "1 mm.",
    )
    spacings = found[0].spacing_mm
    rows = []
    for one in found:
        orders = ["", *[f" ({p:.2f})" for p in one.orders]]
        rows.append([one.words, *[f"{e:.3f}{p}" for e, p in zip(one.error_k, orders, strict=True)]])
    chapter.say(markdown_table(["case", *[f"{h:g} mm" for h in spacings]], rows))
    if folder is not None:
        from tests.validation import pictures

        chapter.picture(pictures.convergence(folder, found), "Error over grid spacing")


def blood(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of exact solutions with blood."""
    chapter = Chapter("Exact solutions with blood")
    chapter.say(
        "Derived in `tests/validation/perfused.py`.",
        "### H. Plane held at 0 °C in perfused tissue at 37 °C, no freezing",
    )
    chapter.show(blood_cases.plane_rows(quick))
    chapter.say(
        "### H. Ball held at 0 °C in perfused tissue at 37 °C, no freezing",
        "By the radial mode of the same kernel, and in a box in which the ball is made of 1 mm voxels (compared "
        "with the ball of the same volume).",
    )
    chapter.show(blood_cases.sphere_rows(quick))
    chapter.say(
        "### I. The largest ice: a ball or wire at -140 °C in perfused tissue at 37 °C, until nothing changes",
        "The freezing range is 0.01 K wide, the frozen core has no blood. A cell loses its blood when it begins to "
        "freeze; the cells beside the front are fed by as much of them as lies beyond the front, at "
        "the temperature in the middle of that.",
    )
    chapter.show(blood_cases.largest_ice_rows(quick))
    return chapter


def heat(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of the energy balance."""
    chapter = Chapter("Energy")
    chapter.say(
        "Imbalance: |change of heat content + heat drawn by the probes - heat through the walls - heat brought by "
        "blood| over the heat drawn by the probes, two probes, whole 10-5-10, 80 mm cube."
    )
    chapter.show(energy.imbalance_rows(quick))
    if folder is not None:
        from tests.validation import pictures

        name = pictures.energy(folder, energy.ledger(2.0))
        chapter.picture(name, "Heat over the protocol, 2 mm grid; the tissue's share is found from its temperatures")
    return chapter


def sizes(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of ice sizes."""
    chapter = Chapter("Sizes of the ice, 1 mm grid")
    chapter.say(
        "Against tables that other codes computed for the project's physics data sheet. They are computations, not "
        "measurements. Width and length are extents of the surface.",
        "### One probe, constant conductivity",
    )
    chapter.show(size_cases.constant_rows(quick))
    if not quick:
        _finer(chapter)
    chapter.say("### One probe in vertebra-like media (15 mm active, -140 °C, 37 °C)", size_cases.BLASTIC_NOTE)
    chapter.show(size_cases.media_rows(quick))
    _laws(chapter, quick)
    _pairs(chapter, quick, folder)
    chapter.say(
        "### Six probes on three levels, 22 mm apart",
        "Three converging pairs; the 1 mm run against a 0.5 mm run: extents, and the largest distance of any point "
        "of the "
        "finer surface from the coarser one." + (" (Quick: 2 mm against 1 mm, for information.)" if quick else ""),
    )
    chapter.show(size_cases.six_rows(quick))
    return chapter


def _finer(chapter: Chapter) -> None:
    row = CONSTANT_K[11]
    fine = size_cases.second_code("k 2.0, c 1800", row, 3)
    chapter.say(
        "#### The row that is farthest from the table, against the second code on a finer grid",
        "`tests/validation/axisymmetric.py`: explicit, in r and z, grid 0.245 mm; it shares nothing with the "
        "product. Where the table (grid 0.3675 mm) has a smaller -1 °C surface than this code, the table's own "
        "error is the difference.",
    )
    result = size_cases.one_probe(size_cases.SOFT_TISSUE, row)
    chapter.show(size_cases.size_checks("one probe, finer", row.setting, result, fine.sizes, size_cases.SIZE_LIMIT_MM))


def _laws(chapter: Chapter, quick: bool) -> None:
    found = size_cases.law_search()
    chapter.say(
        "### One probe, conductivity that rises with cold: which law the table used",
        "The table calls its law k(T), c(T). The law of ice (k = 2135 T^-1.235 W/mK, c = 7.16 T + 138 J/kgK, T in "
        "kelvin) does not reproduce it. The second code was run with several laws on the row of 15 mm, -140 °C, 37 "
        "°C, for which the table has 29.3 x 34.6 / 19.6 x 25.7 / 12.9 x 20.6 mm, 10.1 / 5.6 / 3.1 mm beyond the "
        "tip, 15.8 W:",
        _candidates(found),
    )
    rising = size_cases.law_rows(quick)
    if rising:
        chapter.say("The rising law on other rows of the table:", _candidates(rising))
    chapter.say(
        "So the table's k(T) is, within what its grid resolves, **k rising linearly from 2.0 W/mK at the solidus "
        "to 3.5 W/mK at -140 °C**; whether c falls as that of ice or stays at 1800 J/kgK makes less difference "
        "than the table's rounding. The product does not have that law (it offers the law of ice), so its k(T) is "
        "held against the second code with the very same law of ice:"
    )
    of_ice = next(c for c in found if c.kind == "k of ice, c of ice")
    chapter.show(size_cases.rabin_rows(of_ice))


def _candidates(found: list[size_cases.Candidate]) -> str:
    rows = []
    for c in found:
        sizes = " / ".join(f"{w:.1f} x {n:.1f}" for w, n in c.sizes)
        beyond = " / ".join(f"{b:.1f}" for b in c.beyond_mm)
        rows.append([c.kind, c.row.setting, sizes, beyond, f"{c.power_w:.1f}", f"{c.worst_mm:.2f}"])
    isos = " / ".join(f"{i:g}" for i in ISOTHERMS_C)
    return markdown_table(
        ["law", "row", f"{isos} °C, mm", "beyond the tip, mm", "W", "largest difference from the table, mm"], rows
    )


def _pairs(chapter: Chapter, quick: bool, folder: Folder) -> None:
    by_turn, spread = size_cases.pair_rows(quick)
    chapter.say(
        "### Two probes (15 mm active, -140 °C, soft tissue, 37 °C)",
        "Along the voxel axes, then the same pair tilted by 17, 30 and 45° (and turned about z by 25, 0 and 45°) "
        "and shifted by fractions of a voxel. The thickness at the mid-point is left out where the mid-point lies "
        f"within {size_cases.UNSTABLE_C:g} °C of the isotherm. Its line runs between the voxels' middles, where the "
        "field is bent: it is read by cubic splines; what the product draws is trilinear there, and shown beside it.",
    )
    for tilt, checks in by_turn.items():
        chapter.say(f"#### {'Along the axes' if tilt == 0.0 else f'Tilted by {tilt:g}°'}")
        chapter.show(checks)
    chapter.say("#### Spread: largest minus smallest over all turns")
    chapter.show(spread)
    if folder is not None:
        from tests.validation import pictures

        chapter.picture(pictures.pair(folder, pictures.pair_sections()), "Middle section of two pairs")


def gels(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of published gel experiments."""
    chapter = Chapter("Published gel experiments")
    grid = 2.0 if quick else 1.0
    fit = literature.fit_littrup()
    g = literature.GEL
    chapter.say(
        "Read from the abstracts of Littrup et al., J Vasc Interv Radiol 20:1343 (2009), PMC2762356, and Shah et "
        f"al., Urology (2016), PMC4850244. The gel is taken as water: k {g.k_unfrozen:g} W/mK and {g.c_unfrozen:g} "
        f"J/kgK unfrozen, {g.latent_j_kg / 1e3:g} kJ/kg, the laws of ice frozen, freezing from {g.t_liquidus_c:g} "
        f"to {g.t_solidus_c:g} °C (assumed).",
        "### Littrup 2009: one to four probes 2 cm apart, gel at 39 °C, 15 minutes",
        "**Fitted: one number**, the probe temperature, to the four *visible* diameters (which the abstract "
        f"implies by lethal diameter and share of area): {fit.probe_c:g} °C, root mean square difference "
        f"{100 * fit.rms:.1f} %. Taken: active length {literature.LITTRUP_ACTIVE_MM:g} mm, probes at the corners of "
        "a triangle and a square; diameters are those of circles of the same area at mid-height. The lethal "
        "diameters (-30 °C) and the 1.7 mm probes are predictions.",
    )
    chapter.show(literature.littrup_rows(fit, grid))
    chapter.say(
        "No probe of ours comes within 15 % of all four lethal diameters. One that is warm enough for the 1.2 cm of "
        "a single probe leaves two probes far below their 3.3 cm; one whose power is limited, so that it is warmer "
        "when alone, comes nearer and does not arrive. Differences for one, two, three and four probes:",
        literature.littrup_others(fit),
    )
    chapter.say(
        "### Shah 2016: 17 G needles in gel at 37 °C",
        "**Nothing was fitted.** The abstract says: a core of -40 °C or less at about 1 cm around the needles, the "
        f"edge about 1 cm further out. Taken: needles at {literature.SHAH_PROBE_C:g} °C (a plateau reported for "
        f"argon needles, Cryobiology 2025, 105274), {literature.SHAH_ACTIVE_MM:g} mm active. The time of freezing "
        "is not in the abstract: at 10 minutes the edge is nearer to -40 °C than 1 cm, at 15 minutes 1 cm away.",
    )
    counts, spacings = ((2, 4), (15.0,)) if quick else ((1, 2, 3, 4), (10.0, 15.0, 20.0))
    chapter.show(literature.shah_rows(counts, spacings, grid))
    return chapter


def speed(quick: bool, folder: Folder) -> Chapter:
    """Return the chapter of speed, from a process of its own."""
    from tests.validation.speed import speed_chapter

    return speed_chapter(quick, folder)


CHAPTERS: tuple[tuple[str, Callable[[bool, Folder], Chapter]], ...] = (
    ("exact", exact), ("blood", blood), ("energy", heat), ("sizes", sizes), ("gels", gels), ("speed", speed),
)  # fmt: skip
