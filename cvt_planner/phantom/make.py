"""Make a phantom: geometry, truth, voxels, scanner."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray, HuArray, LabelArray, read_only
from cvt_planner.base.compiled import kernels_alone
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.phantom import soft
from cvt_planner.phantom.cage import couch, tubes
from cvt_planner.phantom.cases import SPINE, Case, case_named, lesion_table
from cvt_planner.phantom.family import spine_case
from cvt_planner.phantom.layout import Layout
from cvt_planner.phantom.pelvis import crests
from cvt_planner.phantom.person import Person
from cvt_planner.phantom.scanner import scanned
from cvt_planner.phantom.spine import Spine, build_spine
from cvt_planner.phantom.trunk import back_muscles, chest, shell, vessels
from cvt_planner.phantom.truth import truth_of
from cvt_planner.phantom.viscera import viscera
from cvt_planner.phantom.voxels import fill_spine

_REACH_MM = (62.0, 48.0, 66.0)  # of the spine's box: sideways, before and behind the axis
LABELS = ("vertebrae", "bodies", "canal", "cord", "lesions", "skin")
DOWN = {"S": (1, 1.0), "P": (1, -1.0), "DL": (0, 1.0), "DR": (0, -1.0)}  # LPS axis that points down, and which way
POSITIONS = tuple(end + side for end in ("HF", "FF") for side in DOWN)


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic spine CT with what is true of it.

    Parameters
    ----------
    case, seed
        What it was made from; the same pair gives the same voxels for a patient who lies the same side down.
    hu
        (k, j, i) int16, read-only; k to the head, j to the back, i to the left.
    grid
        Where the voxels lie, LPS mm.
    labels
        By name (see `LABELS`), (k, j, i) uint8 on the same grid: a voxel belongs to what fills at least half of it.
    truth
        What `truth.json` holds; keys in `truth.truth_of`.
    position
        How the patient lies, one of `POSITIONS`: the couch is under the back (supine), the belly (prone), the left side
        (DL) or the right one (DR).
    """

    case: str
    seed: int
    hu: HuArray
    grid: Grid
    labels: dict[str, LabelArray]
    truth: dict[str, Any] = field(repr=False)
    spacing_kji_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    position: str = "HFS"


def make_phantom(
    case: str, seed: int | None = None, progress: Progress | None = None, position: str = "HFS"
) -> Phantom:
    """Return a synthetic CT and its truth.

    Parameters
    ----------
    case
        One of `CASES`.
    seed
        Even: mean proportions, both sides alike; odd: perturbed proportions, asymmetry, a side bend. None: the case's.
        Of the case `spine` it chooses everything (see `family.spine_case`).
    progress
        Told how far the work has come; may stop it.
    position
        One of `POSITIONS`. Only the couch follows it: the body keeps its shape, and gas its place, as of a supine
        patient. A scan reconstructed around the spine does not reach to a couch under belly or side.

    Raises
    ------
    InputRefused
        If there is no such case, the seed is negative or the position is none of `POSITIONS`.
    """
    if case == SPINE:
        return make_case(spine_case(seed or 0), None, progress, position)
    return make_case(case_named(case), seed, progress, position)


def make_case(spec: Case, seed: int | None = None, progress: Progress | None = None, position: str = "HFS") -> Phantom:
    """Return a synthetic CT of a case given as such; otherwise as `make_phantom`."""
    refuse_unknown(position)
    number = spec.seed if seed is None else seed
    if number < 0:
        raise InputRefused(f"The phantom's seed must be 0 or more, not {number}.")
    steps = progress or Progress()
    spine = build_spine(spec.levels, number, spec.person)
    lesions = lesion_table(spec, spine, number)
    spine.bodies[lesions[:, 0].astype(int), 19] = 0.0  # no basivertebral vein beside a lesion: the two would merge
    grid, start, step = _grid(spec, spine)
    z = start[2] + step[2] * np.arange(grid.shape_kji[0])
    layout = Layout(spine, z, number, spec.person)
    steps.report(0.02, "Painting the torso")
    board, couch_top = couch(layout, *DOWN[position[2:]])
    hu, body = _torso_hu(layout, spine, spec.person, board, start, step, grid.shape_kji)
    steps.report(0.15, "Filling the spine")
    spongy, labels, sums = _spine_into(
        hu, spine, lesions, start, step, grid.shape_kji, spec.piece_mm, steps.part(0.15, 0.75)
    )
    labels["skin"] = np.asarray(body >= 0.5, dtype=np.uint8)
    steps.report(0.75, "Scanning")
    spacing = (spec.slice_mm, spec.pixel_mm, spec.pixel_mm)
    picture = scanned(hu, spongy, body, spacing, number, spec.noise)
    truth = truth_of(spec, number, spine, lesions, grid, sums, labels, (DOWN[position[2:]][0], couch_top))
    steps.report(1.0, "Done")
    frozen = {name: read_only(array) for name, array in labels.items()}
    return Phantom(spec.name, number, read_only(picture), grid, frozen, truth, spacing, position)


def refuse_unknown(position: str) -> None:
    """Raise `InputRefused` unless a position is one of `POSITIONS`."""
    if position not in POSITIONS:
        raise InputRefused(f"Patient position {position!r} is not one of {', '.join(POSITIONS)}.")


