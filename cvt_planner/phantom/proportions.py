"""Sizes and angles of the vertebrae: the published means, and how odd seeds depart from them. Lengths in mm."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

LEVELS = ("T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5", "S1")


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
    """One vertebra; S1 stands for the upper sacrum and is only a neighbour, never a level of a case."""

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


# Bodies (width and depth of the upper endplate, posterior height) and canal: means of Panjabi et al., Spine 1991;16:888
# (thoracic) and 1992;17:299 (lumbar). Pedicle isthmus width, height and transverse angle: means of Zindrick et al.,
# Spine 1987;12:160. Assumed: sagittal angles, anterior heights, processes, discs, lean (supine), S1 and T7.
# name   W     D     Hp    Ha    canal       pedicle w, h, transverse, sagittal   TP    SP   drop  disc lean lumbar
_TABLE = (
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
    ("S1", 50.0, 33.0, 26.0, 31.0, 30.0, 18.0, 20.0, 16.0, 30.0, 0.0, 30.0, 14.0, 0.60, 4.0, -36.0, 1.0),
)


def nominal(name: str) -> Proportions:
    """Return one vertebra of mean size, both sides alike."""
    row = next(row for row in _TABLE if row[0] == name)
    _, w, d, hp, ha, cw, cd, pw, ph, pt, ps, tp, sp, drop, disc, lean, lumbar = row
    side = Side(pw, ph, pt, ps)
    return Proportions(name, w, d, hp, ha, cw, cd, side, side, tp, sp, drop, disc, lean, lumbar)


def proportions_for(names: tuple[str, ...], seed: int) -> tuple[tuple[Proportions, ...], bool]:
    """Return the vertebrae from head to feet, and whether they depart from the mean.

    Even seeds have the published means on both sides. Odd seeds scale every vertebra by its own factors, and each
    pedicle and transverse process by its own, so that no two sides are alike. Person-to-person spread of about 8 %
    for sizes and 3 degrees for angles is assumed.
    """
    means = tuple(nominal(name) for name in names)
    if seed % 2 == 0:
        return means, False
    rng = np.random.default_rng([seed, 71])
    common = float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.1))
    return tuple(_perturbed(mean, common, rng) for mean in means), True


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
