"""The organs of the belly: liver, spleen, stomach, kidneys and bowel, as simple masses."""

from __future__ import annotations

import numpy as np

from cvt_planner.phantom.layout import BOWEL, FAT, GAS, KIDNEY, LIVER, SPLEEN, WALL_MM, Layout, smooth
from cvt_planner.phantom.soft import Organ


def viscera(at: Layout) -> list[Organ]:
    """Return everything in the belly, in the order of painting."""
    return [*_liver(at), *_upper(at), *_bowel(at), *_colon(at), *_kidneys(at)]


def _liver(at: Layout) -> list[Organ]:
    low = smooth(4.2, 6.0, at.rank)
    taper = np.sqrt(low * (1 - smooth(6.0, 8.3, at.rank)))
    wall = at.outline(at.fat_mm + 6.0 + WALL_MM + 1.5)
    a = (10.0 + 52.0 * at.size) * taper
    right = at.sections(-(wall[:, 2] - a) - 1, wall[:, 1] - 4 - 22 * (1 - taper), a, 66.0 * taper, 10.0, taper)
    left = at.sections(-22.0, wall[:, 1] - 40, 48 * taper, 25 * taper, -12.0, taper)
    gall = at.ball((-52.0, -72.0, 7.2), (15.0, 12.0, 22.0), 20.0)
    return [at.organ(left, LIVER, 2.5), at.organ(right, LIVER, 3.0, 2.1), at.organ(gall, 10.0, 0.8)]


def _upper(at: Layout) -> list[Organ]:
    stomach, bubble = at.ball((52.0, -74.0, 5.4), (38.0, 27.0, 52.0), -15.0), (54.0, -90.0, 5.3)
    pancreas = at.ball((12.0, -46.0, 6.9), (48.0, 11.0, 17.0), 12.0)
    return [
        *at.wrapped(at.ball((92.0, -14.0, 5.4), (25.0, 42.0, 50.0), 14.0), SPLEEN, 2.0, 2.0),
        *at.wrapped(stomach, 36.0, 2.0, 3.0, 2.0, 40.0),
        at.organ(at.ball(bubble, (25.0, 10.0, 38.0), -10.0), GAS, 1.5),
        *at.wrapped(pancreas, 42.0, 1.5, 2.5, 2.0, -90.0),
    ]


def _kidneys(at: Layout) -> list[Organ]:
    organs = []
    for sign, rank in ((1, 6.5), (-1, 6.9)):
        side = sign * float(at.rng.uniform(60.0, 64.0))
        organs += at.wrapped(at.ball((side, 2.0, rank), (25.0, 24.0, 54.0), 25.0 * sign), KIDNEY, 5.0, 1.8)
        sinus = at.ball((side - sign * 8.0, -3.0, rank), (13.0, 8.0, 28.0), 25.0 * sign)
        organs.append(at.organ(sinus, FAT + 15, 1.8, 2.0, 60.0))
    return organs


def _bowel(at: Layout) -> list[Organ]:
    organs = []
    columns = ((-44, -50), (-10, -64), (30, -48), (62, -52), (-72, -60), (8, -84), (42, -80), (-38, -84))
    for x, y, rank in [(x, y, r) for r in np.arange(7.0, 11.8, 0.6) for x, y in columns]:
        place = (x + at.rng.uniform(-10, 10), y + at.rng.uniform(-10, 8), rank + at.rng.uniform(-0.2, 0.2))
        r, tall = at.rng.uniform(10.0, 15.0), at.rng.uniform(12.0, 20.0)
        wide, turn = r * at.rng.uniform(1.1, 1.7), float(at.rng.uniform(-60, 60))
        organs += at.wrapped(at.ball(place, (wide, r, tall), turn), BOWEL + 14, 1.5, 1.8)
        organs.append(at.organ(at.ball(place, (wide - 2.4, r - 2.4, tall - 2), turn), BOWEL - 12, 1.5, 2.0, 45.0))
        if at.rng.uniform() < 0.3:
            above = (place[0], place[1] - 0.45 * r, place[2])
            organs.append(at.organ(at.ball(above, (0.8 * r, 0.4 * r, tall - 5)), GAS, 0.8))
    return organs


def _colon(at: Layout) -> list[Organ]:
    organs = []
    for sign, start, size in ((-1, 7.2, 22.0), (1, 6.0, 15.0)):
        where = smooth(start, start + 0.7, at.rank)
        x, y = sign * 101.0 * at.size, at.y - 24.0
        r = size * np.sqrt(where) * (1 + 0.16 * np.sin(at.z / 6.5 + sign))
        organs += at.wrapped(at.sections(x, y, r, r, 0.0, where), BOWEL + 10, 1.5, 1.6)
        organs.append(at.organ(at.sections(x, y, r - 2, r - 2, 0.0, where), BOWEL - 5, 1.6, 2.0, -330.0))
        organs.append(at.organ(at.sections(x, y - 0.45 * r, 0.7 * r, 0.4 * r, 0.0, where), GAS, 1.2))
    return organs