def _grid(case: Case, spine: Spine) -> tuple[Grid, FloatArray, FloatArray]:
    rows = [spine.index(name) for name in case.levels]
    top, bottom = spine.bodies[rows[0]], spine.bodies[rows[-1]]
    lean = [abs(float(b[10])) * b[13] for b in (top, bottom)]  # how much a leaning endplate reaches beyond its middle
    high = top[2] + top[15] / 2 + lean[0] + case.margin_mm
    low = bottom[2] - bottom[14] / 2 - lean[1] - case.margin_mm
    slices = round((high - low) / case.slice_mm)
    dy = case.pixel_mm
    middle_x, behind, (rows_, columns) = 0.0, float(spine.axis[:, 1].mean()), (case.rows, case.columns)
    behind += 86.0 if case.targeted else 108.0
    if case.fitted:  # a curved spine needs a larger field
        inside = spine.axis[(spine.axis[:, 2] > low) & (spine.axis[:, 2] < high)]
        (left, front), (right, back) = inside[:, :2].min(axis=0), inside[:, :2].max(axis=0)
        middle_x, behind = (left + right) / 2, back + (92.0 if case.targeted else 108.0)
        reach = (80.0, 60.0) if case.targeted else (158.0, 128.0)
        columns = round((right - left + 2 * reach[0]) / dy)
        rows_ = round((behind - front + reach[1]) / dy)
    first_x = middle_x - (columns - 1) / 2 * dy
    first_y = behind - (rows_ - 1) * dy
    start = np.round(np.array([first_x, first_y, low]), 2)
    step = np.array([dy, dy, case.slice_mm])
    affine = np.eye(4)
    affine[:3, :3] = np.array([[0, 0, dy], [0, dy, 0], [case.slice_mm, 0, 0]])
    affine[:3, 3] = start
    return Grid((slices, rows_, columns), affine), start, step


def _torso_hu(
    layout: Layout,
    spine: Spine,
    person: Person,
    board: list[soft.Organ],
    start: FloatArray,
    step: FloatArray,
    shape: tuple[int, int, int],
) -> tuple[Float32Array, Float32Array]:
    """Return the HU of everything but the spine, and the share of each voxel that is patient."""
    skin, *layers, cavity = shell(layout)
    hu = np.full(shape, -1000.0, dtype=np.float32)
    soft.paint(hu, start, step, [*board, skin, *layers])
    within = _share(cavity, start, step, shape)
    inner = np.full(shape, cavity.hu, dtype=np.float32)
    soft.paint(inner, start, step, [cavity, *chest(layout), *viscera(layout)])
    hu += within * (inner - hu)  # no organ leaves the cavity
    soft.paint(hu, start, step, [*back_muscles(layout), *vessels(layout), *crests(layout)])
    soft.paint_tubes(hu, start, step, *tubes(layout, spine, person))
    return hu, _share(skin, start, step, shape)


def _share(organ: soft.Organ, start: FloatArray, step: FloatArray, shape: tuple[int, int, int]) -> Float32Array:
    share = np.zeros(shape, dtype=np.float32)
    soft.paint(share, start, step, [replace(organ, hu=1.0, grain_hu=0.0)])
    return share


def _spine_into(
    hu: Float32Array,
    spine: Spine,
    lesions: FloatArray,
    start: FloatArray,
    step: FloatArray,
    shape: tuple[int, int, int],
    smallest: float,
    progress: Progress,
) -> tuple[Float32Array, dict[str, LabelArray], tuple[FloatArray, FloatArray]]:
    low = np.array([spine.axis[:, 0].min() - _REACH_MM[0], spine.axis[:, 1].min() - _REACH_MM[1]])
    high = np.array([spine.axis[:, 0].max() + _REACH_MM[0], spine.axis[:, 1].max() + _REACH_MM[2] + 12.0])
    first = np.maximum(np.floor((low - start[:2]) / step[:2]).astype(int), 0)
    last = np.minimum(np.ceil((high - start[:2]) / step[:2]).astype(int) + 1, [shape[2], shape[1]])
    box = (slice(None), slice(first[1], last[1]), slice(first[0], last[0]))
    box_shape = hu[box].shape
    shares = np.zeros((3, *box_shape), dtype=np.float32)
    found = np.zeros((5, *box_shape), dtype=np.uint8)
    sums = np.zeros((shape[0], len(spine.parts), 6))
    lesion_sums = np.zeros((shape[0], max(len(lesions), 1), 6))
    tables = (spine.bodies, spine.pedicles, spine.struts, lesions, spine.canal)
    origin = start + np.array([first[0] * step[0], first[1] * step[1], 0.0])
    batch = max(shape[0] // 12, 4)
    for k in range(0, shape[0], batch):
        progress.report(k / shape[0], "Filling the spine")
        part = slice(k, min(k + batch, shape[0]))
        at = origin + np.array([0.0, 0.0, k * step[2]])
        with kernels_alone():
            fill_spine(at, step, smallest, *tables, shares[:, part], found[:, part], sums[part], lesion_sums[part])
    hu[box] = hu[box] * (1.0 - shares[1]) + shares[0]
    spongy = np.zeros(shape, dtype=np.float32)
    spongy[box] = shares[2]
    labels = {name: np.zeros(shape, dtype=np.uint8) for name in LABELS}
    for row, name in enumerate(LABELS[:5]):
        labels[name][box] = found[row]
    return spongy, labels, (sums, lesion_sums)
