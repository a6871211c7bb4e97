"""What is found of a spine in a CT: vertebrae with their parts and measures, the canal, and how sure each is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Points, Vec3
from cvt_planner.base.errors import GeometryMismatch
from cvt_planner.geometry.frames import Grid

SideName = Literal["left", "right"]
LabelArray = NDArray[np.uint8]


# Voxels that the bony wall brightens by its blur, its periosteum and the ligaments on it are no part of the canal's
# label: it lies so far inside the wall, which distances to the canal must allow for; assumed.
CANAL_LINING_MM = 0.7


class Part(IntEnum):
    """What a voxel of `Spine.parts` is; 0 is none of these."""

    BODY = 1
    LEFT_PEDICLE = 2
    RIGHT_PEDICLE = 3
    POSTERIOR = 4  # laminae, facets, processes
    DISC = 5
    CANAL = 6


@dataclass(frozen=True)
class Endplate:
    """One end of a vertebral body: its middle and the unit normal towards the head, LPS mm."""

    centre_lps_mm: Vec3
    normal: Vec3


@dataclass(frozen=True)
class Pedicle:
    """One pedicle at its isthmus.

    Parameters
    ----------
    isthmus_lps_mm, forward
        Middle of the narrowest section, and the unit axis through it into the body, LPS.
    width_mm, height_mm
        Outer cortex to outer cortex across the axis, towards the side and along the spine.
    judged
        False where the slices are too far apart, or the pedicle is eaten or cut off: then the figures are not to be
        used, and `doubt` says why.
    """

    side: SideName
    isthmus_lps_mm: Vec3
    forward: Vec3
    width_mm: float
    height_mm: float
    judged: bool = True
    doubt: str = ""


@dataclass(frozen=True)
class Foramen:
    """The middle of the opening for the nerve below a vertebra's pedicle, LPS mm."""

    side: SideName
    centre_lps_mm: Vec3


@dataclass(frozen=True)
class Vertebra:
    """One vertebra, not named yet.

    Parameters
    ----------
    number
        Its value in `Spine.vertebrae`: 1 for the one nearest the head in view, and so on towards the feet.
    centre_lps_mm
        Middle of the body.
    left, back, up
        Unit vectors of its own axes, LPS.
    width_mm, depth_mm, height_mm
        Of the body.
    complete
        Whether the whole body lies in the CT. Measures of an incomplete one are not to be used.
    confidence
        0 to 1. Below 0.5 the vertebra is doubtful; `doubts` says why in sentences.
    """

    number: int
    centre_lps_mm: Vec3
    left: Vec3
    back: Vec3
    up: Vec3
    upper: Endplate
    lower: Endplate
    width_mm: float
    depth_mm: float
    height_mm: float
    pedicles: tuple[Pedicle, ...] = ()
    foramina: tuple[Foramen, ...] = ()
    complete: bool = True
    confidence: float = 1.0
    doubts: tuple[str, ...] = ()

    def pedicle(self, side: SideName) -> Pedicle | None:
        """Return the pedicle of one side; None where none was found."""
        return next((p for p in self.pedicles if p.side == side), None)


@dataclass(frozen=True, eq=False)
class Spine:
    """The spine of one CT.

    Parameters
    ----------
    grid
        Of the label arrays: the CT's own grid, or a box of it around the spine.
    vertebrae
        (k, j, i) number of the vertebra a voxel belongs to, 0 for none.
    parts
        (k, j, i) `Part` of each voxel. Discs and canal carry no number.
    canal_lps_mm
        (n, 3) the middle line of the canal from feet to head, about 1 mm apart.
    found
        From head to feet; `found[n].number == n + 1`.
    notices
        Sentences about the whole: no spine in view, only a head, metal, cement, contrast.
    content_hash
        Of the CT it was found in.
    """

    grid: Grid
    vertebrae: LabelArray = field(repr=False)
    parts: LabelArray = field(repr=False)
    canal_lps_mm: Points = field(repr=False)
    found: tuple[Vertebra, ...]
    content_hash: str
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for labels in (self.vertebrae, self.parts):
            if labels.shape != self.grid.shape_kji or labels.dtype != np.uint8:
                raise GeometryMismatch(f"Labels {labels.shape} do not fit the grid {self.grid.shape_kji}.")
            labels.flags.writeable = False

    def vertebra_at(self, lps_mm: Vec3) -> Vertebra | None:
        """Return the vertebra that holds a point, LPS mm; None where there is none."""
        if not self.grid.contains(np.array(lps_mm)):
            return None
        k, j, i = np.rint(self.grid.index_of(np.array(lps_mm))).astype(int)
        number = int(self.vertebrae[k, j, i])
        return self.found[number - 1] if number else None
