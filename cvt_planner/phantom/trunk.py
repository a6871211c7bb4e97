"""Skin, fat, the muscles of wall and back, the chest's organs and the great vessels."""

from __future__ import annotations

import numpy as np

from cvt_planner.phantom.layout import BLOOD, FAT, GAS, LIVER, LUNG, MUSCLE, SKIN, WALL_MM, Layout, smooth
from cvt_planner.phantom.soft import Organ


def shell(at: Layout) -> list[Organ]:
    """Return skin, the fat beneath, two layers of wall muscle and the fat of the cavity; the skin first."""
    p, back, wall = at.phase(), at.fat_mm + 2.0, at.fat_mm + 6.0
    return [
        Organ(at.outline(0.0), SKIN, 0.6, 2.35, 0.0, p),
        Organ(at.outline(1.7), FAT, 0.6, 2.35, 35.0, p),
        Organ(at.outline(wall, back), MUSCLE, 1.6, 2.35, -35.0, p + 0.4),
        Organ(at.outline(wall + 5.0, back + 5.0), FAT, 1.2, 2.35, 50.0, p + 0.7),
        Organ(at.outline(wall + 6.2, back + 6.0), MUSCLE, 1.4, 2.35, -35.0, p + 0.9),
        Organ(at.outline(wall + WALL_MM, back + 24.0), FAT, 1.5, 2.3, 25.0, p + 1.3),
    ]


def chest(at: Layout) -> list[Organ]:
    """Return the lungs, the domes beneath them that fill the cavity from below, heart and mediastinum."""
    rank = at.rank
    lung = at.outline(at.fat_mm + 6.0 + WALL_MM - 1.5, at.fat_mm + 2.0 + 24.0)
    fade = 1 - smooth(5.0, 6.6, rank)  # the recess behind the domes thins out downwards
    apex = smooth(-6.2, -2.5, rank)
    lung[:, 2:4] *= np.sqrt(apex)[:, None]
    lung[:, 5] = (fade > 0.01) & (apex > 0.01)
    organs = [at.organ(lung, LUNG, 1.0, 2.3, 45.0), *_lung_vessels(at)]
    for sign, top, hu in ((-1, 3.2, LIVER), (1, 3.7, FAT)):
        grow = np.sqrt(np.clip((rank - top) / (6.4 - top), 0.0, 1.0))
        a = 68.0 * at.size * grow
        b = (lung[:, 3] + 2.0 - 3.5 * fade) * grow
        x = sign * (lung[:, 2] - a - 2.5 * fade + 4.0 * (1 - grow))
        y = lung[:, 1] - 14.0 * (1 - grow)
        where = (grow > 0.02) & (fade > 0.01)
        organs.append(at.organ(at.sections(x, y, a, b, 0.0, where), MUSCLE, 1.5, 2.2))
        organs.append(at.organ(at.sections(x, y, a - 2.2, b - 2.2, 0.0, where), hu, 1.5, 2.2))
    here = (fade > 0.01) & (apex > 0.01)
    centre = smooth(2.4, 4.6, rank)  # liver, stomach bed and fat between the domes
    organs += [
        at.organ(at.sections(4.0, lung[:, 1] - 30.0, 20.0 + 46.0 * centre, lung[:, 3] - 26.0, 0.0, here), FAT, 3.0),
        at.organ(at.sections(at.x, at.y - 34.0, at.half_width * 0.8 + 18.0 * centre, 28.0, 0.0, here), FAT, 1.5),
        at.organ(at.sections(at.x, at.y + 4.0, at.half_width + 6.0, at.half_depth + 15.0, 0.0, here), FAT, 1.0),
        at.organ(at.ball((20.0, -74.0, 2.0), (46.0, 34.0, 46.0), -20.0), BLOOD, 2.0),
    ]
    return organs


def _lung_vessels(at: Layout) -> list[Organ]:
    organs = []
    for _ in range(46):
        side = float(at.rng.choice((-1.0, 1.0)))
        place = (side * at.rng.uniform(35.0, 105.0), at.rng.uniform(-70.0, 30.0), at.rng.uniform(0.0, 5.2))
        r = at.rng.uniform(0.9, 2.3)
        organs.append(
            at.organ(at.ball(place, (r * 1.3, r, at.rng.uniform(5.0, 16.0)), at.rng.uniform(-60, 60)), 10.0, 0.3)
        )
    return organs


