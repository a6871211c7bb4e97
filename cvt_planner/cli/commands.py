"""The headless subcommands. Each takes its arguments and a progress, and returns what it has to say.

Heavy parts are imported where they are used, so that ``--help`` and a wrong option answer at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.cli.arguments import nrrd_target
from cvt_planner.cli.output import NOTICE, log, say, table
from cvt_planner.cli.passwords import with_password

if TYPE_CHECKING:
    from cvt_planner.anatomy.organs.model import Organs
    from cvt_planner.cli.drawing import Drawing
    from cvt_planner.imaging.volume import Volume
    from cvt_planner.plan.checks import CheckResult
    from cvt_planner.plan.model import Plan
    from cvt_planner.plan.results import IceResult


@dataclass(frozen=True)
class Answer:
    """What a command found: as values for JSON and as text for people; `failed` when it proved something broken."""

    values: dict[str, Any]
    text: str
    failed: bool = False


Command: TypeAlias = Callable[[argparse.Namespace, Progress], Answer]


def series(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return what series a path holds, each with its verdict."""
    report = with_password(args, lambda password: _listed(args, progress, password))
    head = ("verdict", "slices", "apart mm", "matrix", "plane", "description", "uid")
    rows = [
        (
            entry["verdict"],
            str(entry["slices"]),
            "-" if entry["slice_distance_mm"] is None else f"{entry['slice_distance_mm']:.3g}",
            f"{entry['rows']}x{entry['columns']}" if entry["rows"] else "-",
            entry["orientation"] or "-",
            entry["description"] or "-",
            entry["uid"],
        )
        for entry in report["series"]
    ]
    lines = [table(head, rows)]
    lines += [f"{entry['uid']}: {reason}" for entry in report["series"] for reason in entry["reasons"]]
    lines += [f"{broken['file']}: {broken['reason']}" for broken in report["broken_files"]]
    if report["skipped_files"]:
        lines.append(f"{report['skipped_files']} other files were skipped.")
    return Answer(report, "\n".join(lines))


def _listed(args: argparse.Namespace, progress: Progress, password: str) -> dict[str, Any]:
    from cvt_planner.imaging.isolation import find_series
    from cvt_planner.imaging.report import listing_report

    listing = find_series(args.path, progress, password)
    report = listing_report(listing)
    if args.thumbnails is not None:
        from cvt_planner.cli.thumbnails import write_thumbnails

        names = write_thumbnails(listing, Path(args.thumbnails), password)
        for entry, name in zip(report["series"], names, strict=True):
            entry["thumbnail"] = name
    return report


