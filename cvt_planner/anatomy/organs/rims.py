"""How far places are from lung and air: asked at every move of a needle, so what is needed for it is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from cvt_planner.anatomy.organs.model import LUNGS, Organ, Organs
from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray, Points
from cvt_planner.base.remembered import Remembered
from cvt_planner.geometry.frames import Grid


@dataclass(frozen=True, eq=False)
class AirRims:
    """The outermost cells of lung, airways and bowel gas, and the cells of tissue beside them, each to be searched."""

    labels: LabelArray = field(repr=False)
    grid: Grid
    organs: LabelArray = field(repr=False)  # (n,) of the cells in `air`
    air: cKDTree = field(repr=False)
    tissue: cKDTree = field(repr=False)

    @classmethod
    def of(cls, labels: LabelArray, grid: Grid) -> AirRims:
        """Return the rims of what is found in a CT."""
        air = is_air(labels)
        cells = np.argwhere(air & ndimage.binary_dilation(~air))
        beside = np.argwhere(~air & ndimage.binary_dilation(air))
        trees = [cKDTree(grid.lps_of(one.astype(np.float64)).reshape(-1, 3)) for one in (cells, beside)]
        return cls(labels, grid, labels[tuple(cells.T)], *trees)

    def nearest(self, lps_mm: Points) -> tuple[FloatArray, LabelArray] | None:
        """Return (m,) how far LPS points lie outside lung or air, mm, negative inside, and which that is; None: none.

        Good to half a cell: distances run from the middle of one to the point, less half a cell.
        """
        if not self.air.n:
            return None
        half = float(self.grid.spacing_kji_mm[1:].mean()) / 2.0
        far, at = self.air.query(lps_mm)
        index = np.rint(self.grid.index_of(lps_mm)).astype(int)
        within = np.all((index >= 0) & (index < np.array(self.grid.shape_kji)), axis=1)
        inside = np.zeros(len(index), dtype=np.bool_)
        inside[within] = is_air(self.labels[tuple(index[within].T)])
        gaps = np.asarray(far, dtype=np.float64) - half
        if inside.any() and self.tissue.n:
            deep, _ = self.tissue.query(lps_mm[inside])
            gaps[inside] = np.minimum(half - np.asarray(deep), -0.1)
        gaps[~inside] = np.maximum(gaps[~inside], 0.0)
        return gaps, self.organs[at]


_KNOWN: Remembered[AirRims] = Remembered(1)


def rims_of(organs: Organs) -> AirRims:
    """Return the rims of what was found in a CT, kept as long as its labels are (the aorta may come later)."""
    return _KNOWN.get(organs.grid, "rims", lambda: AirRims.of(organs.labels, organs.grid))


def is_air(labels: LabelArray) -> MaskArray:
    """Return where labels are lung or air."""
    return np.isin(labels, (*LUNGS, Organ.AIR))
