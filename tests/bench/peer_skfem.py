"""The same physics with a well-kept library: scikit-fem, hexahedra, implicit steps with Newton's method.

Written to be quick, not to lose: the unknown is the Kirchhoff variable, so the stiffness matrix is assembled once and
Newton's matrix is it plus a diagonal (lumped mass), solved by conjugate gradients with a diagonal preconditioner. The
mesh is graded: fine around the probe, coarse at the walls; it covers the whole box, or by symmetry an eighth of it. The
probe is a column of square section whose conformal radius (0.590 of the side) is that of the probe.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags
from scipy.sparse.linalg import cg

from cvt_planner.bioheat.scene import Scene
from cvt_planner.bioheat.tissue import Material

Array = NDArray[np.float64]
SIDE_PER_RADIUS = 1.0 / 0.5902  # of a square, by its conformal radius
FIRST_MM, GROWTH, LONGEST_MM = 0.2, 1.3, 2.5
FIRST_STEP_S, STEP_GROWTH, LONGEST_STEP_S = 0.5, 0.04, 6.0
SETTLED_W_M = 0.02  # a hundredth of a kelvin in ice


@dataclass(frozen=True)
class Nodes:
    """Temperature, heat content and Kirchhoff variable of a constant law at its breaks."""

    c: Array
    heat: Array
    theta: Array
    per_theta: Array

    @staticmethod
    def of(m: Material) -> Nodes:
        """Return those of a tissue."""
        c = np.array([-210.0, m.t_solidus_c, m.t_liquidus_c, 120.0])
        middle = 0.5 * (m.c_frozen + m.c_unfrozen) + m.latent_j_kg / (m.t_liquidus_c - m.t_solidus_c)
        heats = np.array([m.c_frozen, middle, m.c_unfrozen]) * m.rho
        k = np.array([m.k_frozen, 0.5 * (m.k_frozen + m.k_unfrozen), m.k_unfrozen])
        heat, theta = (np.concatenate([[0.0], np.cumsum(v * np.diff(c))]) for v in (heats, k))
        return Nodes(c, heat, theta, heats / k)


@dataclass(frozen=True)
class FemRun:
    """The Kirchhoff variable on the nodes of the mesh [x, y, z], its lines in mm, and what it took."""

    theta: Array
    lines_mm: tuple[Array, Array, Array]
    law: Nodes
    nodes: int
    steps: int
    solves: int
    wall_s: float

    def extent_mm(self, iso_c: float, axis: int) -> float:
        """Return the extent of an isotherm along an axis through the middle of the probe."""
        index: list[int | slice] = [int(np.argmin(np.abs(lines))) for lines in self.lines_mm]
        middle = index[axis]
        index[axis] = slice(middle, None)  # type: ignore[arg-type]
        values, lines = self.theta[tuple(index)], self.lines_mm[axis][middle:]
        return 2.0 * float(np.interp(np.interp(iso_c, self.law.c, self.law.theta), values, lines))


def _outwards(inner_mm: float, outer_mm: float) -> list[float]:
    """Return lines from `inner_mm` to the wall, ever further apart."""
    lines, step = [inner_mm], FIRST_MM
    while lines[-1] + 1.5 * step < outer_mm:
        lines.append(lines[-1] + step)
        step = min(step * GROWTH, LONGEST_MM)
    return [*lines, outer_mm]


def _mesh_lines(scene: Scene, whole: bool) -> tuple[Array, Array]:
    """Return the lines across the probe and along it, mm; from the middle outwards, or through the whole box."""
    probe = scene.probes[0]
    side, tip = 0.25 * SIDE_PER_RADIUS * probe.diameter_mm, 0.5 * probe.active_length_mm
    across = [0.0, 0.5 * side, *_outwards(side, 0.5 * scene.box.size_mm[0])]
    towards_tip = sorted(tip - v for v in _outwards(0.0, tip)[1:])  # fine at the tip, coarse at the middle
    along = [*towards_tip, *_outwards(tip, 0.5 * scene.box.size_mm[2])]
    if whole:
        across, along = ([*(-v for v in lines[:0:-1]), *lines] for lines in (across, along))
    return np.array(across), np.array(along)


def implicit(scene: Scene, seconds: float, whole: bool = True) -> FemRun:
    """Return the first `seconds` of a freeze with one upright probe in the middle of the box."""
    from skfem import Basis, BilinearForm, ElementHex1, MeshHex  # type: ignore[import-not-found]
    from skfem.helpers import dot, grad  # type: ignore[import-not-found]

    began = time.perf_counter()
    probe, law = scene.probes[0], Nodes.of(scene.material)
    across, along = _mesh_lines(scene, whole)
    basis = Basis(MeshHex.init_tensor(across / 1e3, across / 1e3, along / 1e3), ElementHex1())
    stiff = BilinearForm(lambda u, v, w: dot(grad(u), grad(v))).assemble(basis).tocsr()
    mass = np.asarray(BilinearForm(lambda u, v, w: u * v).assemble(basis).sum(axis=1)).ravel()
    p = basis.doflocs * 1e3
    side = 0.25 * SIDE_PER_RADIUS * probe.diameter_mm + 1e-6
    held = (np.max(np.abs(p[:2]), axis=0) < side) & (np.abs(p[2]) < 0.5 * probe.active_length_mm + 1e-6)
    wall = np.max(np.abs(p) / (0.5 * np.array(scene.box.size_mm))[:, None], axis=0) > 1.0 - 1e-9
    free = np.nonzero(~(held | wall))[0]
    rows = stiff[free]
    inner, weight = rows[:, free], mass[free]
    theta = np.full(p.shape[1], float(np.interp(scene.initial_c, law.c, law.theta)))
    now, steps, solves = 0.0, 0, 0
    while now < seconds - 1e-9:
        dt = min(max(FIRST_STEP_S, STEP_GROWTH * now), LONGEST_STEP_S, seconds - now)
        cold = min((now + dt) / probe.cooldown_s, 1.0) if probe.cooldown_s else 1.0
        surface_c = scene.initial_c + (probe.temperature_c - scene.initial_c) * cold
        theta[held] = np.interp(surface_c, law.c, law.theta)
        before = np.interp(theta[free], law.theta, law.heat)
        for _ in range(30):
            gained = np.interp(theta[free], law.theta, law.heat) - before
            slope = law.per_theta[np.clip(np.searchsorted(law.theta, theta[free]) - 1, 0, 2)]
            matrix = inner + diags(weight / dt * slope)
            change, _ = cg(matrix, -(weight / dt * gained + rows @ theta), rtol=1e-4, M=diags(1.0 / matrix.diagonal()))
            theta[free] += change
            solves += 1
            if np.abs(change).max() < SETTLED_W_M:
                break
        now, steps = now + dt, steps + 1
    taken = time.perf_counter() - began
    shaped = theta[np.lexsort((p[2], p[1], p[0]))].reshape(across.size, across.size, along.size)
    return FemRun(shaped, (across, across, along), law, int(p.shape[1]), steps, solves, taken)
