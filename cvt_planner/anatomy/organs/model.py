"""What is found around the spine: body, lungs and air on coarse cells, the aorta as a tube, and words for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from cvt_planner.base.arrays import FloatArray, LabelArray, MaskArray, Points
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.geometry.frames import Grid


class Organ(IntEnum):
    """What a cell of `Organs.labels` is; 0 is outside the patient."""

    TISSUE = 1  # all of the body that is none of the others
    RIGHT_LUNG = 2
    LEFT_LUNG = 3
    AIR = 4  # airways, bowel gas

    @property
    def words(self) -> str:
        """Return its name."""
        return self.name.lower().replace("_", " ")


LUNGS = (Organ.RIGHT_LUNG, Organ.LEFT_LUNG)
AORTA_LABEL = 5  # where labels are written to a file; `Organs.labels` have none, for the aorta is a tube


@dataclass(frozen=True, eq=False)
class Aorta:
    """The lumen of the aorta along the spine, as a tube.

    Parameters
    ----------
    centres_lps_mm
        (n, 3) from feet to head, one per transverse section, without a gap.
    radii_mm
        (n,) of the lumen, as round as its section is large.
    hu
        Of the blood in it.
    """

    centres_lps_mm: Points = field(repr=False)
    radii_mm: FloatArray = field(repr=False)
    hu: float

    def gaps_mm(self, lps_mm: Points) -> FloatArray:
        """Return (m,) how far (m, 3) LPS points lie outside the lumen, mm, negative inside; NaN where it is not known.

        It is not known beyond the ends of the tube along the body.
        """
        points, centres = np.asarray(lps_mm, dtype=np.float64).reshape(-1, 3), self.centres_lps_mm
        away = np.linalg.norm(points[:, None] - centres[None], axis=2) - self.radii_mm[None]
        known = (points[:, 2] >= centres[:, 2].min()) & (points[:, 2] <= centres[:, 2].max())
        return np.asarray(np.where(known, away.min(axis=1), np.nan))


@dataclass(frozen=True, eq=False)
class Organs:
    """What lies around the spine of one CT.

    Parameters
    ----------
    grid
        Of the labels: cells of about 3 mm over the whole CT.
    labels
        (k, j, i) `Organ` of each cell, 0 outside the patient.
    content_hash
        Of the CT it was found in.
    aorta
        None where it was not looked for yet, or cannot be seen; `aorta_words` says which.
    aorta_words
        The sentence on the aorta, for the user.
    """

    grid: Grid
    labels: LabelArray = field(repr=False)
    content_hash: str
    aorta: Aorta | None = None
    aorta_words: str = ""

    def __post_init__(self) -> None:
        if self.labels.shape != self.grid.shape_kji or self.labels.dtype != np.uint8:
            raise GeometryMismatch(f"Labels {self.labels.shape} do not fit the grid {self.grid.shape_kji}.")
        self.labels.flags.writeable = False

    def mask(self, *organs: Organ) -> MaskArray:
        """Return (k, j, i) where one of some organs is."""
        return np.isin(self.labels, organs)

    def volume_ml(self, organ: Organ) -> float:
        """Return how much of an organ is in view, mL; the body's tissue without lungs and air."""
        return float(np.count_nonzero(self.labels == organ)) * self.grid.voxel_volume_mm3 / 1000.0


def organs_words(organs: Organs) -> str:
    """Return what of lungs and air is in view, in one sentence."""
    seen = [(organ.words, organs.volume_ml(organ)) for organ in (*LUNGS, Organ.AIR)]
    found = ", ".join(f"{name} {volume:.0f} mL" for name, volume in seen if volume >= 0.5)
    if not organs.labels.any():
        return "No body is seen in this CT."
    return f"In view: {found}." if found else "No lung and no air of the body is in view."
