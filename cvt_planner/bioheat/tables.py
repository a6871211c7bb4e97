"""What the solver's kernels are given, by name."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvt_planner.bioheat.conductance import Codes

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class TissueTables(NamedTuple):
    """The tissue on the cells: of one material, or `mapped`, every cell of its own; what the other kind needs is empty.

    Parameters
    ----------
    even
        (5, plane) of one material: couplings, 1/s, to the neighbours below and above in x and y; volumes' factor.
    even_z
        (3, planes) the same along z.
    faces, units
        Mapped: (2, 3, cells) codes of the conductances of the faces below each cell, unfrozen and frozen, along x, y,
        z; (2,) their units, W/K.
    per_capacity
        (cells,) K/J.
    sign, offset, held
        Of the ghosts beyond the six walls, low and high x, y, z; which walls are held.
    constants, width, fold, kappa
        Of the law (`law_kernels`); mapped, kappa is each cell's own.
    within, beyond
        Mapped: slopes of heat over psi within the freezing range and beyond the solidus (`middle_kernels`).
    frosty
        Mapped: whether ghosts beyond a wall are frozen.
    """

    even: F32
    even_z: F32
    faces: Codes
    units: F32
    per_capacity: F32
    sign: F32
    offset: F32
    held: Bools
    mapped: bool
    colligative: bool
    constants: F32
    width: F32
    fold: F32
    kappa: F32
    within: F32
    beyond: F32
    frosty: bool


class Feeds(NamedTuple):
    """What brings heat into the cells of a step, and room to work in.

    Parameters
    ----------
    source, source_cell, source_begin
        (n,) the rise that probes and needles give, K/s; (n,) to which cells, ascending; (planes + 1,) where those of
        each plane begin.
    blood, metabolic
        (cells,) 1/s and K/s; mapped, W/K and W. `metabolic` is empty where there is none.
    capacity
        (cells,) J/K.
    perfused
        Whether there is blood or metabolism.
    buffers
        (planes, run) room for rates.
    rows
        How many rows make a run.
    """

    source: F32
    source_cell: Ints
    source_begin: Ints
    blood: F32
    metabolic: F32
    capacity: F32
    perfused: bool
    buffers: F32
    rows: int


class Fields(NamedTuple):
    """The fields of a stage, flat.

    Parameters
    ----------
    psi, cold
        (channels, cells) what conducts now; (planes, 2) from which row to which (exclusive) cells may hold
        freezing tissue.
    fresh, fresh_cold
        The same of the new state: written.
    out
        (cells,) the state before the last: the new one is written over it.
    e1, e0
        The last state, and that at the start of the step.
    rate0
        The rate of the first stage; written by that.
    across
        (cells,) how much what conducts changes across each cell around the ice, in unfrozen kelvin.
    """

    psi: F32
    cold: Ints
    fresh: F32
    fresh_cold: Ints
    out: F32
    e1: F32
    e0: F32
    rate0: F32
    across: F32
