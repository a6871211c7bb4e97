"""What tissue a point is: bone, lesion, disc, or what the canal holds; compiled."""

from __future__ import annotations

import math

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.compiled import kernel
from cvt_planner.phantom.shapes import (
    FAR,
    arch_mm,
    body_mm,
    ellipse_mm,
    endplate_mm,
    lesion_mm,
    met,
    outline_mm,
)

# What a point can be; TUMOUR is the part of a lesion outside the bone. Bone below DISC.
NOTHING, BODY, ARCH, LESION, DISC, FAT_IN_CANAL, FLUID, CORD, ROOT, TUMOUR = range(10)

# Mean Hounsfield units of the spine's parts. Cortex is what 120 kV shows of whole cortical bone; the rest: usual values
# at 120 kV, assumed. Spongy bone depends on the person.
CORTEX_HU, DISC_HU, CANAL_FAT_HU, FLUID_HU, CORD_HU, ROOT_HU = 1150, 85, -85, 14, 38, 36


@kernel
def bone_hu(depth: float, shell: float, plate: float, marrow: float, textured: float) -> tuple[float, float, float]:
    """Return HU, texture weight and how surely (mm) of a point in bone, `depth` below the surface."""
    if depth < shell:
        return CORTEX_HU, 0.0, shell - depth
    dense = 70.0 * math.exp(-max(-plate, 0.0) / 2.0)  # denser spongiosa beneath the endplates
    return marrow + dense, textured, depth - shell


@kernel
def lesion_hu(row: FloatArray, x: float, y: float, z: float, depth: float) -> tuple[float, float]:
    """Return HU and texture weight inside a lesion; the islands of a mixed one follow standing waves."""
    kind = row[11]
    if kind == 0.0:
        return row[12], 0.0
    u = x + 1.9 * math.sin(0.47 * y + row[8]) + 0.8 * math.sin(1.3 * z + row[9])
    v = y + 1.9 * math.sin(0.53 * z + row[9]) + 0.8 * math.sin(1.2 * x + row[10])
    w = z + 1.7 * math.sin(0.41 * x + row[10]) + 0.8 * math.sin(1.1 * y + row[8])
    wave = math.sin(0.63 * u + row[8]) * math.sin(0.71 * v + row[9]) + 0.9 * math.sin(0.67 * w + 0.31 * u + row[10])
    if kind == 1.0:
        return (row[13], 0.6) if wave > 0.75 else (row[12], 0.1)
    return row[12] + 110.0 * wave * min(1.0, depth / 3.0), 0.9


@kernel
def lesion_at(lesions: FloatArray, n: int, x: float, y: float, z: float, d: float, depth: float) -> tuple[int, float]:
    """Return the lesion (-1 none) a point of vertebra n lies in, and the distance to the nearest lesion's edge.

    `d` is the distance to the bone's surface, `depth` the body's half depth. A lesion that does not breach keeps its
    margin of bone; one that breaches opens the posterior wall and reaches 3.2 mm beyond it.
    """
    sure = FAR
    for m in range(lesions.shape[0]):
        row = lesions[m]
        if int(row[0]) != n:
            continue
        limit = d + row[14] if row[14] > 0.0 else (d + 1.2 if y < depth - 4.0 else d - 3.2)
        edge = met(lesion_mm(row, x, y, z), limit, 0.8)
        if edge < 0.0:
            return m, -edge
        sure = min(sure, edge)
    return -1, sure


@kernel
def body_at(b: FloatArray, x: float, y: float, z: float, d: float) -> tuple[float, float, float]:
    """Return HU, texture weight and sureness of a point in a vertebral body, `d` below zero its depth."""
    vein = max(abs(z + 0.5) - 1.3, abs(x) - 1.6 - 0.25 * max(b[13] - y, 0.0), 0.15 * b[13] - y)
    sure = abs(vein) if b[19] > 0.0 else FAR
    if b[19] > 0.0 and vein < 0.0:
        return 70.0, 0.3, sure
    # the shell is no sheet of even thickness
    shell = b[24] * (1.0 + 0.25 * math.sin(0.55 * x + b[2]) * math.cos(0.6 * z - 0.5 * y))
    hu, texture, inner = bone_hu(-d, shell, endplate_mm(b, x, y, z), b[22], 1.0)
    return hu, texture, min(sure, inner)


@kernel
def vertebra_at(
    n: int,
    p: tuple[float, float, float],
    canal: float,
    above: float,
    b: FloatArray,
    pedicles: FloatArray,
    struts: FloatArray,
    lesions: FloatArray,
) -> tuple[int, int, float, float, float, float]:
    """Return what, lesion, HU, texture weight, sureness and the distance to its own arch, at a point p of its axes."""
    x, y, z = p
    back = y - b[13]  # far from a part its distance is only bounded from below, which is all that is asked there
    d_body = body_mm(b, x, y, z) if back < 6.0 and abs(z) < 22.0 else max(back, abs(z) - 18.0)
    beyond = max(-b[27] - back, b[20] - z, z - b[21])
    own = met(arch_mm(pedicles, struts, x, y, z), -canal, 1.0) if beyond < 3.0 else beyond
    d_arch = max(own, b[26] - above)
    fillet = max(2.5 - abs(d_body - d_arch), 0.0) / 2.5
    d = max(min(d_body, d_arch) - fillet * fillet * 0.625, -canal - 0.9)
    lesion, edge = lesion_at(lesions, n, x, y, z, d, b[13])
    sure = min(abs(d), edge)
    if lesion >= 0:
        hu, texture = lesion_hu(lesions[lesion], x, y, z, edge)
        what = TUMOUR if d >= 0.0 else (LESION if d_body < d_arch else ARCH)
        # the islands of a mixed lesion change from point to point
        return what, lesion, hu, texture, 0.0 if lesions[lesion, 11] == 1.0 else sure, own
    if d >= 0.0:
        return NOTHING, -1, 0.0, 0.0, sure, own
    if d_body < d_arch:
        hu, texture, inner = body_at(b, x, y, z, d)
        return BODY, -1, hu, texture, min(sure, inner), own
    hu, texture, inner = bone_hu(-d, b[25], -20.0, b[23], 1.0)
    return ARCH, -1, hu, texture, min(sure, inner), own


