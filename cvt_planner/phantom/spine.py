"""The spine in the patient: where each vertebra stands, its parts as numbers for the kernels, and the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.phantom.proportions import LEVELS, Proportions, proportions_for

# Columns of the body table, one row per vertebra: origin (0-2), local axes as rows (3-11), then
HALF_WIDTH, HALF_DEPTH, FRONT, BACK, WAIST, HOLLOW, NOTCH, VEIN, LOW, HIGH = range(12, 22)  # the last two bound its z
# Pedicle table: isthmus centre (0-2, local), half width, half height, direction forward (5-7), sideways (8-10)
# Strut table: end a (0-2), end b (3-5), radius at a, at b, stretch along local z
STRUTS = 12
ANCHOR_Z_MM = -310.0  # where the middle of L1 lies in the patient; any place that is not zero
_PEDICLE_BEHIND_BODY_MM = 3.2


@dataclass(frozen=True, eq=False)
class Spine:
    """All vertebrae of a case and one neighbour above and below, from head to feet.

    Parameters
    ----------
    parts
        Sizes; `bodies` (n, 22), `pedicles` (n, 2, 11) left then right, `struts` (n, STRUTS, 9): tables of the kernels,
        local coordinates x to the left, y to the back, z to the head, mm, origin in the middle of the body.
    canal
        (m, 6) rows from feet to head: z, centre x, centre y, half width, half depth, cord fraction (1 the whole cord,
        0 below the conus). LPS mm; the canal is an ellipse in the axial plane.
    axis
        (m, 3) the line through the middles of the bodies, from feet to head, LPS mm, at the z of `canal`.
    """

    parts: tuple[Proportions, ...]
    bodies: FloatArray
    pedicles: FloatArray
    struts: FloatArray
    canal: FloatArray
    axis: FloatArray
    perturbed: bool

    def to_lps(self, level: int, local_mm: Points) -> Points:
        """Return LPS mm of points (..., 3) in the axes of one vertebra."""
        return np.asarray(local_mm) @ self.bodies[level, 3:12].reshape(3, 3) + self.bodies[level, :3]

    def index(self, name: str) -> int:
        """Return the row of a level."""
        return [part.name for part in self.parts].index(name)


def build_spine(levels: tuple[str, ...], seed: int) -> Spine:
    """Return the spine of a case: its levels and one neighbour at each end."""
    first, last = LEVELS.index(levels[0]), LEVELS.index(levels[-1])
    names = LEVELS[max(first - 1, 0) : last + 2]
    parts, perturbed = proportions_for(names, seed)
    origins, axes = _poses(parts, perturbed, seed)
    pedicles = np.array([[_pedicle(part, sign) for sign in (1, -1)] for part in parts])
    struts = np.array([_struts(part, pedicles[n]) for n, part in enumerate(parts)])
    bodies = np.array([_body(part, origins[n], axes[n], struts[n]) for n, part in enumerate(parts)])
    canal, axis = _canal(parts, origins, axes)
    return Spine(parts, bodies, pedicles, struts, canal, axis, perturbed)


def _poses(parts: tuple[Proportions, ...], perturbed: bool, seed: int) -> tuple[Points, FloatArray]:
    rng = np.random.default_rng([seed, 72])
    bend_deg = float(rng.uniform(5.0, 9.0) * rng.choice((-1, 1))) if perturbed else 0.0
    wave = np.linspace(-1.0, 1.0, len(parts))
    tilt = np.radians(bend_deg * wave)  # side bend: a small scoliosis with its apex in the middle
    turn = np.radians(0.6 * bend_deg * (1 - wave**2))
    axes = []
    for part, side, about in zip(parts, tilt, turn, strict=True):
        lean = np.radians(part.lean_deg)
        up = np.array([np.sin(side), np.sin(lean) * np.cos(side), np.cos(lean) * np.cos(side)])
        left = np.array([np.cos(about), np.sin(about), 0.0])
        left -= up * (left @ up)
        left /= np.linalg.norm(left)
        axes.append(np.stack([left, np.cross(up, left), up]))
    origins = [np.zeros(3)]
    for n in range(1, len(parts)):
        upper, lower = parts[n - 1], parts[n]
        above = axes[n - 1][2] * (_mid_height(upper) / 2 + upper.disc_below_mm / 2)
        below = axes[n][2] * (_mid_height(lower) / 2 + upper.disc_below_mm / 2)
        origins.append(origins[-1] - above - below)
    places = np.array(origins)
    middle = len(parts) // 2
    names = [part.name for part in parts]
    anchor = names.index("L1") if "L1" in names else middle
    offset = places[anchor] * np.array([0.0, 0.0, 1.0]) + places.mean(axis=0) * np.array([1.0, 1.0, 0.0])
    return places - offset + np.array([0.0, 0.0, ANCHOR_Z_MM]), np.array(axes)


def _mid_height(part: Proportions) -> float:
    return (part.posterior_height_mm + part.anterior_height_mm) / 2


def _body(part: Proportions, origin: Points, axes: FloatArray, struts: FloatArray) -> FloatArray:
    hollow = 1.1 + 0.7 * part.lumbar  # depth of the endplate's hollow, assumed
    notch = 2.4 - 0.6 * part.lumbar  # depth of the posterior wall's hollow, assumed
    sizes = [part.width_mm / 2, part.depth_mm / 2, part.anterior_height_mm, part.posterior_height_mm]
    ends = struts[:, [2, 5]]
    thick = struts[:, 6:8] * struts[:, 8:9] + 1.0
    bounds = [float((ends - thick).min()), max(float((ends + thick).max()), part.anterior_height_mm / 2 + 7.0)]
    return np.concatenate([origin, axes.ravel(), sizes, [0.10, hollow, notch, 1.0], bounds])


def _pedicle(part: Proportions, sign: int) -> FloatArray:
    side = part.side(sign)
    a, b = np.radians(side.transverse_deg), np.radians(side.sagittal_deg)
    forward = [-sign * np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), -np.sin(b)]
    sideways = [np.cos(a), -sign * np.sin(a), 0.0]
    x = sign * (part.canal_width_mm / 2 + side.width_mm / 2 + 0.7)
    y = part.depth_mm / 2 + _PEDICLE_BEHIND_BODY_MM
    z = part.posterior_height_mm / 2 - side.height_mm / 2 - 0.5 * (1 - part.lumbar) - 0.7
    return np.array([x, y, z, side.width_mm / 2, side.height_mm / 2, *forward, *sideways])


def _struts(part: Proportions, pedicles: FloatArray) -> FloatArray:
    lum, half = part.lumbar, part.posterior_height_mm / 2
    back = part.depth_mm / 2 + part.canal_depth_mm  # behind this begins the lamina's inner face
    rows = []
    roof = np.array([0.0, back + 3.0, -half * 0.75])
    for sign, pedicle in zip((1, -1), pedicles, strict=True):
        side = part.side(sign)
        edge = part.canal_width_mm / 2
        pillar = pedicle[:3] - pedicle[5:8] * 8.0
        pillar[0] = sign * (edge + 3.5 + 1.5 * lum)
        pillar[1] = max(pillar[1], back - 6.0)
        top = np.array([sign * (edge + 1.0 + 4.5 * lum), back - 5.0 + 2.5 * lum, half + 6.0 + 2.0 * lum])
        low = np.array([sign * (edge - 1.0 - 0.5 * lum), back + 0.5 + 1.5 * lum, -half - 6.5 - 1.5 * lum])
        isthmus = np.array([sign * edge * 0.95, back + 0.5, -half * 0.55])
        start = pillar + np.array([0.0, 1.0, -1.0])
        tp = part.process_mm * side.process_scale
        heading = np.array([sign * (0.75 + 0.2 * lum), 0.62 - 0.40 * lum, 0.22 - 0.1 * lum])
        end = start + heading / np.linalg.norm(heading) * tp
        sacral = part.name == "S1"
        rows += [
            [*isthmus, *roof, 3.0, 3.1, 2.4 + 0.4 * lum],
            [*pillar, *isthmus, 4.0 + lum, 3.4 + 0.4 * lum, 1.6],
            [*pillar, *top, 3.8 + 1.6 * lum, 3.0 + 2.0 * lum, 1.2],
            [*isthmus, *low, 3.6 + 0.9 * lum, 3.0 + 1.6 * lum, 1.3],
            [*start, *end, 9.0 if sacral else 3.2, 10.0 if sacral else 2.6 + 1.8 * (1 - lum), 1.3 + 0.5 * lum],
        ]
    run = part.spinous_mm
    tip = roof + np.array([0.4, run, -part.spinous_drop * run])
    root = roof + np.array([0.0, 2.0, -1.0])
    rows.append([*root, *tip, 2.6 + 0.4 * lum, 2.7 + 0.6 * lum, 1.6 + 1.1 * lum])
    rows.append([*(roof + (tip - roof) * 0.85), *tip, 2.6 + 0.6 * lum, 3.2 + 0.8 * lum, 1.8 + 0.8 * lum])
    return np.array(rows)


def _canal(parts: tuple[Proportions, ...], origins: Points, axes: FloatArray) -> tuple[FloatArray, FloatArray]:
    rows = []
    for part, origin, axis in zip(parts, origins, axes, strict=True):
        behind = part.depth_mm / 2 + part.canal_depth_mm / 2 - 0.6
        centre = origin + axis[1] * behind
        rows.append([*centre[::-1], part.canal_width_mm / 2, part.canal_depth_mm / 2, *origin])
    table = np.array(rows)[::-1]
    grow = np.array([50.0, *[0.0] * (table.shape[1] - 1)])
    lowest, highest = table[0] - grow, table[-1] + grow
    lowest[[1, 2, 5, 6]] += (table[0] - table[1])[[1, 2, 5, 6]] * 1.4  # straight on beyond the outermost vertebrae
    highest[[1, 2, 5, 6]] += (table[-1] - table[-2])[[1, 2, 5, 6]] * 1.8
    table = np.vstack([lowest, table, highest])
    z = np.arange(table[0, 0], table[-1, 0], 0.5)
    fine = CubicSpline(table[:, 0], table[:, 1:])(z)
    cord = _cord_fraction(parts, origins, z)
    canal = np.column_stack([z, fine[:, 1], fine[:, 0], fine[:, 2], fine[:, 3], cord])
    middle = CubicSpline(origins[::-1, 2], origins[::-1, :2])
    inside = np.clip(z, origins[-1, 2], origins[0, 2])
    return canal, np.column_stack([middle(inside), z])


def _cord_fraction(parts: tuple[Proportions, ...], origins: Points, z: FloatArray) -> FloatArray:
    """Return 1 where the cord is whole, tapering over 35 mm to 0 at the disc L1/2, the mean conus level."""
    names = [part.name for part in parts]
    if "L2" in names:
        two = names.index("L2")
        tip = float(origins[two, 2] + (parts[two].posterior_height_mm + parts[two].disc_below_mm) / 2)
    else:
        tip = float(origins[-1, 2] - 60.0) if names[-1] != "S1" else float(origins[0, 2] + 60.0)
    if "L1" not in names and names[0] in ("L2", "L3", "L4", "L5"):
        tip = max(tip, float(origins[0, 2] + 20.0))
    return np.clip((z - tip) / 35.0, 0.0, 1.0)
