"""The command line: every subcommand that needs no window. Results on stdout, everything else on stderr.

Exit codes: 0 done; 2 wrong usage; 3 input refused; 4 the plan does not belong to this CT; 5 a defect of ours;
130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import cvt_planner
from cvt_planner.base.errors import Cancelled, InputRefused, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.cli import (
    anatomy_command,
    commands,
    deid_command,
    lesion_command,
    pacs_commands,
    probe_commands,
)
from cvt_planner.cli.arguments import points_joined
from cvt_planner.cli.output import NOTICE, ProgressLine, log, say, say_json

if TYPE_CHECKING:
    from cvt_planner.cli.drawing import Drawing

HEADLESS = (
    "series", "volume", "deidentify", "phantom", "anatomy", "lesion", "simulate", "probes", "probe-card", "check",
    "pacs", "selftest",
)  # fmt: skip
_POSITIONS = tuple(end + side for end in ("HF", "FF") for side in ("S", "P", "DL", "DR"))  # the phantom's
DEFECT = 5
STOPPED = Cancelled.exit_code


def main(argv: Sequence[str] | None = None, drawing: Drawing | None = None) -> int:
    """Return the exit code of a headless subcommand, after running it.

    Parameters
    ----------
    argv
        The arguments after the program's name; the process's own when None.
    drawing
        Draws pictures as the window does; given by the program's door where Qt and VTK are installed.
    """
    _never_fail_at_a_letter()
    try:
        args = parser(drawing).parse_args(points_joined(sys.argv[1:] if argv is None else argv))
    except SystemExit as done:  # argparse has said what is wrong, or shown its help
        return done.code if isinstance(done.code, int) else 2
    line = ProgressLine(args.verbose)
    try:
        progress = line.progress()
        with _stopped_by_ctrl_c(progress):
            answer: commands.Answer = args.run(args, progress)
        line.clear()
        if args.json:
            say_json(answer.values)
        else:
            say(answer.text)
        return DEFECT if answer.failed else 0
    except KeyboardInterrupt:
        line.clear()
        return _fail(args.json, "Stopped.", STOPPED)
    except PlannerError as error:
        line.clear()
        return _fail(args.json, str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        line.clear()
        return _fail(args.json, _about_disk(error), InputRefused.exit_code)
    except MemoryError:
        line.clear()
        return _fail(args.json, "There is not enough memory for this. Close other programs.", InputRefused.exit_code)
    except Exception as error:  # noqa: BLE001  a defect must end in a sentence and its exit code, never unsaid
        line.clear()
        log("".join(traceback.format_exception(error)))
        return _fail(args.json, f"This is a defect of CVT Planner, not of your data: {error!r}.", DEFECT)


def parser(drawing: Drawing | None = None) -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    top = argparse.ArgumentParser(
        prog="cvt-planner",
        description=f"CVT Planner. {NOTICE}",
        epilog="Without a subcommand the window opens; 'cvt-planner open PATH' opens it on a study or a plan.",
    )
    top.add_argument("--version", action="version", version=f"CVT Planner {cvt_planner.__version__}")
    subs = top.add_subparsers(title="subcommands", required=True, metavar="SUBCOMMAND")

    one = _add(subs, "series", "what is in a folder, ZIP or DICOMDIR, with a verdict per series", commands.series)
    _takes_images(one)
    one.add_argument("--thumbnails", metavar="DIR", help="write a small PNG of each series into this folder")

    one = _add(subs, "volume", "write the HU volume (int16, LPS geometry) as NRRD", commands.volume)
    _takes_images(one)
    one.add_argument("--series", metavar="UID", help="which series, where the path holds several")
    one.add_argument("--out", metavar="V.nrrd", required=True)

    about = "copy CT series without whose they are (DICOM PS3.15 basic profile)"
    deid_command.add_arguments(_add(subs, "deidentify", about, deid_command.deidentify))

    one = _add(subs, "phantom", "make a synthetic spine CT as DICOM, with its truth", commands.phantom)
    one.add_argument("--out", metavar="DIR", required=True, help="a new or empty folder")
    one.add_argument("--case", metavar="NAME", default="standard")
    one.add_argument("--seed", metavar="N", type=int, default=None)
    one.add_argument("--position", choices=_POSITIONS, default="HFS", help="how the patient lies")
    one.add_argument("--compressed", action="store_true", help="compress the pixels without loss")

    anatomy_command.add_parser(subs, _add, _takes_images)
    lesion_command.add_parser(subs, _add, _takes_images)

    one = _add(subs, "simulate", "compute the ice of a SCENE.json", commands.simulate)
    one.add_argument("scene", metavar="SCENE.json")
    one.add_argument("--out", metavar="T.nrrd", help="write the temperature at the last report time")

    _add(subs, "probes", "the catalogue of cryoprobes, with its sources", probe_commands.probes)

    one = _add(subs, "probe-card", "fit a probe to your hospital's card and show the misfit", probe_commands.probe_card)
    one.add_argument("card", metavar="CARD.json", help="see docs/probe-card.md")
    one.add_argument("--out", metavar="PROBE.json", help="write the fitted probe, its card and the misfit")

    _takes_a_plan(_add(subs, "check", "every safety check of a plan", commands.check))

    pacs_commands.add_parsers(subs, _add)

    about = "prove this copy: open the sample, plan, freeze, save, draw"
    one = _add(subs, "selftest", about, commands.selftest(drawing))
    one.add_argument("--out", metavar="DIR", help="keep the plan, the results and the pictures here")
    one.add_argument("--sample", metavar="DIR", help="the sample case, if not the one beside the program")
    return top


@contextmanager
def _stopped_by_ctrl_c(progress: Progress) -> Iterator[None]:
    """Let Ctrl-C stop the work at its next report, too, for the exception is lost where C code was calling Python."""
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        progress.stop()
        signal.default_int_handler(number, frame)

    def lost(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, KeyboardInterrupt):  # that one stops the work, and is no defect to be shown
            told(what)

    told, sys.unraisablehook = sys.unraisablehook, lost
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        sys.unraisablehook = told


def _takes_images(one: argparse.ArgumentParser) -> None:
    """Give a subcommand the paths it reads images from."""
    one.add_argument(
        "path", metavar="PATH", nargs="+", help="a folder, ZIP, DICOMDIR, DICOM, NIfTI or NRRD file; or several files"
    )
    one.add_argument("--password-file", metavar="F", help="its first line opens a protected ZIP")


def _add(
    subs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str, run: commands.Command
) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = subs.add_parser(name, help=about, description=about)
    one.add_argument("--json", action="store_true", help="one JSON object on stdout, and nothing else there")
    one.add_argument("--verbose", action="store_true", help="say every tenth of the work on stderr")
    one.set_defaults(run=run)
    return one


def _takes_a_plan(one: argparse.ArgumentParser) -> None:
    one.add_argument("plan", metavar="PLAN", help="a .cvtplan file")
    one.add_argument("--ct", metavar="PATH", help="where the plan's CT is, if not where the plan says")
    about = "you looked at the picture: left and right are as the header says"
    one.add_argument("--confirm-sides", action="store_true", help=about)
    one.add_argument("--password-file", metavar="F", help="its first line opens the CT, where that is a protected ZIP")
    one.add_argument("--freeze", action="store_true", help="compute the ice now; without it the stored ice is judged")
    one.add_argument("--spacing", metavar="MM", type=float, default=1.0, help="grid of --freeze (default 1 mm)")
    about = (
        "with --freeze: also in the tissues of this CT (HU, lesions and canal as marked), at both ends of what is known"
    )
    one.add_argument("--ct-tissues", action="store_true", help=about)


def _fail(as_json: bool, sentence: str, exit_code: int) -> int:
    if as_json:
        say_json({"error": sentence, "exit_code": exit_code})
    log(sentence)
    return exit_code


def _about_disk(error: OSError) -> str:
    """Return a sentence for a file or folder that the system refused."""
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error)
    return f"{place}{reason}. Check that it exists and may be read or written, and that the disk is not full."


def _never_fail_at_a_letter() -> None:
    """Let a console that cannot show a letter show a question mark instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


__all__ = ["HEADLESS", "main", "parser"]