@kernel
def disc_at(b: FloatArray, x: float, y: float, z: float, between: bool) -> tuple[bool, float]:
    """Return whether a point belongs to the half disc above or below a body, and how surely."""
    half = 0.25 * (b[14] + b[15])
    if abs(z) > 26.0 or abs(z) < half - 5.0:
        return False, FAR
    edge = outline_mm(b, x, y, 0.97)
    span = max(half - 3.0 - abs(z), abs(z) - half - 6.5)
    inside = max(edge, span)
    if not between:
        return False, abs(inside) if inside < 3.0 else FAR
    return inside < 0.0, abs(inside) if inside > 0.0 else -edge


@kernel
def bone_at(
    x: float,
    y: float,
    z: float,
    canal: float,
    bodies: FloatArray,
    pedicles: FloatArray,
    struts: FloatArray,
    lesions: FloatArray,
) -> tuple[int, int, int, float, float, float]:
    """Return what, level, lesion (-1 none), HU, texture weight and the distance to the nearest change, at an LPS point.

    `canal` is the signed distance to the canal, which the arches leave free. Each arch keeps a joint gap from the one
    above it.
    """
    above, sure = FAR, FAR
    disc = False
    for n in range(bodies.shape[0]):
        b = bodies[n]
        dx, dy, dz = x - b[0], y - b[1], z - b[2]
        lx = b[3] * dx + b[4] * dy + b[5] * dz
        ly = b[6] * dx + b[7] * dy + b[8] * dz
        lz = b[9] * dx + b[10] * dy + b[11] * dz
        if lz > b[21] + 3.0 or lz < b[20] - 3.0 or lx * lx + (ly - 15.0) ** 2 > 5000.0:
            above = FAR
            continue
        what, m, hu, texture, here, above = vertebra_at(
            n, (lx, ly, lz), canal, above, b, pedicles[n], struts[n], lesions
        )
        sure = min(sure, here)
        if what != NOTHING:
            return what, n if what != TUMOUR else -1, m, hu, texture, sure
        between = n > 0 if lz > 0.0 else n < bodies.shape[0] - 1
        half_disc, here = disc_at(b, lx, ly, lz, between)
        disc = disc or half_disc
        sure = min(sure, here)
    return DISC if disc else NOTHING, -1, -1, DISC_HU if disc else 0.0, 0.0, sure


@kernel
def canal_mm(canal: FloatArray, x: float, y: float, z: float) -> float:
    """Return the signed distance to the canal, in the axial plane."""
    at = min(max((z - canal[0, 0]) / 0.5, 0.0), canal.shape[0] - 1.001)
    n = int(at)
    f = at - n
    cx = canal[n, 1] + f * (canal[n + 1, 1] - canal[n, 1])
    cy = canal[n, 2] + f * (canal[n + 1, 2] - canal[n, 2])
    u, v = (x - cx) * canal[n, 6] + (y - cy) * canal[n, 7], (y - cy) * canal[n, 6] - (x - cx) * canal[n, 7]
    return ellipse_mm(u, v, canal[n, 3], canal[n, 4])


@kernel
def canal_content(canal: FloatArray, x: float, y: float, z: float) -> tuple[int, float]:
    """Return what and HU of a point inside the bony canal: epidural fat, CSF, cord, cauda equina."""
    at = min(max((z - canal[0, 0]) / 0.5, 0.0), canal.shape[0] - 1.001)
    n = int(at)
    a, b, cord = canal[n, 3], canal[n, 4], canal[n, 5]
    dx, dy = x - canal[n, 1], y - canal[n, 2]
    u, v = dx * canal[n, 6] + dy * canal[n, 7], dy * canal[n, 6] - dx * canal[n, 7]
    if ellipse_mm(u, v + 0.5, 0.93 * a - 1.5, b - 1.6) > 0.0:
        return FAT_IN_CANAL, CANAL_FAT_HU
    if cord > 0.02:
        wide, deep = cord_half_axes(a, cord)
        if ellipse_mm(u, v, wide, deep) < 0.0:
            return CORD, CORD_HU
    if cord < 1.0 and v > -0.15 * b and math.sin(2.4 * u + 0.02 * z) * math.sin(2.4 * v - 0.03 * z) > 0.15:
        return ROOT, ROOT_HU
    return FLUID, FLUID_HU


@kernel
def cord_half_axes(canal_half_width: float, cord: float) -> tuple[float, float]:
    """Return the cord's half width and half depth, mm; tapering in the conus. Sizes assumed (about 9.5 x 7.5 mm)."""
    taper = math.sqrt(cord)
    return (3.9 + 0.09 * canal_half_width) * taper, 3.75 * taper
