"""The subcommand about anatomy: canal and vertebrae of a CT as labelled voxels, with measures and names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.cli.arguments import must_lie_inside, nrrd_target, point_lps_mm
from cvt_planner.cli.commands import Answer
from cvt_planner.cli.output import log, table
from cvt_planner.cli.passwords import with_password

if TYPE_CHECKING:
    from cvt_planner.anatomy.organs.model import Organs
    from cvt_planner.anatomy.spine.model import Spine, Vertebra
    from cvt_planner.base.arrays import LabelArray, Vec3
    from cvt_planner.imaging.volume import Volume

CANAL_LABEL = 200  # beside the vertebrae's numbers in LABELS.nrrd


def add_parser(subs: Any, add: Callable[..., argparse.ArgumentParser], takes_images: Callable[..., None]) -> None:
    """Add the subcommand to the command line."""
    one = add(subs, "anatomy", "find canal and vertebrae in a CT and write them as labels", anatomy)
    takes_images(one)
    one.add_argument("--series", metavar="UID", help="which series, where the path holds several")
    one.add_argument("--out", metavar="LABELS.nrrd", required=True, help="vertebrae 1, 2, ... from the head, canal 200")
    one.add_argument("--parts", metavar="P.nrrd", help="write bodies, pedicles, posterior parts, discs, canal")
    one.add_argument("--organs", metavar="O.nrrd", help="write body, right and left lung, air, and aorta if it is seen")
    one.add_argument(
        "--segmentation", metavar="FILE", help="take the vertebrae from this label map, DICOM SEG or RTSTRUCT of the CT"
    )
    one.add_argument("--level", metavar="NAME", help="you know one level: its name, with --at")
    one.add_argument("--at", metavar="X,Y,Z", help="a point in that vertebra, LPS mm")


def anatomy(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return the spine found in a CT, written as labels on the CT's own grid."""
    from cvt_planner.anatomy.organs.find import find_organs, with_aorta
    from cvt_planner.anatomy.organs.on_grid import organs_on
    from cvt_planner.anatomy.spine.pipeline import find_spine
    from cvt_planner.anatomy.spine.warm_up import search_warming_up
    from cvt_planner.imaging.isolation import read_volume
    from cvt_planner.imaging.nrrd import write_nrrd

    wanted = [path for path in (args.out, args.parts, args.organs) if path is not None]
    targets = {path: nrrd_target(path, "Labels are") for path in wanted}
    anchor = _anchor(args)
    search_warming_up()  # while another process reads
    reading = progress.part(0.0, 0.4)
    volume = with_password(args, lambda password: read_volume(args.path, args.series, reading, password))
    for notice in volume.notices:
        log(notice)
    if anchor is not None:
        must_lie_inside(anchor[1], volume.grid, volume.source)
    spine = find_spine(volume, progress=progress.part(0.4, 0.95))
    given: dict[int, str] = {}
    if args.segmentation is not None:
        spine, given = _imported(volume, spine, args.segmentation, progress.part(0.95, 0.97))
    for notice in spine.notices:
        log(notice)
    if given and anchor is None:
        names, how = given, f"those of {Path(args.segmentation).name}, not confirmed"
    else:
        names, how = _names(volume, spine, anchor, progress.part(0.97, 1.0))
    write_nrrd(targets[args.out], _on_ct(volume, spine, _vertebrae_and_canal(spine)), volume.grid)
    if args.parts is not None:
        write_nrrd(targets[args.parts], _on_ct(volume, spine, spine.parts), volume.grid)
    organs = with_aorta(find_organs(volume), volume, spine)
    if args.organs is not None:
        write_nrrd(targets[args.organs], organs_on(volume.grid, organs), volume.grid)
    values = spine_as_json(spine, names)
    values.update({"out": str(args.out), "parts_out": args.parts, "organs_out": args.organs, "names_are": how})
    values["organs"] = organs_as_json(organs)
    return Answer(values, "\n".join((_text(spine, names, how), _organs_text(organs))))


def _anchor(args: argparse.Namespace) -> tuple[str, Vec3] | None:
    from cvt_planner.anatomy.levels import is_name

    if args.level is None and args.at is None:
        return None
    if args.at is None:
        raise InputRefused("--level needs --at X,Y,Z: a point in that vertebra, LPS mm.")
    if args.level is None or not is_name(args.level):
        raise InputRefused(f"--level must name a vertebra, C1 to S1, not {args.level!r}.")
    return args.level, point_lps_mm(args.at)


def _imported(volume: Volume, found: Spine, path: str, progress: Progress) -> tuple[Spine, dict[int, str]]:
    """Return the spine with the vertebrae of a segmentation, and the names that its maker gave them."""
    from cvt_planner.imaging.isolation import read_segmentation
    from cvt_planner.imaging.segmentation import Target
    from cvt_planner.planning.import_segmentation import imported_spine, proposed_meanings

    target = Target(volume.grid, volume.series.series_uid, volume.series.study_uid)
    made = read_segmentation(path, target, progress)
    for notice in made.notices:
        log(notice)
    meanings, _ = proposed_meanings(made)
    imported = imported_spine(found, volume.grid, made, meanings)
    if imported is None:
        raise InputRefused(f"{made.source} marks no vertebra that is known by its name or number.")
    return imported.spine, imported.names