def volume(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return how the HU volume of a series was written as NRRD."""
    from cvt_planner.imaging.report import write_volume

    made = with_password(args, lambda password: write_volume(args.path, args.series, args.out, progress, password))
    for notice in made.notices:
        log(notice)
    if not made.sides_confirmed:
        log(f"Left and right are not confirmed. {made.sides_reason}")
    values = {
        "out": str(args.out),
        "series_uid": made.series.series_uid,
        "shape_kji": list(made.grid.shape_kji),
        "spacing_kji_mm": [float(v) for v in made.grid.spacing_kji_mm],
        "content_hash": made.content_hash,
        "notices": list(made.notices),
        "sides_confirmed": made.sides_confirmed,
        "sides_reason": made.sides_reason,
        "posture": asdict(made.posture) if made.posture else None,
        "gaps": [asdict(gap) for gap in made.gaps],
        "saturation": asdict(made.saturation) if made.saturation else None,
    }
    k, j, i = made.grid.shape_kji
    return Answer(values, f"{args.out}: {k} slices of {j} x {i}, HU (int16), LPS.")


def phantom(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return where a synthetic spine CT with its truth was written."""
    from cvt_planner.phantom import CASES, make_phantom, write_phantom, write_truth

    out = Path(args.out)
    if args.case not in CASES:
        raise InputRefused(f"There is no phantom case {args.case!r}. Known are: {', '.join(CASES)}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputRefused(f"{out} is not an empty folder. Give --out a new or empty one, so that nothing is mixed up.")
    made = make_phantom(args.case, args.seed, progress.part(0.0, 0.8), args.position)
    progress.report(0.8, "Writing DICOM")
    try:
        write_phantom(made, out, compressed=args.compressed, truth=False)
        write_truth(made, out)
    except OSError as error:
        raise InputRefused(f"The phantom could not be written to {out}: {error.strerror or error}.") from error
    progress.report(1.0, "Phantom written")
    files = sum(1 for path in out.rglob("*") if path.is_file())
    values = {"out": str(out), "case": args.case, "seed": args.seed, "files": files, "position": args.position}
    return Answer(values, f"{out}: phantom {args.case!r}, {files} files; its truth is in truth.json.")


def simulate(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the ice of a SCENE.json."""
    from cvt_planner.bioheat.scene_file import run_scene_file

    out = None if args.out is None else nrrd_target(args.out, "The temperatures are")
    values = run_scene_file(Path(args.scene), out, progress)
    rows = [
        (
            f"{row['time_s']:g}",
            f"{row['temp_c']:g}",
            f"{row['volume_ml']:.2f}",
            " x ".join(f"{v:.1f}" for v in row["extent_mm"]),
        )
        for row in values["isotherms"]
    ]
    text = table(("time s", "isotherm °C", "volume mL", "extent mm"), rows)
    cost = f"{values['cells']} cells, {values['steps']} steps, {values['wall_s']:.2f} s"
    return Answer(values, f"{text}\n{cost}, energy imbalance {100.0 * values['energy_imbalance']:.3f} %.")


def check(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return every safety check of a plan with its figure, limit and verdict."""
    from cvt_planner.plan.checks import worst
    from cvt_planner.plan.sides import sides_state
    from cvt_planner.planning.judge import judge_plan
    from cvt_planner.planning.level_guard import levels_report
    from cvt_planner.planning.sides import confirmed_sides
    from cvt_planner.storage.find_volume import find_volume
    from cvt_planner.storage.plan_file import load_plan

    if args.ct_tissues and not args.freeze:
        log("--ct-tissues does nothing without --freeze: the ice that the plan holds is judged.")
    stored = load_plan(args.plan)
    for notice in stored.notices:
        log(notice)
    finding = progress.part(0.0, 0.3 if args.freeze else 0.5)
    ct = with_password(args, lambda password: find_volume(stored.plan, args.ct, finding, password))
    for notice in ct.notices:
        log(notice)
    ice = stored.ice
    if args.freeze:
        ice = _frozen(stored.plan, ct, args.spacing, args.ct_tissues, progress.part(0.3, 0.8))
    plan = confirmed_sides(stored.plan, ct) if args.confirm_sides else stored.plan
    sides = sides_state(plan, ct)
    if not sides.named:
        log(f"{sides.words} On the command line: --confirm-sides")
    organs = _organs(plan, ct, progress.part(0.8 if args.freeze else 0.5, 1.0))
    judged = judge_plan(plan, ct, ice, organs)
    values: dict[str, Any] = {
        "plan": str(args.plan),
        "ct": ct.source,
        "worst": worst(judged.results),
        "sides": asdict(sides),
        "gaps": [asdict(gap) for gap in ct.gaps],
        "saturation": asdict(ct.saturation) if ct.saturation else None,
        "levels": levels_report(plan),
        "checks": [asdict(result) for result in judged.results],
        "assemblies": [asdict(figures) for figures in judged.context.assemblies.values()],
        "ways": [asdict(figures) for figures in judged.context.ways.values()],
        "aorta": organs.aorta_words,
        "ice": [asdict(figures) for figures in judged.context.ice.values()],
        "cement": [asdict(figures) for figures in judged.context.cement.values()],
        "notices": [*stored.notices, *ct.notices],
    }
    text = checks_as_text(judged.results)
    if not values["levels"]["established"]:
        text += "\nThe levels are not established: final proposals and the CT-room sheet are withheld."
    return Answer(values, text)


def _organs(plan: Plan, ct: Volume, progress: Progress) -> Organs:
    """Return what lies around the spine; the aorta where needles may come near it and contrast medium may show it."""
    from cvt_planner.anatomy.organs.aorta import may_be_seen
    from cvt_planner.anatomy.organs.find import find_organs, with_aorta

    found = find_organs(ct, progress.part(0.0, 0.2))
    if not plan.assemblies or not may_be_seen(ct):
        return found
    from cvt_planner.anatomy.spine.pipeline import find_spine

    return with_aorta(found, ct, find_spine(ct, progress=progress.part(0.2, 1.0)), progress)


def checks_as_text(results: tuple[CheckResult, ...]) -> str:
    """Return the answers of the checks as a table, the sentence last."""
    rows = [
        (
            r.verdict.upper() if r.verdict == "stop" else r.verdict,
            r.title,
            r.subject,
            "-" if r.figure is None else f"{r.figure:.1f}",
            r.sentence,
        )
        for r in results
    ]
    return table(("verdict", "check", "of", "figure", ""), rows) + f"\n{NOTICE}"


def _frozen(plan: Plan, ct: Volume, spacing_mm: float, of_ct: bool, progress: Progress) -> tuple[IceResult, ...]:
    """Return the ice of every lesion that has needles, computed now."""
    from cvt_planner.planning.ct_tissues import ct_tissues
    from cvt_planner.planning.ice import ice_inputs, predict_ice

    wanted = [ice_inputs(plan, lesion.id, ct.content_hash, spacing_mm, of_ct) for lesion in plan.lesions]
    inputs = [one for one in wanted if one is not None]
    tissues = ct_tissues(plan, ct)
    share = 1.0 / max(len(inputs), 1)
    return tuple(predict_ice(one, progress.part(n * share, (n + 1) * share), tissues) for n, one in enumerate(inputs))


def selftest(drawing: Drawing | None) -> Command:
    """Return the command that proves an installed copy; `drawing` draws as the window does, where it is installed."""

    def run(args: argparse.Namespace, progress: Progress) -> Answer:
        from cvt_planner.cli.selftest import run_selftest

        out, sample = (None if value is None else Path(value) for value in (args.out, args.sample))
        report = run_selftest(out, drawing, progress, sample=sample, tell=log if args.json else say)
        passed = "The self-test passed." if report["passed"] else "The self-test FAILED: " + report["failure"]
        return Answer(report, passed, failed=not report["passed"])

    return run