def back_muscles(at: Layout) -> list[Organ]:
    """Return the muscles about the spine with the planes of fat between them, left and right."""
    lumbar, psoas = smooth(5.2, 7.0, at.rank), smooth(5.9, 9.2, at.rank)
    crus = (1 - smooth(7.4, 8.3, at.rank)) * smooth(4.3, 5.0, at.rank)
    bed = at.sections(at.x, at.y + 47.0, 64.0 - 16.0 * at.neck, 25.0 + 4.0 * at.neck)
    trunk = at.neck < 0.6
    organs = [at.organ(bed, MUSCLE, 1.0, 2.6, -30.0)]
    if float(at.neck.max()) > 0.5:
        about = at.sections(at.x, at.y - 2.0, 40.0, 26.0, 0.0, at.neck > 0.5)
        organs.append(at.organ(about, MUSCLE, 2.0, 2.3, -80.0))
    deep = 18.5 + 2.0 * lumbar  # half depth of the erector of the spine
    middle = at.y + at.back - deep - 0.5
    for s in (1, -1):
        erector = at.sections(at.x + s * 33.5, middle, 30.5, deep, -4.0 * s, trunk)
        plane = at.sections(at.x + s * 27.0, middle + 2.0, 0.8, 0.75 * deep, 16.0 * s, trunk)
        second = at.sections(at.x + s * 44.0, middle + 1.0, 0.7, 0.6 * deep, -14.0 * s, trunk)
        fleece = at.sections(at.x + s * 34.0, at.y + at.back - 2.0 * deep - 1.0, 24.0, 1.1, 8.0 * s, trunk)
        multifidus = at.sections(at.x + s * 15.0, at.y + at.back - 23.0, 10.5, 17.5, 8.0 * s, trunk)
        quadratus = at.sections(at.x + s * 63.0, at.y + 27.0, 21.0 * lumbar, 8.5 * lumbar, -16.0 * s, lumbar)
        beside = at.half_width + 2.5 + 15.5 * psoas
        psoas_at = at.sections(at.x + s * beside, at.y + 6.0, 3.5 + 15.5 * psoas, 5.0 + 18.0 * psoas, -12.0 * s, psoas)
        front = at.y - 0.75 * at.half_depth - 7.0
        crus_at = at.sections(at.x + s * (0.62 * at.half_width + 7.0), front, 4.2 * crus, 15.0 * crus, -38.0 * s, crus)
        organs += [
            *at.wrapped(erector, MUSCLE, 1.2, 1.2, 2.3, -80.0),
            *at.wrapped(multifidus, MUSCLE, 0.9, 1.2, 2.2, -95.0),
            at.organ(fleece, FAT, 0.6),
            at.organ(plane, FAT, 0.9),
            at.organ(second, FAT, 0.9),
            *at.wrapped(quadratus, MUSCLE, 1.2, 1.2, 2.0, -30.0),
            *at.wrapped(psoas_at, MUSCLE, 1.4, 1.2, 2.0, -30.0),
            at.organ(crus_at, MUSCLE, 0.8),
        ]
    return organs


def vessels(at: Layout) -> list[Organ]:
    """Return the gullet, the inferior vena cava, and the aorta with calcium in its wall."""
    thoracic = 1 - smooth(4.0, 6.5, at.rank)
    split = smooth(8.6, 9.6, at.rank)  # the great vessels divide before the fourth lumbar vertebra
    aorta_x, aorta_y = at.x + 8.0 + 9.0 * thoracic, at.y - at.half_depth - 13.0 + 7.0 * thoracic
    ivc_y = at.y - at.half_depth - 12.0 - 22.0 * (1 - smooth(5.0, 7.5, at.rank))
    patch = np.sqrt(np.clip(np.sin(at.z / 4.1 + 1.0) + 0.8 * np.sin(at.z / 9.7) - 0.9, 0.0, 1.0))
    patch[at.rank < -3.6] = 0.0
    plaque = at.sections(aorta_x + 10.0, aorta_y + 3.0, 0.4 + 0.4 * patch, 2.6 * patch, 15.0, patch)
    gullet = at.sections(at.x - 1.0, aorta_y - 18.0, 8.0, 6.0, 0.0, at.rank < 4.8)
    organs = at.wrapped(gullet, MUSCLE - 10, 1.5, 0.8)
    chest = at.rank > -3.6  # above, the aorta has turned to the front
    if float(at.rank.min()) < -2.5:
        windpipe = at.sections(at.x, at.y - at.half_depth - 25.0, 9.0, 8.5, 0.0, at.rank < -2.0)
        organs += [
            at.organ(windpipe, MUSCLE, 0.4),
            at.organ(at.sections(at.x, windpipe[:, 1], 7.8, 7.3, 0.0, at.rank < -2.0), GAS, 0.3),
        ]
    if float(split.max()) < 0.01:
        organs += at.wrapped(at.sections(at.x - 20.0, ivc_y, 12.0, 9.0, -8.0, at.rank > 3.4), BLOOD, 1.5, 0.6)
        organs += at.wrapped(at.sections(aorta_x, aorta_y, 10.8, 10.6, 0.0, chest), BLOOD, 1.3, 0.3)
        return [*organs, Organ(plaque, 700.0, 0.1)]
    for s in (1, -1):
        near = s * 13.0 * split
        size = 1.0 - 0.35 * split
        organs += at.wrapped(
            at.sections(at.x - 20.0 + near, ivc_y, 12.0 * size, 9.0 * size, -8.0, at.rank > 3.4), BLOOD, 1.2, 0.6
        )
        organs += at.wrapped(
            at.sections(aorta_x + near, aorta_y - 4 * split, 10.5 * size, 10.5 * size, 0.0, chest), BLOOD, 1.2, 0.3
        )
    plaque[:, 5] *= split < 0.05
    return [*organs, Organ(plaque, 700.0, 0.1)]