def _names(
    volume: Volume, spine: Spine, anchor: tuple[str, Vec3] | None, progress: Progress
) -> tuple[dict[int, str], str]:
    """Return the names by number, and whose word they are."""
    from cvt_planner.anatomy.counting import names_from_anchor, vertebra_near
    from cvt_planner.anatomy.levels import USUAL
    from cvt_planner.anatomy.numbering import propose

    if anchor is None:
        return propose(volume, spine, progress).names, "proposed"
    level, at = anchor
    vertebra = vertebra_near(spine, at)
    if vertebra is None:
        raise InputRefused(f"No vertebra was found at {at[0]:g},{at[1]:g},{at[2]:g}. Give a point inside its body.")
    return names_from_anchor(spine, vertebra.number, level, USUAL), f"counted from {level}"


def _vertebrae_and_canal(spine: Spine) -> LabelArray:
    from cvt_planner.anatomy.spine.model import Part

    labels = spine.vertebrae.copy()
    labels[spine.parts == Part.CANAL] = CANAL_LABEL
    return labels


def _on_ct(volume: Volume, spine: Spine, labels: LabelArray) -> LabelArray:
    """Return labels of the spine's box on the grid of the whole CT."""
    import numpy as np

    out = np.zeros(volume.grid.shape_kji, dtype=np.uint8)
    corner = np.rint(volume.grid.index_of(spine.grid.lps_of(np.zeros(3)))).astype(int)
    k, j, i = (slice(int(a), int(a) + n) for a, n in zip(corner, labels.shape, strict=True))
    out[k, j, i] = labels
    return out


def spine_as_json(spine: Spine, names: dict[int, str]) -> dict[str, Any]:
    """Return a spine as plain values. Lengths mm, points LPS mm; the canal's points run from feet to head."""
    from cvt_planner.anatomy.spine.model import Part

    return {
        "labels": {**{str(v.number): names.get(v.number, "") for v in spine.found}, str(CANAL_LABEL): "canal"},
        "parts": {str(int(part)): part.name.lower() for part in Part},
        "vertebrae": [_vertebra_as_json(v, names.get(v.number, "")) for v in spine.found],
        "canal_lps_mm": [[round(float(x), 2) for x in point] for point in spine.canal_lps_mm],
        "notices": list(spine.notices),
        "content_hash": spine.content_hash,
    }


def _vertebra_as_json(vertebra: Vertebra, name: str) -> dict[str, Any]:
    values = asdict(vertebra)
    values["label"] = values.pop("number")
    return {"name": name, "doubtful": vertebra.confidence < 0.5, **values}


def organs_as_json(organs: Organs) -> dict[str, Any]:
    """Return what lies around the spine as plain values: volumes in view, mL, and the aorta's middle line, LPS mm."""
    from cvt_planner.anatomy.organs.model import AORTA_LABEL, Organ

    tube = organs.aorta
    return {
        "labels": {**{str(int(organ)): organ.words for organ in Organ}, str(AORTA_LABEL): "aorta"},
        "volumes_ml": {organ.words: round(organs.volume_ml(organ), 1) for organ in Organ},
        "aorta": None
        if tube is None
        else {
            "centres_lps_mm": [[round(float(x), 1) for x in point] for point in tube.centres_lps_mm],
            "radii_mm": [round(float(r), 1) for r in tube.radii_mm],
            "hu": round(tube.hu),
        },
        "aorta_words": organs.aorta_words,
    }


def _organs_text(organs: Organs) -> str:
    from cvt_planner.anatomy.organs.model import organs_words

    return f"{organs_words(organs)} {organs.aorta_words}"


def _text(spine: Spine, names: dict[int, str], how: str) -> str:
    if not spine.found:
        return "\n".join(spine.notices)
    head = ("label", "name", "sure", "width mm", "depth mm", "height mm", "pedicles R, L: width x height mm", "doubts")
    rows = [
        (
            str(v.number),
            names.get(v.number, "-") + ("" if how.startswith("counted") else "?"),
            f"{100 * v.confidence:.0f} %",
            *((f"{v.width_mm:.1f}", f"{v.depth_mm:.1f}", f"{v.height_mm:.1f}") if v.complete else ("-", "-", "-")),
            ", ".join(_pedicle(v, side) for side in ("right", "left")),
            " ".join(v.doubts) or "-",
        )
        for v in spine.found
    ]
    return "\n".join((table(head, rows), f"Names are {how}; label {CANAL_LABEL} is the canal.", *spine.notices))


def _pedicle(vertebra: Vertebra, side: Any) -> str:
    found = vertebra.pedicle(side)
    return f"{found.width_mm:.1f} x {found.height_mm:.1f}" if found is not None and found.judged else "not judged"
