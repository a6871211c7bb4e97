"""The organs of the torso around a spine: skin, fat, muscles, vessels, viscera, lungs, ribs and the couch.

Soft masses that make the picture read as a CT. Their sizes are assumed and carry no truth, the skin apart.
"""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import FloatArray
from cvt_planner.phantom.soft import Organ
from cvt_planner.phantom.spine import Spine

# HU at 120 kV without contrast medium, usual values (assumed); muscle and fat agree with the real CT of the tests.
SKIN, FAT, MUSCLE, BLOOD, LIVER, SPLEEN, KIDNEY, BOWEL, LUNG, GAS = 20, -104, 54, 42, 58, 50, 32, 28, -860, -960
_WALL_MM = 15.0


def smooth(low: float, high: float, at: FloatArray) -> FloatArray:
    """Return 0 below `low`, 1 above `high`, an S between."""
    f = np.clip((at - low) / (high - low), 0.0, 1.0)
    return np.asarray(f * f * (3 - 2 * f))


class Torso:
    """Sections of every organ at the slices of one scan, laid out around the spine.

    Parameters
    ----------
    spine
        The spine; organs keep their place beside it.
    z
        (k,) the slices, LPS mm.
    seed
        Chooses sizes and places within their range.
    """

    def __init__(self, spine: Spine, z: FloatArray, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 73])
        self.z = z
        self.x = np.interp(z, spine.axis[:, 2], spine.axis[:, 0])
        self.y = np.interp(z, spine.axis[:, 2], spine.axis[:, 1])
        names = [p.name for p in spine.parts]
        rows = np.array([("T7 T8 T9 T10 T11 T12 L1 L2 L3 L4 L5 S1".split()).index(n) for n in names], dtype=float)
        # rank: which level a slice lies in, as a number (T12 is 5, L1 is 6); the same for every patient size
        self.rank = np.interp(-z, -spine.bodies[:, 2], rows)
        outside = z > spine.bodies[0, 2]
        self.rank[outside] = rows[0] - (z[outside] - spine.bodies[0, 2]) / 25.0
        self.half_width = np.interp(self.rank, rows, spine.bodies[:, 12])
        self.half_depth = np.interp(self.rank, rows, spine.bodies[:, 13])
        self.size = float(self._rng.uniform(0.97, 1.04))
        self.back = 62.0 + self._rng.uniform(-2, 2)  # from the middle of the bodies to the fascia of the back
        self.fat_mm = float(self._rng.uniform(11.0, 17.0))

    def _phase(self) -> float:
        return float(self._rng.uniform(0.0, 6.28))

    def sections(
        self, x: object, y: object, a: object, b: object, turn: object = 0.0, where: object = 1.0
    ) -> FloatArray:
        """Return (k, 6) sections from arrays or plain numbers."""
        return np.stack(
            [np.broadcast_to(np.asarray(v, dtype=float), self.z.shape) for v in (x, y, a, b, turn, where)], 1
        )

    def outline(self, inset: float, back_inset: float | None = None) -> FloatArray:
        """Return sections of the trunk, drawn in by `inset` in front and at the sides and by `back_inset` behind."""
        back = inset if back_inset is None else back_inset
        waist = 1.0 - 0.07 * smooth(6.0, 8.5, self.rank) * (1 - smooth(9.0, 11.0, self.rank))
        mean_y = float(self.y.mean())
        front = mean_y - 118.0 * self.size + inset
        behind = mean_y + self.back + self.fat_mm + 2.0 - back
        a = 152.0 * self.size * waist - inset
        return self.sections(0.25 * self.x, (front + behind) / 2, a, (behind - front) / 2)

    def ball(self, c: tuple[float, float, float], r: tuple[float, float, float], turn: float = 0.0) -> FloatArray:
        """Return sections of an ellipsoid; centre beside the spine: x, y from the axis in mm, and its rank."""
        mm = np.gradient(self.rank, self.z)
        dz = (self.rank - c[2]) / np.where(np.abs(mm) > 1e-6, np.abs(mm), 1 / 30.0)
        f = np.sqrt(np.clip(1.0 - (dz / r[2]) ** 2, 0.0, 1.0))
        return self.sections(self.x + c[0], self.y + c[1], r[0] * f, r[1] * f, turn, f > 0.02)

    def organs(self) -> list[Organ]:
        """Return everything but ribs, couch and spine, in the order of painting."""
        return [*self._shell(), *self._chest(), *self._abdomen(), *self._behind(), *self._vessels()]

    def _shell(self) -> list[Organ]:
        p = self._phase()
        back_wall = self.fat_mm + 2.0
        cavity = self.outline(self.fat_mm + 6.0 + _WALL_MM, back_wall + 22.0)
        cavity[:, 3] -= 0.0
        return [
            Organ(self.outline(0.0), SKIN, 0.6, 2.35, 0.0, p),
            Organ(self.outline(1.7), FAT, 0.6, 2.35, 60.0, p),
            Organ(self.outline(self.fat_mm + 6.0, back_wall), MUSCLE, 1.6, 2.35, -35.0, p + 0.4),
            Organ(self.outline(self.fat_mm + 6.0 + 5.0, back_wall + 5.0), FAT, 1.2, 2.35, 70.0, p + 0.7),
            Organ(self.outline(self.fat_mm + 6.0 + 6.2, back_wall + 6.0), MUSCLE, 1.4, 2.35, -35.0, p + 0.9),
            Organ(cavity, FAT, 1.5, 2.3, 25.0, p + 1.3),
        ]

    def _lung_cavity(self) -> FloatArray:
        return self.outline(self.fat_mm + 6.0 + _WALL_MM - 1.5, self.fat_mm + 2.0 + 20.0)

    def _chest(self) -> list[Organ]:
        lung = self._lung_cavity()
        lung[:, 5] = self.rank < 6.2
        out = [Organ(lung, LUNG, 1.0, 2.3, 45.0, self._phase())]
        organs = []
        for sign, top, hu in ((-1, 3.2, LIVER), (1, 3.9, FAT)):
            # a dome: its section grows quickly at first, until only a crescent of lung is left behind it
            grow = np.sqrt(np.clip((self.rank - top) / (6.3 - top), 0.0, 1.0))
            a = 66.0 * self.size * grow
            b = (lung[:, 3] - 1.5) * grow
            x = sign * (lung[:, 2] - a - 2.5 + 4.0 * (1 - grow))
            y = lung[:, 1] - 14.0 * (1 - grow)
            wide = np.where(self.rank > 6.2, 0.0, grow > 0.02)
            organs.append(Organ(self.sections(x, y, a, b, 0.0, wide), MUSCLE, 1.5, 2.2, 0.0, self._phase()))
            organs.append(Organ(self.sections(x, y, a - 2.2, b - 2.2, 0.0, wide), hu, 1.5, 2.2, 0.0, self._phase()))
        heart = self.ball((22.0, -72.0, 2.2), (44.0, 34.0, 46.0), -20.0)
        middle = self.sections(self.x, self.y - 34.0, self.half_width * 0.75, 26.0, 0.0, self.rank < 6.2)
        beside = self.sections(
            self.x, self.y + 8.0, self.half_width + 7.0, self.half_depth + 14.0, 0.0, self.rank < 6.2
        )
        front = self.sections(self.x + 4.0, self.y - 75.0, 24.0, 34.0, 0.0, self.rank < 4.6)
        return [
            *out,
            *organs,
            Organ(front, FAT, 2.0, 2.0, 0.0, self._phase()),
            Organ(heart, BLOOD, 2.0, 2.0, 0.0, self._phase()),
            Organ(middle, FAT, 1.5, 2.0, 30.0, self._phase()),
            Organ(beside, FAT, 1.0, 2.0, 30.0, self._phase()),
        ]

    def _abdomen(self) -> list[Organ]:
        low = smooth(5.4, 6.4, self.rank)
        taper = 1 - smooth(6.4, 9.2, self.rank)
        wall = self.outline(self.fat_mm + 6.0 + _WALL_MM + 2.0)
        a = 62.0 * self.size * np.sqrt(taper)
        liver = self.sections(
            -(wall[:, 2] - a) - 2, wall[:, 1] - 8 - 18 * (1 - taper), a, 62.0 * np.sqrt(taper), 12.0, taper * low
        )
        left = self.sections(-18.0, wall[:, 1] - 42, 46 * np.sqrt(taper), 24 * np.sqrt(taper), -12.0, taper * low)
        organs = [
            Organ(liver, LIVER, 3.0, 2.1, 0.0, self._phase()),
            Organ(left, LIVER, 2.5, 2.0, 0.0, self._phase()),
            Organ(self.ball((88.0, -12.0, 5.6), (26.0, 44.0, 48.0), 14.0), SPLEEN, 2.5, 2.0, 0.0, self._phase()),
            Organ(self.ball((58.0, -70.0, 5.6), (38.0, 27.0, 52.0), -15.0), 34, 3.0, 2.0, 0.0, self._phase()),
            Organ(self.ball((60.0, -86.0, 5.5), (26.0, 11.0, 40.0), -10.0), GAS, 1.5, 2.0, 0.0, self._phase()),
            *self._kidneys(),
            *self._bowel(),
        ]
        return organs

    def _kidneys(self) -> list[Organ]:
        organs = []
        for sign, rank in ((1, 6.6), (-1, 7.0)):
            side = float(self._rng.uniform(59.0, 63.0)) * sign
            organs += [
                Organ(
                    self.ball((side, 6.0, rank), (27.0, 25.0, 55.0), 25.0 * sign), KIDNEY, 1.8, 2.0, 0.0, self._phase()
                ),
                Organ(
                    self.ball((side - sign * 9.0, 0.0, rank), (14.0, 9.0, 30.0), 25.0 * sign),
                    FAT,
                    1.5,
                    2.0,
                    40.0,
                    self._phase(),
                ),
            ]
        return organs

    def _bowel(self) -> list[Organ]:
        organs = []
        places = [
            (x, y, r)
            for r in np.arange(6.9, 11.5, 0.55)
            for x, y in ((-42, -62), (-8, -76), (30, -58), (62, -74), (-70, -78))
        ]
        for x, y, rank in places:
            cx, cy = x + self._rng.uniform(-10, 10), y + self._rng.uniform(-10, 8)
            r = self._rng.uniform(11.0, 17.0)
            tall = self._rng.uniform(12.0, 20.0)
            turn, phase = float(self._rng.uniform(-60, 60)), self._phase()
            organs.append(Organ(self.ball((cx, cy, rank), (r * 1.35, r, tall), turn), BOWEL + 14, 1.5, 2.0, 0.0, phase))
            organs.append(
                Organ(
                    self.ball((cx, cy, rank), (r * 1.35 - 2.2, r - 2.2, tall - 2), turn),
                    BOWEL - 8,
                    1.5,
                    2.0,
                    50.0,
                    phase,
                )
            )
            if self._rng.uniform() < 0.35:
                organs.append(
                    Organ(
                        self.ball((cx, cy - 0.45 * r, rank), (0.8 * r, 0.4 * r, tall - 5), 0.0),
                        GAS,
                        0.8,
                        2.0,
                        0.0,
                        phase,
                    )
                )
        for sign in (1, -1):  # ascending and descending colon
            where = smooth(7.0 if sign < 0 else 6.0, 7.6, self.rank)
            x, y = sign * 102.0 * self.size, self.y - 22.0
            size = (22.0 if sign < 0 else 15.0) * np.sqrt(where) * (1 + 0.18 * np.sin(self.z / 6.5 + sign))
            organs.append(Organ(self.sections(x, y, size, size, 0.0, where), BOWEL + 10, 1.6, 2.0, 0.0, self._phase()))
            organs.append(
                Organ(self.sections(x, y, size - 2, size - 2, 0.0, where), BOWEL - 10, 1.6, 2.0, -330.0, self._phase())
            )
            organs.append(
                Organ(
                    self.sections(x, y - 0.45 * size, 0.7 * size, 0.4 * size, 0.0, where),
                    GAS,
                    1.2,
                    2.0,
                    0.0,
                    self._phase(),
                )
            )
        return organs

    def _behind(self) -> list[Organ]:
        organs = []
        lumbar = smooth(5.2, 7.0, self.rank)
        psoas = smooth(5.9, 9.2, self.rank)
        bed = self.sections(self.x, self.y + 44.0, 62.0, 24.0)
        organs.append(Organ(bed, MUSCLE, 1.0, 2.6, -30.0, self._phase()))
        for sign in (1, -1):
            b = 15.5 + 2.5 * lumbar
            organs += [
                Organ(
                    self.sections(self.x + sign * 33.0, self.y + self.back - b - 0.5, 31.5, b + 0.8, -4 * sign),
                    FAT,
                    1.2,
                    2.3,
                    40.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(self.x + sign * 33.0, self.y + self.back - b - 0.5, 30.0, b, -4 * sign),
                    MUSCLE,
                    1.2,
                    2.3,
                    -75.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(self.x + sign * 14.5, self.y + self.back - 21.0, 10.0, 16.0, 8.0 * sign),
                    MUSCLE,
                    1.0,
                    2.2,
                    -85.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(self.x + sign * 34.0, self.y + self.back - 2.0 * b - 2.0, 24.0, 1.1, 8.0 * sign),
                    FAT,
                    0.6,
                    2.0,
                    0.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(self.x + sign * 25.0, self.y + self.back - 19.0, 0.9, 14.0, 18.0 * sign),
                    FAT,
                    0.8,
                    2.0,
                    0.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(
                        self.x + sign * 63.0, self.y + 27.0, 21.0 * lumbar, 8.5 * lumbar, -16.0 * sign, lumbar
                    ),
                    MUSCLE,
                    1.2,
                    2.0,
                    -30.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(
                        self.x + sign * (self.half_width + 2 + 15.5 * psoas),
                        self.y + 5.0,
                        3.5 + 16.0 * psoas,
                        5.0 + 18.0 * psoas,
                        -12.0 * sign,
                        psoas,
                    ),
                    MUSCLE,
                    1.2,
                    2.0,
                    -30.0,
                    self._phase(),
                ),
                Organ(
                    self.sections(
                        self.x + sign * (0.62 * self.half_width + 6),
                        self.y - 0.75 * self.half_depth - 6,
                        4.5,
                        15.0,
                        -38.0 * sign,
                        (1 - smooth(7.6, 8.3, self.rank)) * smooth(4.3, 5, self.rank),
                    ),
                    MUSCLE,
                    0.8,
                    2.0,
                    0.0,
                    self._phase(),
                ),
            ]
        return organs

    def _vessels(self) -> list[Organ]:
        thoracic = 1 - smooth(4.0, 6.5, self.rank)
        aorta_x = self.x + 8.0 + 10.0 * thoracic
        aorta_y = self.y - self.half_depth - 13.0 + 7.0 * thoracic
        ivc_y = self.y - self.half_depth - 11.0 - 22.0 * (1 - smooth(5.0, 7.5, self.rank))
        ivc = self.sections(self.x - 19.0, ivc_y, 12.5, 9.0, -8.0, self.rank > 3.4)
        aorta = self.sections(aorta_x, aorta_y, 10.8, 10.6)
        wall = self.sections(aorta_x + 10.2, aorta_y + 3.0, 0.6, 2.2, 15.0, np.sin(self.z / 4.0 + 1.0) > 0.75)
        gullet = self.sections(self.x - 1.0, aorta_y - 17.0, 8.0, 6.0, 0.0, self.rank < 4.8)
        return [
            Organ(gullet, MUSCLE - 10, 0.8, 2.0, 0.0, self._phase()),
            Organ(ivc, BLOOD, 0.5, 2.0, 0.0, self._phase()),
            Organ(aorta, BLOOD, 0.3, 2.0, 0.0, self._phase()),
            Organ(wall, 700.0, 0.1, 2.0, 0.0, self._phase()),
        ]

    def ribs(self, spine: Spine) -> tuple[FloatArray, FloatArray]:
        """Return tubes of the ribs of every thoracic vertebra in the case, as `soft.paint_tubes` wants them."""
        tubes, spread = [], []
        shell = self.outline(self.fat_mm + 13.0, self.fat_mm + 2.0 + 13.0)
        cy, a, b = float(shell[:, 1].mean()), float(shell[:, 2].mean()), float(shell[:, 3].mean())
        for n, part in enumerate(spine.parts):
            if not part.name.startswith("T"):
                continue
            number = int(part.name[1:])
            for sign in (1, -1):
                points = self._rib(spine, n, sign, number, (cy, a, b))
                for p, q in zip(points[:-1], points[1:], strict=True):
                    tubes.append([*p, *q, 3.1, 950.0, 170.0])
                    spread.append([1.9, 1.5])
        return np.array(tubes).reshape(-1, 9), np.array(spread).reshape(-1, 2)

    def _rib(self, spine: Spine, n: int, sign: int, number: int, wall: tuple[float, float, float]) -> FloatArray:
        part = spine.parts[n]
        height = part.posterior_height_mm / 2 - (1.0 if number < 11 else 6.0)
        head = [sign * (part.width_mm / 2 + 3.6), part.depth_mm * 0.36, height]
        end = spine.struts[n, 4 if sign > 0 else 9, 3:6]
        knee = [end[0] + sign * 1.0, end[1] - 7.5, height - 2.0]
        start = spine.to_lps(n, np.array([head, knee]))
        cy, a, b = wall
        last = {12: 58.0, 11: 88.0}.get(number, 150.0)  # degrees round the trunk from behind
        first = float(np.degrees(np.arctan2(abs(start[1, 0]) / a + 0.16, (start[1, 1] - cy) / b)))
        angles = np.radians(np.arange(max(first, 20.0), last, 7.0))
        drop = (angles - angles[0]) * (46.0 if number < 11 else 58.0)
        power = 2 / 2.35
        ring = np.column_stack(
            [
                sign * a * np.abs(np.sin(angles)) ** power,
                cy + b * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** power,
                start[1, 2] - 3.0 - drop,
            ]
        )
        return np.vstack([start, ring])

    def couch(self) -> tuple[list[Organ], float]:
        """Return the couch, to be painted first (a curved board, its core, the air above), and the y of its top, mm."""
        top = float(self.outline(0.0)[:, 1].mean() + self.outline(0.0)[:, 3].mean()) + 2.5
        arc = 500.0
        middle = top - arc
        shells = ((17.0, 60.0), (15.2, -930.0), (1.8, 60.0), (0.0, -1000.0))
        return [Organ(self.sections(0.0, middle, arc + r, arc + r), hu, 0.0) for r, hu in shells], top
