"""The pedicles and struts of each region's vertebrae as tables for the kernels (see `spine.Spine`)."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.phantom.proportions import Proportions

_PEDICLE_BEHIND_BODY_MM = 3.2


def pedicle(part: Proportions, sign: int) -> FloatArray:
    """Return the row of the left (+1) or right (-1) pedicle: its isthmus, half axes and directions."""
    side = part.side(sign)
    a, b = np.radians(side.transverse_deg), np.radians(side.sagittal_deg)
    forward = [-sign * np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), -np.sin(b)]
    sideways = [np.cos(a), -sign * np.sin(a), 0.0]
    x = sign * (part.canal_width_mm / 2 + side.width_mm / 2 + 0.7)
    y = part.depth_mm / 2 + _PEDICLE_BEHIND_BODY_MM
    if part.name.startswith("C"):  # in front and to the side of a canal that is wider than the body
        half = np.array([part.canal_width_mm / 2, part.canal_depth_mm / 2])
        spot = np.radians(42.0)
        out = np.array([np.cos(spot), -np.sin(spot)]) / half
        out *= (side.width_mm / 2 + 0.7) / np.linalg.norm(out)
        x = sign * (half[0] * np.cos(spot) + out[0])
        y = part.depth_mm / 2 + half[1] - 0.6 - half[1] * np.sin(spot) + out[1]
    z = part.posterior_height_mm / 2 - side.height_mm / 2 - 0.5 * (1 - part.lumbar) - 0.7
    return np.array([x, y, z, side.width_mm / 2, side.height_mm / 2, *forward, *sideways])


def struts(part: Proportions, pedicles: FloatArray) -> FloatArray:
    """Return (STRUTS, 9) the posterior elements: five struts on the left, five on the right, two in the middle."""
    if part.name.startswith("C"):
        return _cervical(part)
    return _sacral(part) if part.name.startswith("S") else _trunk(part, pedicles)


def _trunk(part: Proportions, pedicles: FloatArray) -> FloatArray:
    lum, half = part.lumbar, part.posterior_height_mm / 2
    back = part.depth_mm / 2 + part.canal_depth_mm  # behind this begins the lamina's inner face
    rows = []
    roof = np.array([0.0, back + 3.0, -half * 0.75])
    for sign, stem in zip((1, -1), pedicles, strict=True):
        side = part.side(sign)
        edge = part.canal_width_mm / 2
        pillar = stem[:3] - stem[5:8] * 8.0
        pillar[0] = sign * (edge + 3.5 + 1.5 * lum)
        pillar[1] = max(pillar[1], back - 6.0)
        top = np.array([sign * (edge + 1.0 + 4.5 * lum), back - 5.0 + 2.5 * lum, half + 6.0 + 2.0 * lum])
        low = np.array([sign * (edge - 1.0 - 0.5 * lum), back + 0.5 + 1.5 * lum, -half - 6.5 - 1.5 * lum])
        isthmus = np.array([sign * edge * 0.95, back + 0.5, -half * 0.55])
        start = pillar + np.array([0.0, 1.0, -1.0])
        tp = part.process_mm * side.process_scale
        heading = np.array([sign * (0.75 + 0.2 * lum), 0.62 - 0.40 * lum, 0.22 - 0.1 * lum])
        end = start + heading / np.linalg.norm(heading) * tp
        rows += [
            [*isthmus, *roof, 3.0, 3.1, 2.4 + 0.4 * lum],
            [*pillar, *isthmus, 4.0 + lum, 3.4 + 0.4 * lum, 1.6],
            [*pillar, *top, 3.8 + 1.6 * lum, 3.0 + 2.0 * lum, 1.2],
            [*isthmus, *low, 3.6 + 0.9 * lum, 3.0 + 1.6 * lum, 1.3],
            [*start, *end, 3.2, 2.6 + 1.8 * (1 - lum), 1.3 + 0.5 * lum],
        ]
    return np.array([*rows, *_spinous(part, roof)])


def _spinous(part: Proportions, roof: Points) -> list[list[float]]:
    lum, run = part.lumbar, part.spinous_mm
    tip = roof + np.array([0.4, run, -part.spinous_drop * run])
    root = roof + np.array([0.0, 2.0, -1.0])
    return [
        [*root, *tip, 2.6 + 0.4 * lum, 2.7 + 0.6 * lum, 1.6 + 1.1 * lum],
        [*(roof + (tip - roof) * 0.85), *tip, 2.6 + 0.6 * lum, 3.2 + 0.8 * lum, 1.8 + 0.8 * lum],
    ]


def _cervical(part: Proportions) -> FloatArray:
    """Return lateral masses with sloping joints, two bars about the vertebral artery, a forked spinous process."""
    half, edge = part.posterior_height_mm / 2, part.canal_width_mm / 2
    back = part.depth_mm / 2 + part.canal_depth_mm
    roof = np.array([0.0, back + 2.0, -half * 0.5])
    rows = []
    for sign in (1, -1):
        mass = np.array([sign * (edge + 4.3), back - 0.5 * part.canal_depth_mm, 0.0])
        beside = np.array([sign * (part.width_mm / 2 - 2.0), -2.0, -0.5])
        side = np.array([sign * (edge + 4.8 + 0.4 * part.process_mm), 3.0, -1.5])  # the front tubercle
        tip = side + np.array([-0.5 * sign, 4.0, 0.0])
        rows += [
            [*(mass + np.array([-2.0 * sign, 2.0, -1.0])), *roof, 2.5, 2.4, 2.0],
            [*beside, *side, 1.8, 1.9, 1.3],
            [*mass, *(mass + np.array([0.0, -2.2, half + 1.0])), 4.8, 3.8, 1.0],
            [*mass, *(mass + np.array([0.0, 2.4, -half - 1.5])), 4.8, 4.0, 1.0],
            [*mass, *tip, 2.4, 2.2, 1.3],
        ]
    run = part.spinous_mm
    fork = 0.0 if part.name == "C7" else 3.0
    for sign in (1, -1):
        tip = roof + np.array([sign * fork, run, -part.spinous_drop * run])
        rows.append([*(roof + np.array([0.0, 1.0, 0.0])), *tip, 2.4, 2.3, 1.8])
    return np.array(rows)


def _sacral(part: Proportions) -> FloatArray:
    """Return the wings, the laminae that run on into the next segment, and a low median crest."""
    half, edge = part.posterior_height_mm / 2, part.canal_width_mm / 2
    back = part.depth_mm / 2 + part.canal_depth_mm
    size = {"S1": 1.0, "S2": 0.8, "S3": 0.6}[part.name]
    roof = np.array([0.0, back + 2.5, -half * 0.4])
    rows = []
    for sign in (1, -1):
        pillar = np.array([sign * (edge + 5.0), back - 4.0, 0.0])
        top = np.array([sign * (edge + 5.0), back - 1.0, half + (7.0 if part.name == "S1" else 0.0)])
        wing = np.array([sign * (part.width_mm / 2 - 7.0), 2.0, 0.0])
        end = np.array([sign * 46.0 * size, 9.0, -3.0])
        rows += [
            [*pillar, *roof, 3.2, 3.0, 2.6],
            [*pillar, *wing, 6.0, 7.0 * size, 1.2],
            [*pillar, *top, 5.0, 4.6, 1.2],
            [*pillar, *(pillar + np.array([-2.0 * sign, 1.0, -half - 4.0])), 4.6, 4.0, 1.2],
            [*wing, *end, 11.5 * size, 13.0 * size, 1.05],
        ]
    return np.array([*rows, *_spinous(part, roof)])
