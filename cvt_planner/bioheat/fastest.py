"""How fast heat can flow between frozen cells, which sets how many stages a step needs.

Where frozen tissue conducts the better the colder it is, the coldest cell alone is a poor measure: it stands among
warmer ones. The rates of a network of conductances are those of a matrix |J| without negative entries (its signs change
as on a chessboard), and for any weights v above zero no rate exceeds the largest (|J| v)_i / v_i (Collatz 1942,
Math Z 48:221). Weights that grow with a power of the conductance, high where it is cold, come within 10 % of the true
rate; all equal, as in the circles of Gershgorin, they are 10 to 20 % above it, with the coldest cell everywhere 40 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array
from cvt_planner.base.compiled import kernel
from cvt_planner.bioheat.tables import F32

POWERS = (2, 4)
BESIDE = 3  # cells around those of the probes that are looked at one by one


@dataclass(frozen=True, eq=False)
class ColdBlock:
    """The cells around the probes.

    Parameters
    ----------
    cell
        (k, j, i) flat padded indices of the cells and one layer around them; beyond a wall the cell before it.
    couplings
        (6, k - 2, j - 2, i - 2) to the neighbours below and above in x, y and z, 1/s per unit of `frozen_gain`.
    core
        (n,) flat padded indices of the cells that probes pull at most strongly.
    """

    cell: NDArray[np.int64]
    couplings: Float32Array
    core: NDArray[np.int64]


def block_around(cell: NDArray[np.int64], shape: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """Return the part of a padded field, its padding left out, that holds some cells and those beside them."""
    places = np.unravel_index(cell, shape)
    k, j, i = (
        slice(max(int(at.min()) - BESIDE, 1), min(int(at.max()) + BESIDE + 1, n - 1))
        for at, n in zip(places, shape, strict=True)
    )
    return k, j, i


def with_layer(block: tuple[slice, slice, slice], shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """Return the flat padded indices of a part of a field and a layer around it, clipped at the walls."""
    k, j, i = (np.clip(np.arange(at.start - 1, at.stop + 1), 1, n - 2) for at, n in zip(block, shape, strict=True))
    return np.asarray((k[:, None, None] * shape[1] + j[None, :, None]) * shape[2] + i[None, None, :])


def fastest_rate(block: ColdBlock, gain: F32, elsewhere: float) -> float:
    """Return a bound of the fastest rate, 1/s, of frozen cells.

    Parameters
    ----------
    block
        The cells around the probes.
    gain
        Shaped as its `cell`: how much better each conducts than with constant properties, at least 1.
    elsewhere
        The bound, 1/s, for a gain of 1.
    """
    faces = (gain[0], gain[-1], gain[:, 0], gain[:, -1], gain[:, :, 0], gain[:, :, -1])
    edge = max(face.max() for face in faces)
    return min(max(_rate(gain, block.couplings, edge, power), elsewhere * float(edge)) for power in POWERS)


@kernel
def _rate(gain: F32, couplings: F32, edge: np.float32, power: int) -> float:
    """Return the largest rate of the cells within a layer for weights (gain / edge)^power, at least 1."""
    deep, high, wide = gain.shape
    one = np.float32(1.0)
    v = np.empty(gain.shape, np.float32)
    for k in range(deep):
        for j in range(high):
            for i in range(wide):
                v[k, j, i] = max(gain[k, j, i] / edge, one) ** power
    most = np.float32(0.0)
    for k in range(1, deep - 1):
        for j in range(1, high - 1):
            for i in range(1, wide - 1):
                own = v[k, j, i]
                c = couplings[:, k - 1, j - 1, i - 1]
                total = (
                    c[0] * (own + v[k, j, i - 1]) + c[1] * (own + v[k, j, i + 1])
                    + c[2] * (own + v[k, j - 1, i]) + c[3] * (own + v[k, j + 1, i])
                    + c[4] * (own + v[k - 1, j, i]) + c[5] * (own + v[k + 1, j, i])
                )  # fmt: skip
                most = max(most, gain[k, j, i] * total / own)
    return np.float64(most)
