"""The subcommand about a lesion: found from one point, measured, written as a mask."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvt_planner.base.progress import Progress
from cvt_planner.cli.arguments import must_lie_inside, nrrd_target, point_lps_mm
from cvt_planner.cli.commands import Answer
from cvt_planner.cli.output import log
from cvt_planner.cli.passwords import with_password

if TYPE_CHECKING:
    from cvt_planner.anatomy.lesion.figures import LesionFigures
    from cvt_planner.anatomy.lesion.find import FoundLesion


def add_parser(subs: Any, add: Callable[..., argparse.ArgumentParser], takes_images: Callable[..., None]) -> None:
    """Add the subcommand to the command line."""
    one = add(subs, "lesion", "find the lesion at a point of a CT, and measure it", lesion)
    takes_images(one)
    one.add_argument("--series", metavar="UID", help="which series, where the path holds several")
    one.add_argument("--at", metavar="X,Y,Z", required=True, help="a point in the lesion, LPS mm")
    one.add_argument("--beyond", action="store_true", help="follow it beyond the bone where the cortex is eaten")
    one.add_argument("--no-spine", action="store_true", help="do not look for the spine: quicker, and less is known")
    one.add_argument("--out", metavar="M.nrrd", help="write the lesion as a mask on the CT's grid")


def lesion(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the lesion at a point: its outline's figures, as far as CT shows it."""
    import numpy as np

    from cvt_planner.anatomy.lesion.figures import lesion_figures
    from cvt_planner.anatomy.lesion.find import find_lesion
    from cvt_planner.anatomy.raster import rasterise
    from cvt_planner.anatomy.spine.pipeline import find_spine
    from cvt_planner.anatomy.spine.warm_up import search_warming_up
    from cvt_planner.imaging.isolation import read_volume
    from cvt_planner.imaging.nrrd import write_nrrd

    at = point_lps_mm(args.at)
    out = None if args.out is None else nrrd_target(args.out, "The mask is")
    if not args.no_spine:
        search_warming_up()  # while another process reads
    reading = progress.part(0.0, 0.3)
    volume = with_password(args, lambda password: read_volume(args.path, args.series, reading, password))
    for notice in volume.notices:
        log(notice)
    must_lie_inside(at, volume.grid, volume.source)
    spine = None if args.no_spine else find_spine(volume, progress=progress.part(0.3, 0.8))
    for notice in () if spine is None else spine.notices:
        log(notice)
    found = find_lesion(volume, at, spine, args.beyond, progress.part(0.8, 0.9))
    progress.report(0.9, "Measuring the lesion")
    figures = lesion_figures(volume, found.region, spine)
    if out is not None:
        write_nrrd(out, rasterise(found.region, volume.grid).astype(np.uint8), volume.grid)
    progress.report(1.0)
    values = {
        "at_lps_mm": list(at),
        "outline": "CT, automatic: CT-visible part only",
        "kind": found.kind,
        "normal_bone": asdict(found.normal),
        "tissues": asdict(found.tissues),
        "figures": asdict(figures),
        "notes": [*found.notes, *figures.notes],
        "out": None if out is None else str(out),
    }
    return Answer(values, _text(found, figures, out))


def _text(found: FoundLesion, figures: LesionFigures, out: Path | None) -> str:
    rows: list[tuple[str, Any]] = [
        ("volume", f"{figures.volume_ml:.2f} mL, {found.kind}"),
        ("longest diameter", f"{figures.longest_mm:.1f} mm"),
        ("HU", f"{figures.mean_hu:.0f} ± {figures.spread_hu:.0f}; normal bone here {found.normal.hu:.0f}"),
    ]
    if figures.body_share is not None:
        rows.append(("share of the body", f"{100.0 * figures.body_share:.0f} %"))
    if figures.canal_mm is not None:
        rows.append(("distance to the canal", f"{figures.canal_mm:.1f} mm"))
    if figures.defects is not None and figures.defects.judged:
        rows.append(("posterior wall missing", f"{figures.defects.posterior_wall_mm2:.0f} mm²"))
    lines = [f"{name}: {value}" for name, value in rows]
    lines += ["CT-visible part only.", *found.notes, *figures.notes]
    if out is not None:
        lines.append(f"Written to {out}.")
    return "\n".join(lines)
