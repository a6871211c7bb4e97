"""Where the organs of the torso lie: sections slice by slice, laid out beside the spine."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.phantom.person import MEAN, Person
from cvt_planner.phantom.proportions import rank_of
from cvt_planner.phantom.soft import Organ
from cvt_planner.phantom.spine import Spine

# HU at 120 kV without contrast medium, usual values (assumed); muscle and fat agree with the real CT of the tests.
SKIN, FAT, MUSCLE, BLOOD, LIVER, SPLEEN, KIDNEY, BOWEL = 20, -102, 52, 42, 57, 48, 32, 30
LUNG, GAS = -865, -960
WALL_MM = 15.0  # muscles of the side of the trunk, assumed as all sizes of organs are


def smooth(low: float, high: float, at: FloatArray) -> FloatArray:
    """Return 0 below `low`, 1 above `high`, an S between."""
    f = np.clip((at - low) / (high - low), 0.0, 1.0)
    return np.asarray(f * f * (3 - 2 * f))


class Layout:
    """The slices of one scan and the spine's place in each; every organ is laid out from it.

    Parameters
    ----------
    spine
        The spine; organs keep their place beside it.
    z
        (k,) the slices, LPS mm.
    seed
        Chooses sizes and places within their range.
    person
        How far the back follows the curve of the spine.
    """

    def __init__(self, spine: Spine, z: FloatArray, seed: int, person: Person = MEAN) -> None:
        self.rng = np.random.default_rng([seed, 73])
        self.z = z
        self.x = np.interp(z, spine.axis[:, 2], spine.axis[:, 0])
        self.y = np.interp(z, spine.axis[:, 2], spine.axis[:, 1])
        rows = np.array([rank_of(part.name) for part in spine.parts])
        # rank: which level a slice lies in, as a number (T12 is 5, L1 is 6), whatever the size of the patient
        self.rank = np.interp(-z, -spine.bodies[:, 2], rows)
        beyond = z > spine.bodies[0, 2]
        self.rank[beyond] = rows[0] - (z[beyond] - spine.bodies[0, 2]) / 25.0
        beyond = z < spine.bodies[-1, 2]
        self.rank[beyond] = rows[-1] + (spine.bodies[-1, 2] - z[beyond]) / 33.0
        self.half_width = np.interp(self.rank, rows, spine.bodies[:, 12])
        self.half_depth = np.interp(self.rank, rows, spine.bodies[:, 13])
        self.size = float(self.rng.uniform(0.95, 1.0))
        self.back = float(self.rng.uniform(68.0, 71.0))  # from the middle of the bodies to the fascia of the back
        self.fat_mm = float(self.rng.uniform(11.0, 16.0))
        self.front = float(np.interp(0.0, self.rank - 6.0, self.y)) - 122.0 * self.size
        self.mean_y = float(self.y.mean())
        self.follow = person.follow
        self.neck = 1.0 - smooth(-8.3, -5.6, self.rank)  # 0 in the trunk, 1 in the neck

    def phase(self) -> float:
        """Return a new phase for an organ's dents."""
        return float(self.rng.uniform(0.0, 6.28))

    def sections(
        self, x: object, y: object, a: object, b: object, turn: object = 0.0, where: object = 1.0
    ) -> FloatArray:
        """Return (k, 6) sections from arrays or plain numbers: centre, half axes, turn in degrees, presence."""
        return np.stack(
            [np.broadcast_to(np.asarray(v, dtype=float), self.z.shape) for v in (x, y, a, b, turn, where)], 1
        )

    def outline(self, inset: float, back_inset: float | None = None) -> FloatArray:
        """Return sections of the trunk, drawn in by `inset` in front and at the sides and by `back_inset` behind."""
        waist = 1.0 - 0.06 * smooth(6.0, 8.5, self.rank) * (1 - smooth(9.0, 11.0, self.rank))
        front = self.front + inset + self.neck * (self.y - 62.0 - self.front)
        behind = (1.0 - self.follow) * self.mean_y + self.follow * self.y + self.back + self.fat_mm + 2.0
        behind = behind - (inset if back_inset is None else back_inset)
        a = (151.0 - 83.0 * self.neck) * self.size * waist - inset * (1.0 - 0.5 * self.neck)
        return self.sections(0.25 * self.x, (front + behind) / 2, a, (behind - front) / 2)

    def ball(
        self, centre: tuple[float, float, float], half: tuple[float, float, float], turn: float = 0.0
    ) -> FloatArray:
        """Return sections of an ellipsoid; centre beside the spine: x, y from the axis in mm, and its rank."""
        z = float(np.interp(centre[2], self.rank[::-1], self.z[::-1]))
        z += 30.0 * (np.clip(centre[2], self.rank.min(), self.rank.max()) - centre[2])  # beyond the scan
        f = np.sqrt(np.clip(1.0 - ((self.z - z) / half[2]) ** 2, 0.0, 1.0))
        return self.sections(self.x + centre[0], self.y + centre[1], half[0] * f, half[1] * f, turn, f > 0.02)

    def organ(
        self, sections: FloatArray, hu: float, dent_mm: float = 1.2, power: float = 2.0, grain: float = 0.0
    ) -> Organ:
        """Return an organ with dents of its own."""
        return Organ(sections, hu, dent_mm, power, grain, self.phase())

    def wrapped(
        self,
        sections: FloatArray,
        hu: float,
        fat_mm: float,
        dent_mm: float = 1.2,
        power: float = 2.0,
        grain: float = 0.0,
    ) -> list[Organ]:
        """Return an organ in its layer of fat, which keeps it apart from what was painted before."""
        phase = self.phase()
        layer = sections.copy()
        layer[:, 2:4] += fat_mm * (sections[:, 2:4] > 1.0)
        return [
            Organ(layer, FAT, dent_mm, power, 30.0, phase + 0.4),
            Organ(sections, hu, dent_mm, power, grain, phase),
        ]
