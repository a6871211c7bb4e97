"""Sizes and angles of the vertebrae: the published means, and how odd seeds depart from them. Lengths in mm."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvt_planner.phantom.person import MEAN, Person

# From head to feet. L6 is there only in a person who has it. C2 is never a level of a case, only a neighbour.
LEVELS = (
    *(f"C{n}" for n in range(2, 8)),
    *(f"T{n}" for n in range(1, 13)),
    *(f"L{n}" for n in range(1, 7)),
    *(f"S{n}" for n in range(1, 4)),
)
_USUAL = tuple(name for name in LEVELS if name != "L6")


def levels_of(person: Person) -> tuple[str, ...]:
    """Return all levels a person has, from head to feet."""
    return LEVELS if person.lumbar == 6 else _USUAL


def rank_of(name: str) -> float:
    """Return which place along the trunk a level has: T12 is 5, L1 is 6, S1 is 11, whether or not there is an L6."""
    return 10.6 if name == "L6" else float(_USUAL.index(name) - _USUAL.index("T7"))


@dataclass(frozen=True)
class Side:
    """One pedicle and the process beside it; angles in degrees."""

    width_mm: float
    height_mm: float
    transverse_deg: float  # positive: the axis runs towards the midline on its way forward
    sagittal_deg: float  # positive: the axis descends on its way forward
    process_scale: float = 1.0  # length of the transverse process against the mean


@dataclass(frozen=True)
class Proportions:
    """One vertebra."""

    name: str
    width_mm: float
    depth_mm: float
    posterior_height_mm: float
    anterior_height_mm: float
    canal_width_mm: float
    canal_depth_mm: float
    left: Side
    right: Side
    process_mm: float  # transverse process, from the articular pillar
    spinous_mm: float
    spinous_drop: float  # how far the spinous process descends per mm it runs back
    disc_below_mm: float
    lean_deg: float  # the axis leans back on its way up: kyphosis above, lordosis below
    lumbar: float  # 0 thoracic to 1 lumbar shape of facets and laminae

    def side(self, sign: int) -> Side:
        """Return the left (+1) or right (-1) side."""
        return self.left if sign > 0 else self.right


# T7 to L5: bodies (width and depth of the upper endplate, posterior height) and canal: means of Panjabi et al., Spine
# 1991;16:888 (thoracic) and 1992;17:299 (lumbar). Pedicle isthmus width, height and transverse angle: means of Zindrick
# et al., Spine 1987;12:160. T1 to T6: pedicles the same; bodies and canal near the same source. Assumed: C2 to C7 (near
# Panjabi et al., Spine 1991;16:861), the sacrum, sagittal angles, anterior heights, processes, discs, lean (supine),
# T7, L6.
# name   W     D     Hp    Ha    canal       pedicle w, h, transverse, sagittal   TP    SP   drop  disc lean lumbar
_TABLE = (
    ("C2", 17.0, 15.5, 14.0, 13.5, 23.5, 17.5, 5.5, 8.0, 40.0, 0.0, 12.0, 17.0, 0.25, 5.0, 8.0, 0.0),
    ("C3", 17.0, 15.3, 11.8, 11.8, 23.5, 16.5, 5.2, 7.0, 46.0, 0.0, 12.0, 15.0, 0.25, 5.0, 4.0, 0.0),
    ("C4", 17.5, 15.5, 11.6, 11.6, 24.3, 16.5, 5.1, 7.0, 47.0, 0.0, 12.0, 15.0, 0.28, 5.0, -2.0, 0.0),
    ("C5", 18.3, 15.5, 11.6, 11.4, 24.7, 16.5, 5.5, 7.0, 46.0, 0.0, 12.5, 17.0, 0.32, 5.2, -9.0, 0.0),
    ("C6", 20.0, 16.0, 11.8, 11.6, 25.0, 16.5, 5.9, 7.2, 41.0, 2.0, 13.0, 22.0, 0.38, 5.5, -16.0, 0.0),
    ("C7", 22.5, 17.0, 13.0, 12.8, 24.5, 16.0, 6.9, 7.6, 35.0, 4.0, 14.0, 30.0, 0.42, 5.0, -22.0, 0.0),
    ("T1", 24.5, 18.5, 14.1, 13.6, 21.8, 16.4, 7.9, 9.9, 27.0, 8.0, 19.0, 28.0, 0.55, 4.0, -24.0, 0.0),
    ("T2", 24.9, 19.6, 15.6, 15.0, 19.5, 15.6, 7.0, 12.0, 19.0, 11.0, 19.0, 26.0, 0.70, 4.0, -22.0, 0.0),
    ("T3", 24.6, 22.7, 15.7, 15.0, 18.4, 15.9, 5.6, 12.4, 16.5, 13.0, 19.0, 24.0, 0.85, 4.0, -18.5, 0.0),
    ("T4", 24.5, 23.3, 16.2, 15.3, 17.1, 15.9, 4.7, 12.1, 14.0, 14.0, 20.0, 23.0, 1.00, 4.0, -14.5, 0.0),
    ("T5", 24.9, 24.3, 16.4, 15.3, 17.3, 15.8, 4.5, 11.9, 11.0, 14.0, 20.0, 22.0, 1.10, 4.0, -10.0, 0.0),
    ("T6", 26.2, 26.0, 17.4, 16.2, 17.3, 15.8, 5.2, 12.2, 10.0, 14.0, 20.0, 22.0, 1.15, 4.2, -6.0, 0.0),
    ("T7", 27.8, 27.4, 18.2, 16.9, 17.3, 15.8, 5.3, 12.1, 9.0, 14.0, 20.0, 22.0, 1.10, 4.5, -2.0, 0.0),
    ("T8", 29.5, 27.9, 18.7, 17.4, 17.7, 15.9, 5.9, 12.5, 8.0, 14.0, 20.0, 22.0, 1.00, 4.5, 1.0, 0.0),
    ("T9", 30.6, 29.3, 19.3, 18.1, 17.9, 15.9, 6.1, 13.9, 7.5, 13.0, 19.0, 22.0, 0.90, 5.0, 4.0, 0.0),
    ("T10", 31.9, 30.5, 20.2, 19.0, 18.2, 15.5, 6.3, 14.9, 4.5, 12.0, 17.0, 22.0, 0.70, 5.5, 7.0, 0.0),
    ("T11", 34.9, 31.9, 21.3, 20.0, 19.4, 16.0, 7.8, 17.4, 1.0, 10.0, 13.0, 23.0, 0.50, 6.0, 9.0, 0.25),
    ("T12", 39.0, 32.8, 22.7, 21.6, 22.2, 18.1, 7.1, 15.8, -4.0, 8.0, 11.0, 25.0, 0.35, 6.5, 10.0, 0.7),
    ("L1", 41.2, 34.1, 23.8, 23.3, 23.7, 19.0, 8.7, 15.4, 11.0, 3.0, 24.0, 28.0, 0.25, 8.0, 9.0, 1.0),
    ("L2", 42.6, 34.6, 24.3, 24.6, 23.8, 18.2, 8.9, 15.0, 12.0, 2.0, 28.0, 29.0, 0.22, 9.5, 6.0, 1.0),
    ("L3", 44.1, 35.2, 23.8, 25.0, 24.3, 17.5, 10.3, 14.9, 14.5, 0.0, 32.0, 30.0, 0.20, 10.5, 1.0, 1.0),
    ("L4", 46.6, 35.5, 24.1, 26.3, 25.4, 18.6, 12.9, 14.8, 18.0, 0.0, 28.0, 27.0, 0.25, 11.0, -7.0, 1.0),
    ("L5", 47.3, 34.7, 22.9, 27.0, 27.1, 19.7, 18.0, 14.0, 30.0, -2.0, 24.0, 22.0, 0.40, 10.0, -20.0, 1.0),
    ("L6", 47.8, 34.5, 23.2, 27.4, 27.6, 19.0, 18.0, 14.5, 30.0, -2.0, 22.0, 20.0, 0.45, 8.0, -27.0, 1.0),
    ("S1", 50.0, 32.0, 26.0, 31.0, 30.0, 18.0, 20.0, 16.0, 30.0, 0.0, 30.0, 14.0, 0.60, 0.5, -36.0, 1.0),
    ("S2", 38.0, 23.0, 22.0, 24.0, 27.0, 13.0, 18.0, 13.0, 25.0, 0.0, 30.0, 9.0, 0.60, 0.2, -42.0, 1.0),
    ("S3", 32.0, 17.0, 19.0, 20.0, 22.0, 10.0, 16.0, 11.0, 20.0, 0.0, 26.0, 6.0, 0.60, 0.2, -44.0, 1.0),
)


def nominal(name: str) -> Proportions:
    """Return one vertebra of mean size, both sides alike."""
    row = next(row for row in _TABLE if row[0] == name)
    _, w, d, hp, ha, cw, cd, pw, ph, pt, ps, tp, sp, drop, disc, lean, lumbar = row
    side = Side(pw, ph, pt, ps)
    return Proportions(name, w, d, hp, ha, cw, cd, side, side, tp, sp, drop, disc, lean, lumbar)


def proportions_for(names: tuple[str, ...], seed: int, person: Person = MEAN) -> tuple[tuple[Proportions, ...], bool]:
    """Return the vertebrae from head to feet, and whether they depart from the mean.

    Where they do, every vertebra is scaled by its own factors, and each pedicle and transverse process by its own, so
    that no two sides are alike. Person-to-person spread of about 8 % for sizes and 3 degrees for angles is assumed.
    """
    parts = tuple(nominal(name) for name in names)
    varied = seed % 2 == 1 if person.varied is None else person.varied
    if varied:
        rng = np.random.default_rng([seed, 71])
        common = float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.1))
        parts = tuple(_perturbed(mean, common, rng) for mean in parts)
    return tuple(_collapsed(part) if part.name in person.collapsed else part for part in parts), varied


def _collapsed(part: Proportions) -> Proportions:
    """Return a vertebra whose body has sunk to half its height in front and to four fifths behind."""
    heights = (0.8 * part.posterior_height_mm, 0.5 * part.anterior_height_mm)
    return replace(part, posterior_height_mm=heights[0], anterior_height_mm=heights[1])


def _perturbed(mean: Proportions, common: float, rng: np.random.Generator) -> Proportions:
    def factor(spread: float) -> float:
        return float(np.clip(rng.normal(1.0, spread), 1 - 2 * spread, 1 + 2 * spread))

    def side(of: Side) -> Side:
        return Side(
            of.width_mm * common * factor(0.08),
            of.height_mm * common * factor(0.05),
            of.transverse_deg + 3.0 * float(np.clip(rng.normal(), -1.5, 1.5)),
            of.sagittal_deg + 2.0 * float(np.clip(rng.normal(), -1.5, 1.5)),
            factor(0.10),
        )

    height = common * factor(0.04)
    return replace(
        mean,
        width_mm=mean.width_mm * common * factor(0.04),
        depth_mm=mean.depth_mm * common * factor(0.04),
        posterior_height_mm=mean.posterior_height_mm * height,
        anterior_height_mm=mean.anterior_height_mm * height * factor(0.03),
        canal_width_mm=mean.canal_width_mm * factor(0.04),
        canal_depth_mm=mean.canal_depth_mm * factor(0.04),
        left=side(mean.left),
        right=side(mean.right),
        spinous_mm=mean.spinous_mm * factor(0.08),
        disc_below_mm=mean.disc_below_mm * factor(0.10),
        lean_deg=mean.lean_deg + 2.0 * float(np.clip(rng.normal(), -1.5, 1.5)),
    )
