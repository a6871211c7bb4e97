"""The subcommand `deidentify`."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from cvt_planner.base.progress import Progress
from cvt_planner.cli.commands import Answer
from cvt_planner.cli.passwords import with_password


def add_arguments(one: argparse.ArgumentParser) -> None:
    """Give the subcommand's parser its arguments."""
    one.add_argument("path", metavar="PATH", help="a folder, ZIP, DICOMDIR or DICOM file")
    one.add_argument("--password-file", metavar="F", help="its first line opens a protected ZIP")
    one.add_argument("--out", metavar="DIR", required=True, help="a new or empty folder outside of PATH")
    one.add_argument("--series", metavar="UID", default="", help="one series (default: every CT series)")
    dates = one.add_mutually_exclusive_group()
    dates.add_argument("--keep-dates", action="store_true", help="keep dates and times (default: removed)")
    dates.add_argument("--shift-dates", action="store_true", help="shift dates by one random span per patient")
    one.add_argument("--keep-uids", action="store_true", help="keep the UIDs (default: new ones, at random)")
    one.add_argument("--label", metavar="NAME", default="ANONYMOUS", help="stands for the patient's name and number")


def deidentify(args: argparse.Namespace, progress: Progress) -> Answer:
    """Return what was de-identified and what was left out."""
    from cvt_planner.imaging.deid_file import KEPT, REMOVED, SHIFTED
    from cvt_planner.imaging.deidentify import DeidOptions
    from cvt_planner.imaging.isolation import deidentify as copy

    dates = KEPT if args.keep_dates else SHIFTED if args.shift_dates else REMOVED
    options = DeidOptions(args.series, dates, args.keep_uids, args.label)
    report = with_password(args, lambda password: copy(args.path, args.out, options, progress, password))
    values = {
        **asdict(report),
        "images": report.images,
        "left_out": [{"what": what, "count": count} for what, count in report.left_out],
    }
    return Answer(values, report.words)
