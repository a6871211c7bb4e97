"""Mean size of the vertebral bodies per level, and the volume that follows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.units import ml_from_mm3

SOURCE = (
    "Mean upper endplate width, depth and posterior height: Panjabi et al., Spine 1991;16:861 (cervical), 1991;16:888 "
    "(thoracic), 1992;17:299 (lumbar); recalled from the tables, not checked against the print. Volume: elliptic "
    "cylinder, less 10 % for the waist (assumed). Persons differ by about 25 %."
)
PERSON_TO_PERSON = 0.25  # assumed spread of a person's body volume about the mean, as a share
_WAIST = 0.9  # assumed: a waisted body holds so much of the cylinder over its endplate

# Level: width, depth, height in mm; see SOURCE.
_BODIES_MM: dict[str, tuple[float, float, float]] = {
    "C3": (15.8, 15.0, 11.6),
    "C4": (17.2, 15.3, 11.4),
    "C5": (17.5, 15.2, 11.4),
    "C6": (18.5, 16.4, 10.9),
    "C7": (21.8, 18.1, 12.8),
    "T1": (24.5, 18.5, 14.1),
    "T2": (24.9, 19.6, 15.6),
    "T3": (24.6, 22.7, 15.7),
    "T4": (24.5, 23.3, 16.2),
    "T5": (24.9, 24.3, 16.2),
    "T6": (26.2, 26.0, 17.4),
    "T7": (27.8, 27.4, 18.2),
    "T8": (29.5, 27.9, 18.7),
    "T9": (30.6, 29.3, 19.3),
    "T10": (31.9, 30.5, 20.2),
    "T11": (34.9, 31.9, 21.3),
    "T12": (39.0, 32.8, 22.7),
    "L1": (41.2, 34.1, 23.8),
    "L2": (42.6, 34.6, 24.3),
    "L3": (44.1, 35.2, 23.8),
    "L4": (46.6, 35.5, 24.1),
    "L5": (47.3, 34.7, 22.9),
}
_STAND_INS = {"S1": "L5", "L6": "L5", "T13": "T12"}


@dataclass(frozen=True)
class BodyReference:
    """The mean vertebral body of a level; `stands_in_for` names a level that has no figures of its own."""

    level: str
    width_mm: float
    depth_mm: float
    height_mm: float
    stands_in_for: str = ""

    @property
    def volume_ml(self) -> float:
        """Return the body's volume, mL; persons differ from it by about `PERSON_TO_PERSON`."""
        return ml_from_mm3(math.pi / 4.0 * self.width_mm * self.depth_mm * self.height_mm * _WAIST)


def body_reference(level: str) -> BodyReference:
    """Return the mean vertebral body of a level.

    Raises
    ------
    InputRefused
        If the level is not one the planner knows.

    Notes
    -----
    S1 has no body of this form, and T13 and L6 have no figures: L5 stands in for S1 and L6, T12 for T13, which is said
    in `stands_in_for`.
    """
    own = _STAND_INS.get(level, level)
    if own not in _BODIES_MM:
        raise InputRefused(f"{level!r} is not a vertebral level with known measures. Choose C3 to L6 or S1.")
    return BodyReference(own, *_BODIES_MM[own], stands_in_for="" if own == level else level)
