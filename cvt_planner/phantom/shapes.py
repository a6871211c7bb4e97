"""Signed distances of the vertebra's parts (negative inside, mm), compiled; tables as in `spine.Spine`.

Distances to ellipses and flattened struts are first-order: exact on the surface, and within some tenths of a millimetre
near it. The surface itself is what defines the truth.
"""

from __future__ import annotations

import math

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.compiled import kernel

FAR = 1.0e3


@kernel
def ellipse_mm(u: float, v: float, a: float, b: float) -> float:
    """Return the signed distance of (u, v) to an ellipse of half axes a and b about the origin."""
    k1 = math.sqrt((u / (a * a)) ** 2 + (v / (b * b)) ** 2)
    if k1 < 1e-9:
        return -min(a, b)
    k0 = math.sqrt((u / a) ** 2 + (v / b) ** 2)
    return k0 * (k0 - 1.0) / k1


@kernel
def joined(a: float, b: float, k: float) -> float:
    """Return the union of two distances with a fillet of width k."""
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25


@kernel
def met(a: float, b: float, k: float) -> float:
    """Return the intersection of two distances with an edge rounded over k."""
    h = max(k - abs(a - b), 0.0) / k
    return max(a, b) + h * h * k * 0.25


@kernel
def outline_mm(body: FloatArray, x: float, y: float, shrink: float) -> float:
    """Return the distance to the body's outline in its own axial plane, the kidney shape, shrunk by a factor.

    Widest in the hind third; a half ellipse in front, a flatter one behind, cut by a hollow posterior wall.
    """
    a = float(body[12]) * shrink
    depth = float(body[13])
    widest = 0.28 * depth
    front = (depth + widest) * shrink
    v = y - widest
    ring = ellipse_mm(x, v, a, front if v < 0.0 else depth * 1.02)
    wall = y - depth + float(body[18]) * math.exp(-((x / (0.42 * a)) ** 2)) - 0.4
    return met(ring, wall, 3.0)


@kernel
def endplate_mm(body: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to the two endplates: wedged from front to back, hollowed in the middle."""
    half = 0.25 * (body[14] + body[15]) + 0.25 * (body[15] - body[14]) * y / body[13]
    r2 = min((x / body[12]) ** 2 + ((y - 0.1 * body[13]) / body[13]) ** 2, 1.0)
    hollow = body[17] * (1.0 - r2 * r2)
    return float(z - half + 0.7 * hollow if z > 0.0 else -z - half + hollow)


@kernel
def body_mm(body: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to a vertebral body, waisted and with hollow endplates, in its own axes."""
    half = 0.25 * (body[14] + body[15])
    waist = 1.0 - body[16] * max(0.0, 1.0 - (z / half) ** 2)
    return met(outline_mm(body, x, y, waist), endplate_mm(body, x, y, z), 1.6)


@kernel
def pedicle_mm(row: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to one pedicle: an elliptical tube, narrowest at the isthmus, 18 mm long."""
    dx, dy, dz = x - row[0], y - row[1], z - row[2]
    t = dx * row[5] + dy * row[6] + dz * row[7]
    u = dx * row[8] + dy * row[9] + dz * row[10]
    v = math.sqrt(max(dx * dx + dy * dy + dz * dz - t * t - u * u, 0.0))
    reach = min(max(abs(t) - 1.5, 0.0), 8.0)
    tall = 1.0 + 0.005 * reach * reach
    wide = 1.0 + (0.001 if t > 0.0 else 0.005) * reach * reach  # in front the body's side carries on from the pedicle
    return met(ellipse_mm(u, v, row[3] * wide, row[4] * tall), abs(t) - 9.0, 2.0)


@kernel
def strut_mm(row: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to a tapered strut whose section is stretched along z."""
    s = row[8]
    ex, ey, ez = row[3] - row[0], row[4] - row[1], (row[5] - row[2]) / s
    dx, dy, dz = x - row[0], y - row[1], (z - row[2]) / s
    t = (dx * ex + dy * ey + dz * ez) / (ex * ex + ey * ey + ez * ez)
    t = min(max(t, 0.0), 1.0)
    r = row[6] + (row[7] - row[6]) * t
    dx -= ex * t
    dy -= ey * t
    dz -= ez * t
    k0 = math.sqrt(dx * dx + dy * dy + dz * dz)
    k1 = math.sqrt(dx * dx + dy * dy + dz * dz / (s * s))
    if k1 < 1e-9:
        return float(-r)
    return float((k0 - r) * k0 / k1)


@kernel
def arch_mm(pedicles: FloatArray, struts: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to pedicles and posterior elements of one vertebra, in its own axes, filleted together."""
    d = joined(pedicle_mm(pedicles[0], x, y, z), pedicle_mm(pedicles[1], x, y, z), 0.5)
    for n in range(10, struts.shape[0]):
        d = joined(d, strut_mm(struts[n], x, y, z), 2.2)
    if x > -8.0:  # the other side's struts end short of this
        for n in range(5):
            d = joined(d, strut_mm(struts[n], x, y, z), 2.2)
    if x < 8.0:
        for n in range(5, 10):
            d = joined(d, strut_mm(struts[n], x, y, z), 2.2)
    return d


@kernel
def lesion_mm(row: FloatArray, x: float, y: float, z: float) -> float:
    """Return the distance to a lesion: an ellipsoid whose surface is dented by three low waves, in the body's axes.

    Row: level (0), centre (1-3), half axes (4-6), dent amplitude (7), phases (8-10), then what `lesions` documents.
    """
    u, v, w = (x - row[1]) / row[4], (y - row[2]) / row[5], (z - row[3]) / row[6]
    r = math.sqrt(u * u + v * v + w * w)
    mean = (row[4] * row[5] * row[6]) ** (1.0 / 3.0)
    if r < 1e-6:
        return float(-mean * (1.0 - 2.0 * row[7]))
    u, v, w = u / r, v / r, w / r
    dent = math.sin(2.6 * u + row[8]) * math.cos(2.2 * v + row[9]) + 0.6 * math.sin(3.4 * w + 2.0 * u * v + row[10])
    return float((r - 1.0 - row[7] * dent) * mean * 0.8)
