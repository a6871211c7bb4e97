"""The spine in the patient: where each vertebra stands, its parts as numbers for the kernels, and the canal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.phantom.arches import pedicle, struts
from cvt_planner.phantom.person import MEAN, Person
from cvt_planner.phantom.poses import poses
from cvt_planner.phantom.proportions import Proportions, levels_of, proportions_for

# Columns of the body table, one row per vertebra: origin (0-2), local axes as rows (3-11), then
HALF_WIDTH, HALF_DEPTH, FRONT, BACK, WAIST, HOLLOW, NOTCH, VEIN, LOW, HIGH = range(12, 22)  # the last two bound its z
# marrow of body and of arch (HU), the body's shell, the arch's cortex, the gap that the arch keeps from the one above,
# how far before the body's back the arch may reach (mm)
MARROW, ARCH_MARROW, SHELL, CORTEX, GAP, REACH = range(22, 28)
# Pedicle table: isthmus centre (0-2, local), half width, half height, direction forward (5-7), sideways (8-10)
# Strut table: end a (0-2), end b (3-5), radius at a, at b, stretch along local z
STRUTS = 12
JOINT_GAP_MM = 1.9  # assumed, within the range of anatomy texts


@dataclass(frozen=True, eq=False)
class Spine:
    """All vertebrae of a case and their neighbours above and below, from head to feet.

    Parameters
    ----------
    parts
        Sizes; `bodies` (n, 28), `pedicles` (n, 2, 11) left then right, `struts` (n, STRUTS, 9): tables of the kernels,
        local coordinates x to the left, y to the back, z to the head, mm, origin in the middle of the body.
    canal
        (m, 8) rows from feet to head: z, centre x, centre y, half width, half depth, cord fraction (1 the whole cord,
        0 below the conus), cosine and sine of its turn. LPS mm; the canal is an ellipse in the axial plane.
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


def build_spine(levels: tuple[str, ...], seed: int, person: Person = MEAN) -> Spine:
    """Return the spine of a case: its levels, one neighbour above, one below, and of a sacrum two segments more."""
    all_levels = levels_of(person)
    first, last = all_levels.index(levels[0]), all_levels.index(levels[-1])
    last += 2 if all_levels[min(last + 1, len(all_levels) - 1)].startswith("S") else 1
    names = all_levels[max(first - 1, 0) : last + 1]
    parts, varied = proportions_for(names, seed, person)
    origins, axes = poses(parts, person, varied, seed)
    pedicles = np.array([[pedicle(part, sign) for sign in (1, -1)] for part in parts])
    posterior = np.array([struts(part, pedicles[n]) for n, part in enumerate(parts)])
    bodies = np.array([_body(part, person, origins[n], axes[n], posterior[n]) for n, part in enumerate(parts)])
    canal, axis = _canal(parts, origins, axes, person)
    return Spine(parts, bodies, pedicles, posterior, canal, axis, varied)


def _body(part: Proportions, person: Person, origin: Points, axes: FloatArray, posterior: FloatArray) -> FloatArray:
    hollow = 1.1 + 0.7 * part.lumbar  # depth of the endplate's hollow, assumed
    notch = 2.4 - 0.6 * part.lumbar  # depth of the posterior wall's hollow, assumed
    sizes = [part.width_mm / 2, part.depth_mm / 2, part.anterior_height_mm, part.posterior_height_mm]
    ends = posterior[:, [2, 5]]
    thick = posterior[:, 6:8] * posterior[:, 8:9] + 1.0
    bounds = [float((ends - thick).min()), max(float((ends + thick).max()), part.anterior_height_mm / 2 + 7.0)]
    tissue = [person.marrow_hu, person.arch_marrow_hu, person.shell_mm, person.cortex_mm]
    gap = -20.0 if part.name in ("S2", "S3") else JOINT_GAP_MM  # the sacrum is one bone
    reach = {"C": 14.0, "S": 40.0}.get(part.name[0], 8.0)
    vein = 0.0 if part.name[0] in "CS" or part.name in person.collapsed else 1.0
    shape = [0.10, hollow, notch, vein]
    return np.concatenate([origin, axes.ravel(), sizes, shape, bounds, tissue, [gap, reach]])


def _canal(
    parts: tuple[Proportions, ...], origins: Points, axes: FloatArray, person: Person
) -> tuple[FloatArray, FloatArray]:
    rows = []
    for part, origin, axis in zip(parts, origins, axes, strict=True):
        behind = part.depth_mm / 2 + part.canal_depth_mm / 2 - 0.6
        centre = origin + axis[1] * behind
        half = np.array([part.canal_width_mm, part.canal_depth_mm]) / 2
        if person != MEAN:  # an axial plane cuts a leaning canal obliquely; by less than 2 % in the mean spine
            upright = np.hypot(axis[2, 1], axis[2, 2])
            half /= np.array([upright, axis[2, 2] / upright])
        rows.append([*centre[::-1], *half, *origin, *axis[0, :2] / np.hypot(*axis[0, :2])])
    table = np.array(rows)[::-1]
    grow = np.array([50.0, *[0.0] * (table.shape[1] - 1)])
    lowest, highest = table[0] - grow, table[-1] + grow
    lowest[[1, 2, 5, 6]] += (table[0] - table[1])[[1, 2, 5, 6]] * 1.4  # straight on beyond the outermost vertebrae
    highest[[1, 2, 5, 6]] += (table[-1] - table[-2])[[1, 2, 5, 6]] * 1.8
    table = np.vstack([lowest, table, highest])
    z = np.arange(table[0, 0], table[-1, 0], 0.5)
    fine = CubicSpline(table[:, 0], table[:, 1:])(z)
    cord = _cord_fraction(parts, origins, z)
    turn = fine[:, 7:9] / np.hypot(fine[:, 7], fine[:, 8])[:, None]
    canal = np.column_stack([z, fine[:, 1], fine[:, 0], fine[:, 2], fine[:, 3], cord, turn])
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
        tip = float(origins[-1, 2] - 60.0) if not names[-1].startswith("S") else float(origins[0, 2] + 60.0)
    if "L1" not in names and names[0] in ("L2", "L3", "L4", "L5"):
        tip = max(tip, float(origins[0, 2] + 20.0))
    return np.clip((z - tip) / 35.0, 0.0, 1.0)
