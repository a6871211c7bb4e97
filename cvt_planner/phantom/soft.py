"""Everything around the spine, painted organ over organ: each organ is an ellipse per slice, gently dented.

The edges are blended by their distance, so that partial volume is right to first order in the slice. These tissues
carry no ground truth apart from the skin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange

Sections = FloatArray  # (k, 6): centre x, centre y, half width, half depth, turn in degrees, present (> 0)


@dataclass(frozen=True, eq=False)
class Organ:
    """One painted organ."""

    sections: Sections
    hu: float
    dent_mm: float = 0.8
    power: float = 2.0  # 2 an ellipse, more: boxier
    grain_hu: float = 0.0  # coarse marbling
    phase: float = 0.0


@kernel
def _dent(x: float, y: float, z: float, phase: float) -> float:
    return (
        math.sin(0.085 * x + 0.05 * z + phase) * math.cos(0.075 * y - 0.035 * z + 1.7 * phase)
        + 0.45 * math.sin(0.21 * x - 0.16 * y + 0.06 * z + 2.3 * phase)
        + 0.2 * math.sin(0.46 * y + 0.37 * x - 0.11 * z + 3.1 * phase)
    )


@parallel_kernel
def _paint(
    hu: Float32Array,
    start: FloatArray,
    step: FloatArray,
    sections: FloatArray,
    value: float,
    dent_mm: float,
    power: float,
    grain_hu: float,
    phase: float,
) -> None:
    for k in prange(hu.shape[0]):
        cx, cy, a, b, turn, present = sections[k]
        if present <= 0.0 or a < 0.3 or b < 0.3:
            continue
        z = start[2] + k * step[2]
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        reach = (
            math.sqrt(max((a * cos) ** 2 + (b * sin) ** 2, (a * sin) ** 2 + (b * cos) ** 2)) * 1.05
            + 2.0 * dent_mm
            + 2.0
        )
        reach = max(reach, max(a, b) if turn != 0.0 else 0.0)
        reach_y = b * 1.05 + 2.0 * dent_mm + 2.0 if turn == 0.0 else reach
        reach_x = a * 1.05 + 2.0 * dent_mm + 2.0 if turn == 0.0 else reach
        j0 = max(int((cy - reach_y - start[1]) / step[1]), 0)
        j1 = min(int((cy + reach_y - start[1]) / step[1]) + 2, hu.shape[1])
        i0 = max(int((cx - reach_x - start[0]) / step[0]), 0)
        i1 = min(int((cx + reach_x - start[0]) / step[0]) + 2, hu.shape[2])
        for j in range(j0, j1):
            y = start[1] + j * step[1]
            for i in range(i0, i1):
                x = start[0] + i * step[0]
                u = ((x - cx) * cos + (y - cy) * sin) / a
                v = ((y - cy) * cos - (x - cx) * sin) / b
                r = math.sqrt(u * u + v * v)
                if power != 2.0:
                    r = (abs(u) ** power + abs(v) ** power) ** (1.0 / power)
                if r > 1e-6:
                    gx, gy = u / r / a, v / r / b
                    d = (r - 1.0) / math.sqrt(gx * gx + gy * gy)
                else:
                    d = -min(a, b)
                if abs(d) < 2.0 * dent_mm + step[0]:
                    d += dent_mm * _dent(x, y, z, phase)
                share = min(max(0.5 - d / step[0], 0.0), 1.0)
                if share > 0.0:
                    new = value
                    if grain_hu != 0.0:
                        grain = _dent(4.1 * x, 4.7 * y, 1.2 * z, phase + 0.9)
                        new += grain_hu * (max(grain - 0.55, 0.0) * 2.0 - 0.1)
                    hu[k, j, i] += share * (new - hu[k, j, i])


def paint(hu: Float32Array, start: FloatArray, step: FloatArray, organs: list[Organ]) -> None:
    """Paint organs over one another, in order, into HU (k, j, i) float32, changed in place."""
    with kernels_alone():
        for organ in organs:
            _paint(
                hu,
                start,
                step,
                np.ascontiguousarray(organ.sections, dtype=np.float64),
                organ.hu,
                organ.dent_mm,
                organ.power,
                organ.grain_hu,
                organ.phase,
            )


@parallel_kernel
def _paint_tubes(
    hu: Float32Array,
    start: FloatArray,
    step: FloatArray,
    tubes: FloatArray,
    spread: FloatArray,
) -> None:
    for k in prange(hu.shape[0]):
        z = start[2] + k * step[2]
        for n in range(tubes.shape[0]):
            t = tubes[n]
            r = t[6]
            tall = spread[n, 0]
            if z < min(t[2], t[5]) - r * tall - 2.0 or z > max(t[2], t[5]) + r * tall + 2.0:
                continue
            j0 = max(int((min(t[1], t[4]) - r - 2.0 - start[1]) / step[1]), 0)
            j1 = min(int((max(t[1], t[4]) + r + 2.0 - start[1]) / step[1]) + 2, hu.shape[1])
            i0 = max(int((min(t[0], t[3]) - r - 2.0 - start[0]) / step[0]), 0)
            i1 = min(int((max(t[0], t[3]) + r + 2.0 - start[0]) / step[0]) + 2, hu.shape[2])
            ex, ey, ez = t[3] - t[0], t[4] - t[1], (t[5] - t[2]) / tall
            length2 = ex * ex + ey * ey + ez * ez + 1e-9
            for j in range(j0, j1):
                for i in range(i0, i1):
                    dx, dy, dz = start[0] + i * step[0] - t[0], start[1] + j * step[1] - t[1], (z - t[2]) / tall
                    f = min(max((dx * ex + dy * ey + dz * ez) / length2, 0.0), 1.0)
                    d = math.sqrt((dx - f * ex) ** 2 + (dy - f * ey) ** 2 + (dz - f * ez) ** 2) - r
                    share = min(max(0.5 - d / step[0], 0.0), 1.0)
                    if share > 0.0:
                        inner = min(max(0.5 - (d + spread[n, 1]) / step[0], 0.0), 1.0)
                        value = t[7] + inner * (t[8] - t[7])
                        hu[k, j, i] += share * (value - hu[k, j, i])


def paint_tubes(hu: Float32Array, start: FloatArray, step: FloatArray, tubes: FloatArray, spread: FloatArray) -> None:
    """Paint straight tubes into HU in place.

    Parameters
    ----------
    tubes
        (n, 9): end a, end b (LPS mm), radius in the axial plane, HU of the wall, HU within.
    spread
        (n, 2): stretch along z, thickness of the wall, mm.
    """
    if len(tubes):
        with kernels_alone():
            _paint_tubes(hu, start, step, tubes, spread)
