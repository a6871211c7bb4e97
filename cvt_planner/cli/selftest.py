"""The self-test of an installed copy: the whole job on the sample case, each step with its figure and time."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

import cvt_planner
from cvt_planner.anatomy.canal import measure_canal
from cvt_planner.anatomy.lesion.brush import Brush, Canvas
from cvt_planner.anatomy.lesion.find import find_lesion
from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape
from cvt_planner.anatomy.organs.find import find_organs
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.anatomy.spine.warm_up import warm_up_drawing
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.base.errors import Cancelled, InputRefused, PlannerError
from cvt_planner.base.progress import Progress
from cvt_planner.cli.drawing import Drawing
from cvt_planner.cli.pictures import PLANES, slice_picture
from cvt_planner.imaging.isolation import read_volume
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan import edits
from cvt_planner.plan.checks import VERDICTS, CheckResult
from cvt_planner.plan.model import Assembly, CanalMark, Lesion, LesionKind, Plan, Side, default_retraction_mm
from cvt_planner.plan.results import IceResult
from cvt_planner.planning.ice import figures, ice_inputs, predict_ice
from cvt_planner.planning.judge import judge_plan
from cvt_planner.planning.placement import place_assembly
from cvt_planner.planning.summary import assembly_figures, cement_figures
from cvt_planner.storage.find_volume import find_volume
from cvt_planner.storage.plan_file import load_plan, save_plan
from cvt_planner.storage.png import png_bytes
from cvt_planner.workspace import new_plan

SPACING_MM = 2.0  # coarse, so that the test is quick
GROWN_WITHIN_PERCENT = 20.0  # of the true volume; twice what is asked of growing elsewhere: this proves the copy
LEAST_SPACING_MM = 8.0
_ENTRY_BEHIND_MM = 60.0
_BESIDE_CENTRE_MM = 6.0
_CENTRE_MM = 5.0  # found bodies lie so near their true middle; far less than half a level
_MOST_LEAN_DEG = 10.0  # from a pedicle's axis; a 13 G needle so stays in a pedicle of 6 mm and 10 mm length


class _Broken(Exception):
    """A step did not give what it must."""


def sample_folder() -> Path:
    """Return where the sample case lies: beside the program, inside a frozen one.

    Raises
    ------
    InputRefused
        If it is not there.
    """
    frozen = getattr(sys, "_MEIPASS", None)
    root = Path(frozen) if frozen else Path(cvt_planner.__file__).resolve().parents[1]
    folder = root / "sample_dicom"
    if not folder.is_dir() or not any(folder.iterdir()):
        raise InputRefused(f"The sample case is missing: {folder}. Install this copy again, or give --sample DIR.")
    return folder


def run_selftest(
    out: Path | None,
    drawing: Drawing | None,
    progress: Progress,
    sample: Path | None = None,
    tell: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Return the report of the whole job on the sample case; its key ``passed`` says whether every step held.

    Parameters
    ----------
    out
        Keeps plan, results and pictures; without it they are made in a temporary folder and thrown away.
    drawing
        Draws the pictures as the window does, where its part is installed; without it slices are drawn plainly.
    tell
        Called with one line per step.

    Raises
    ------
    InputRefused
        If the sample case is missing or `out` cannot be made.
    Cancelled
        If `progress` was stopped.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) if out is None else _made(out)
        test = _SelfTest(sample or sample_folder(), folder, drawing, progress, tell)
        report = test.run()
        report["out"] = None if out is None else str(out)
        if out is not None:
            (folder / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
        return report


def _made(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputRefused(
            f"The folder {out} cannot be made: {error.strerror or error}. Give another --out."
        ) from error
    return out


def _unit(vector: Points) -> Points:
    return np.asarray(vector / np.linalg.norm(vector))


def _leaning(axis: Points, wanted: Points) -> Points:
    """Return the axis turned towards the wanted direction, by at most `_MOST_LEAN_DEG`."""
    turn = math.acos(min(1.0, float(axis @ wanted)))
    if turn < 1e-6:
        return axis
    lean = min(turn, math.radians(_MOST_LEAN_DEG))
    return np.asarray((math.sin(turn - lean) * axis + math.sin(lean) * wanted) / math.sin(turn))


class _SelfTest:
    """One run; holds what the steps hand on."""

    def __init__(
        self, sample: Path, folder: Path, drawing: Drawing | None, progress: Progress, tell: Callable[[str], None]
    ) -> None:
        self.sample, self.folder, self.drawing, self.progress, self.tell = sample, folder, drawing, progress, tell
        self.truth: dict[str, Any] = {}
        self.ice: tuple[IceResult, ...] = ()
        self.results: tuple[CheckResult, ...] = ()
        self.thumbnail = b""
        self.volume: Volume
        self.plan: Plan

    def run(self) -> dict[str, Any]:
        """Return the report."""
        steps: list[dict[str, Any]] = []
        failure = ""
        names = ("open", "anatomy", "mark", "needles", "freeze", "cement", "check", "draw", "save", "draw_3d")
        for number, name in enumerate(names):
            self.progress.report(number / len(names), name)
            started = time.perf_counter()
            try:
                figure = getattr(self, f"_{name}")()
            except Cancelled:
                raise
            except (PlannerError, _Broken) as error:
                failure, figure = f"{name}: {error}", str(error)
            seconds = time.perf_counter() - started
            steps.append({"step": name, "seconds": round(seconds, 3), "passed": not failure, "figure": figure})
            self.tell(f"{'ok  ' if not failure else 'FAIL'} {name:<8} {seconds:6.2f} s  {figure}")
            if failure:
                break
        self.progress.report(1.0, "done")
        return {
            "passed": not failure,
            "failure": failure,
            "version": cvt_planner.__version__,
            "steps": steps,
            "three_d": steps[-1]["figure"] if not failure else "3-D not drawn",
            "checks": [asdict(result) for result in self.results],
        }

    def _open(self) -> str:
        self.volume = read_volume(self.sample)
        truth = next(self.sample.rglob("truth.json"), None)
        if truth is None:
            raise InputRefused(f"The sample case {self.sample} lacks its truth.json.")
        self.truth = json.loads(truth.read_text(encoding="utf-8"))
        self.plan = new_plan(self.volume)
        k, j, i = self.volume.grid.shape_kji
        return f"{k} slices of {j} x {i}, {self.volume.slice_distance_mm:.2f} mm apart"

    def _anatomy(self) -> str:
        """Find the spine by itself; also compiles its kernels, so that the first CT need not wait for them."""
        spine = find_spine(self.volume, progress=self.progress.part(0.0, 0.0))
        warm_up_drawing()
        centres = np.array([v.centre_lps_mm for v in spine.found]).reshape(-1, 3)
        whole = [row for row in self.truth["levels"] if row["complete"]]
        if not len(centres):
            raise _Broken("no vertebra was found in the sample case")
        off = [float(np.linalg.norm(centres - row["centre_lps_mm"], axis=1).min()) for row in whole]
        if max(off, default=0.0) > _CENTRE_MM:
            raise _Broken(f"a vertebra was found {max(off):.1f} mm from where it is")
        return f"{len(spine.found)} vertebrae found, whole ones within {max(off, default=0.0):.1f} mm"

    def _mark(self) -> str:
        said = []
        for true in self.truth["lesions"]:
            level = self._level(true["level"])
            shape = self._shape(true)
            kind = LesionKind(true["kind"])
            lesion = edits.new_lesion(self.plan, true["level"], kind, shape, true["vas"], f"Lesion {true['name']}")
            section = measure_canal(self.volume, self._canal_centre(true["centre_lps_mm"][2]))
            for edit in (
                edits.mark_level(true["level"], vec3(level["centre_lps_mm"])),
                edits.confirm_level(true["level"]),
                edits.mark_canal(true["level"], CanalMark(section.centre_lps_mm, section.wall_lps_mm)),
                edits.add_lesion(lesion),
            ):
                self.plan = edit(self.plan)
            off = 100.0 * (shape.volume_ml / true["volume_ml"] - 1.0)
            grown = "sphere" if isinstance(shape, Ellipsoid) else f"grown, {off:+.1f} % of the truth"
            said.append(f"{lesion.name} {lesion.level} {shape.volume_ml:.2f} mL ({grown})")
            if not isinstance(shape, Ellipsoid) and abs(off) > GROWN_WITHIN_PERCENT:
                raise _Broken(f"{lesion.name} grew to {shape.volume_ml:.2f} mL, truly {true['volume_ml']:.2f} mL")
        return "; ".join(said)

    def _level(self, name: str) -> dict[str, Any]:
        return next(dict(level) for level in self.truth["levels"] if level["name"] == name)

    def _shape(self, true: dict[str, Any]) -> LesionShape:
        """Grow a lytic lesion within the bone; others have no edge that growing could be judged by."""
        centre = vec3(true["centre_lps_mm"])
        if true["kind"] == "lytic" and not true["breaches_cortex"]:
            canvas = Canvas.of(self.volume, find_lesion(self.volume, centre).region)
            canvas.stroke(Brush(2.0), np.array(centre), np.array(centre))  # changes nothing: it is inside already
            return canvas.region()
        radius = (3000.0 * true["volume_ml"] / (4.0 * math.pi)) ** (1.0 / 3.0)
        return Ellipsoid(centre, (radius, radius, radius))

    def _canal_centre(self, z_mm: float) -> Vec3:
        canal = self.truth["canal"]
        nearest = int(np.argmin(np.abs(np.array(canal["z_mm"]) - z_mm)))
        return vec3(canal["centre_lps_mm"][nearest])

    def _needles(self) -> str:
        for lesion in self.plan.lesions:
            for assembly in self._pair(lesion):
                self.plan = edits.add_assembly(assembly)(self.plan)
        rows = [(a, assembly_figures(self.plan, a, self.volume)) for a in self.plan.assemblies]
        if any(row.depth_from_skin_mm is None for _, row in rows):
            raise _Broken("the skin was not found for a needle")
        return "; ".join(
            f"{self.plan.lesion(a.lesion_id).level} {a.side.value} {row.depth_from_skin_mm:.0f} mm deep, "
            f"{row.in_plane_deg:.0f}° to the middle"
            for a, row in rows
        )

    def _pair(self, lesion: Lesion) -> list[Assembly]:
        """Lay one assembly through each pedicle, drawn back until the zones keep their distance."""
        pedicles = self._level(lesion.level)["pedicles"]
        centre = np.array(lesion.centre_lps_mm)
        for back_mm in np.arange(0.0, 30.0, 2.0):
            pair = [self._through(lesion, s, pedicles[s.value], centre, back_mm) for s in Side]
            trial = self.plan
            for assembly in pair:
                trial = edits.add_assembly(assembly)(trial)
            apart = assembly_figures(trial, pair[0], self.volume).partner_distance_mm
            if apart is not None and apart >= LEAST_SPACING_MM:
                break
        for side, assembly in zip(Side, pair, strict=True):
            if assembly.side is not side:
                raise _Broken(
                    f"the needle through the {side.value} pedicle was taken for the {assembly.side.value} one"
                )
        return pair

    def _through(self, lesion: Lesion, side: Side, pedicle: dict[str, Any], centre: Points, back_mm: float) -> Assembly:
        """Lay an assembly through a pedicle's isthmus, leaning a little from the pedicle's axis towards the lesion."""
        isthmus = np.array(pedicle["isthmus_lps_mm"])
        front, hind = np.array(pedicle["axis_lps_mm"])
        aim = centre + np.array([_BESIDE_CENTRE_MM if side is Side.LEFT else -_BESIDE_CENTRE_MM, 0.0, 0.0])
        outward = _leaning(_unit(hind - front), _unit(isthmus - aim))
        beside = isthmus + ((centre - isthmus) @ outward) * outward
        # Where the active zone's middle comes to lie beside the lesion's centre.
        first = place_assembly(
            self.volume, self.plan, lesion.id, vec3(beside), vec3(isthmus + _ENTRY_BEHIND_MM * outward)
        )
        ahead = first.probe.dead_tip_mm + first.probe.active_length_mm / 2.0
        tip = vec3(beside + (back_mm - ahead) * outward)
        placed = place_assembly(self.volume, self.plan, first, tip, first.entry_lps_mm)
        if placed.needle_retraction_mm != default_retraction_mm(placed.probe):
            raise _Broken("the needle's retraction is not the usual one")
        return placed

    def _freeze(self) -> str:
        said = []
        for lesion in self.plan.lesions:
            inputs = ice_inputs(self.plan, lesion.id, self.volume.content_hash, SPACING_MM)
            if inputs is None:
                raise _Broken(f"{lesion.name} has no needles")
            result = predict_ice(inputs, self.progress.part(0.33, 0.6))
            self.ice = (*self.ice, result)
            row = figures(self.plan, lesion.id, result)
            ice = row.isotherm(-20.0)
            if not 0.5 < ice.volume_marrow_bone_ml < ice.volume_soft_tissue_ml:
                raise _Broken(f"the ice of {lesion.name} is not plausible: {ice}")
            canal = "not known" if row.canal_minimum_c is None else f"{round(row.canal_minimum_c)} °C"
            said.append(
                f"{lesion.level} -20 °C {ice.volume_marrow_bone_ml:.1f} to {ice.volume_soft_tissue_ml:.1f} mL, covers "
                f"{ice.covered_percent:.0f} to {ice.covered_high_percent:.0f} %, canal {canal}"
            )
        return "; ".join(said)

    def _cement(self) -> str:
        rows = [(lesion, cement_figures(self.plan, lesion, self.volume)) for lesion in self.plan.lesions]
        if not all(0.0 < row.estimate_ml <= row.cap_ml for _, row in rows):
            raise _Broken("a cement estimate is not plausible")
        return "; ".join(f"{lesion.level} {row.estimate_ml:.1f} mL of {row.cap_ml:.1f} mL" for lesion, row in rows)

    def _check(self) -> str:
        self.results = judge_plan(self.plan, self.volume, self.ice, find_organs(self.volume)).results
        counts = {verdict: sum(r.verdict == verdict for r in self.results) for verdict in VERDICTS}
        if not self.results:
            raise _Broken("no check answered")
        return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)

    def _draw(self) -> str:
        names = []
        for lesion, ice in zip(self.plan.lesions, self.ice, strict=True):
            for plane in PLANES:
                picture = slice_picture(self.volume, self.plan, lesion, ice, plane)
                if not picture.drawn["lesion"] or not picture.drawn["ice 0 °C"]:
                    raise _Broken(f"the {plane} picture of {lesion.name} lacks the lesion or the ice")
                names.append(f"{lesion.level}_{plane}.png")
                if self.drawing is None:
                    (self.folder / names[-1]).write_bytes(png_bytes(picture.pixels))
                else:
                    self.drawing.slice(self.volume, self.plan, self.ice, lesion, plane, self.folder / names[-1])
                if not self.thumbnail:
                    self.thumbnail = png_bytes(np.ascontiguousarray(picture.pixels[::2, ::2]))
        plain = "" if self.drawing else "; drawn plainly: Qt is not installed"
        return ", ".join(names) + plain

    def _save(self) -> str:
        path = self.folder / "sample.cvtplan"
        save_plan(self.plan, self.ice, path, self.thumbnail)
        stored = load_plan(path)
        if stored.plan != self.plan or [r.inputs for r in stored.ice] != [r.inputs for r in self.ice]:
            raise _Broken("the plan that was read is not the one that was saved")
        again = find_volume(stored.plan)
        before, after = (
            {(r.key, r.subject): r.verdict for r in judge_plan(plan, volume, ice).results}
            for plan, volume, ice in ((self.plan, self.volume, self.ice), (stored.plan, again, stored.ice))
        )
        if before != after:
            raise _Broken("the checks judge the reopened plan differently")
        return f"{path.name}, {path.stat().st_size / 1e6:.2f} MB, reopened on the same CT and the same"

    def _draw_3d(self) -> str:
        if self.drawing is None:
            return "3-D not drawn"
        path = self.folder / "scene3d.png"
        try:
            self.drawing.scene(self.volume, self.plan, self.ice, path)
        except PlannerError as refusal:  # no usable OpenGL: the rest of the program works without
            return f"3-D not drawn: {refusal}"
        if not path.exists() or path.stat().st_size < 1000:
            raise _Broken("the 3-D picture is empty")
        return path.name
