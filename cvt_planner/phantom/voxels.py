"""From shapes to voxels: what tissue a point is, and the mean over the sub-voxels of each voxel, compiled."""

from __future__ import annotations

import math
from typing import Any

from cvt_planner.base.arrays import Float32Array, FloatArray
from cvt_planner.base.compiled import kernel, parallel_kernel, prange
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

# Mean Hounsfield units of the spine's parts. Cortex is what 120 kV shows of whole cortical bone; trabecular bone is
# that of a patient in the fifties (Pickhardt et al., Ann Intern Med 2013;158:588: L1 about 170 to 200 HU);
# the rest: usual values at 120 kV, assumed.
CORTEX_HU, MARROW_HU, ARCH_MARROW_HU, DISC_HU, CANAL_FAT_HU, FLUID_HU, CORD_HU, ROOT_HU = (
    1150,
    195,
    260,
    85,
    -85,
    14,
    38,
    36,
)
SHELL_MM, ARCH_CORTEX_MM, JOINT_GAP_MM = 0.65, 1.35, 1.9  # assumed, within the range of anatomy texts


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
    wave = math.sin(0.9 * x + row[8]) * math.sin(1.1 * y + row[9]) + math.sin(1.0 * z + 0.7 * x + row[10])
    if kind == 1.0:
        return (row[13], 0.6) if wave > 0.75 else (row[12], 0.1)
    return row[12] + 110.0 * wave * min(1.0, depth / 3.0), 0.9


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

    `canal` is the signed distance to the canal, which the arches leave free.
    """
    above = FAR  # the arch of the vertebra above: the joint gap is kept from it
    sure = FAR
    disc = False
    for n in range(bodies.shape[0]):
        b = bodies[n]
        dx, dy, dz = x - b[0], y - b[1], z - b[2]
        lx = b[3] * dx + b[4] * dy + b[5] * dz
        ly = b[6] * dx + b[7] * dy + b[8] * dz
        lz = b[9] * dx + b[10] * dy + b[11] * dz
        if abs(lz) > 50.0 or lx * lx + (ly - 15.0) ** 2 > 5500.0:
            above = FAR
            continue
        d_body = body_mm(b, lx, ly, lz)
        d_arch = met(arch_mm(pedicles[n], struts[n], lx, ly, lz), -canal, 1.0)
        own = d_arch
        d_arch = max(d_arch, JOINT_GAP_MM - above)
        above = own
        k = 2.5
        h = max(k - abs(d_body - d_arch), 0.0) / k
        d = max(min(d_body, d_arch) - h * h * k * 0.25, -canal - 0.9)
        sure = min(sure, abs(d))
        for m in range(lesions.shape[0]):
            row = lesions[m]
            if int(row[0]) != n:
                continue
            limit = d + row[14] if row[14] > 0.0 else d - 3.2
            if row[14] <= 0.0 and ly < b[13] - 4.0:
                limit = d + 1.2  # a breach opens the posterior wall only
            d_les = met(lesion_mm(row, lx, ly, lz), limit, 0.8)
            sure = min(sure, abs(d_les))
            if d_les < 0.0:
                hu, texture = lesion_hu(row, lx, ly, lz, -d_les)
                if row[11] == 1.0:
                    sure = 0.0  # islands
                return (LESION, n, m, hu, texture, sure) if d < 0.0 else (TUMOUR, -1, m, hu, texture, sure)
        if d < 0.0:
            plate = endplate_mm(b, lx, ly, lz)
            if d_body < d_arch:
                vein = max(abs(lz + 0.5) - 1.3, abs(lx) - 1.6 - 0.25 * max(b[13] - ly, 0.0), 0.15 * b[13] - ly)
                sure = min(sure, abs(vein)) if b[19] > 0.0 else sure
                if b[19] > 0.0 and vein < 0.0:
                    return BODY, n, -1, 70.0, 0.3, sure
                hu, texture, inner = bone_hu(-d, SHELL_MM, plate, MARROW_HU, 1.0)
                return BODY, n, -1, hu, texture, min(sure, inner)
            hu, texture, inner = bone_hu(-d, ARCH_CORTEX_MM, -20.0, ARCH_MARROW_HU, 1.0)
            return ARCH, n, -1, hu, texture, min(sure, inner)
        d_disc = outline_mm(b, lx, ly, 0.97)
        sure = min(sure, abs(d_disc) + 0.0 if abs(lz) < 26.0 else FAR)
        half = 0.25 * (b[14] + b[15])
        if d_disc < 0.0 and abs(lz) < half + 6.5:
            inner_half = half + 6.5
            between = n > 0 if lz > 0.0 else n < bodies.shape[0] - 1
            disc = disc or between
            sure = min(sure, inner_half - abs(lz)) if not between else sure
    if disc:
        return DISC, -1, -1, DISC_HU, 0.0, sure
    return NOTHING, -1, -1, 0.0, 0.0, sure


@kernel
def canal_mm(canal: FloatArray, x: float, y: float, z: float, inset: float) -> float:
    """Return the signed distance to the canal narrowed by `inset`, in the axial plane."""
    at = min(max((z - canal[0, 0]) / 0.5, 0.0), canal.shape[0] - 1.001)
    n = int(at)
    f = at - n
    cx = canal[n, 1] + f * (canal[n + 1, 1] - canal[n, 1])
    cy = canal[n, 2] + f * (canal[n + 1, 2] - canal[n, 2])
    return ellipse_mm(x - cx, y - cy, canal[n, 3] - inset, canal[n, 4] - inset)


@kernel
def canal_content(canal: FloatArray, x: float, y: float, z: float) -> tuple[int, float, float]:
    """Return what, HU and sureness of a point inside the bony canal: epidural fat, CSF, cord, cauda equina."""
    at = min(max((z - canal[0, 0]) / 0.5, 0.0), canal.shape[0] - 1.001)
    n = int(at)
    a, b, cord = canal[n, 3], canal[n, 4], canal[n, 5]
    u, v = x - canal[n, 1], y - canal[n, 2]
    sac = ellipse_mm(u, v + 0.8, a - 2.4 - 0.12 * a, b - 2.2)
    if sac > 0.0:
        return FAT_IN_CANAL, CANAL_FAT_HU, sac
    sure = -sac
    if cord > 0.02:
        d = ellipse_mm(u, v, *cord_half_axes(a, cord))
        if d < 0.0:
            return CORD, CORD_HU, min(sure, -d)
        sure = min(sure, d)
    if cord < 1.0 and v > -0.15 * b:
        cell = math.sin(2.4 * u + 0.02 * z) * math.sin(2.4 * v - 0.03 * z)
        if cell > 0.15:
            return ROOT, ROOT_HU, 0.0
    return FLUID, FLUID_HU, sure if cord >= 1.0 else 0.0


@kernel
def cord_half_axes(canal_half_width: float, cord: float) -> tuple[float, float]:
    """Return the cord's half width and half depth, mm; tapering in the conus. Sizes assumed (about 9.5 x 7.5 mm)."""
    taper = math.sqrt(cord)
    return (3.9 + 0.09 * canal_half_width) * taper, 3.75 * taper


@parallel_kernel
def fill_spine(
    start: FloatArray,
    step: FloatArray,
    shape: tuple[int, int, int],
    sub: tuple[int, int, int],
    bodies: FloatArray,
    pedicles: FloatArray,
    struts: FloatArray,
    lesions: FloatArray,
    canal: FloatArray,
    hu: Float32Array,
    cover: Float32Array,
    texture: Float32Array,
    levels: Any,
    masks: Any,
    sums: FloatArray,
    lesion_sums: FloatArray,
) -> None:
    """Fill a box of voxels with the mean of its sub-voxels.

    Parameters
    ----------
    start, step
        LPS mm of the first voxel's centre and the steps (x, y, z).
    sub
        Sub-voxels per voxel along (z, y, x).
    hu, cover, texture
        Out, (k, j, i) float32: HU times cover, share of the voxel that is spine, share that is spongy.
    levels
        Out, (k, j, i) uint8: 1 + row of the vertebra holding at least half the voxel, else 0.
    masks
        Out, (k, j, i) uint8 bits: 1 body, 2 canal, 4 cord; from 8 on the lesion's number times 8.
    sums
        Out, (k, n, 6): per slice and vertebra: bone volume, body volume, first moments of the body; mm3, mm4.
    lesion_sums
        Out, (k, m, 6): per slice and lesion: volume, first moments, volume outside the bone, volume in the canal.
    """
    full = sub[0] * sub[1] * sub[2]
    cell = abs(step[0] * step[1] * step[2]) / full
    half_diagonal = 0.5 * math.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2) * 1.15
    for k in prange(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                x0, y0, z0 = start[0] + i * step[0], start[1] + j * step[1], start[2] + k * step[2]
                d_canal = canal_mm(canal, x0, y0, z0, 0.0)
                what, _, _, _, _, sure = bone_at(x0, y0, z0, d_canal, bodies, pedicles, struts, lesions)
                if what == NOTHING and d_canal > half_diagonal and sure > half_diagonal:
                    continue
                whole = sure > half_diagonal and abs(d_canal) > half_diagonal and what != NOTHING and what < DISC
                nz, ny, nx = (1, 1, 1) if whole else sub
                weight = full // (nz * ny * nx)
                total_hu, total, spongy = 0.0, 0, 0.0
                in_body, in_canal, in_cord = 0, 0, 0
                level, in_level, lesion, in_lesion = -1, 0, -1, 0
                for c in range(nz * ny * nx):
                    x = x0 + ((c % nx + 0.5) / nx - 0.5) * step[0]
                    y = y0 + (((c // nx) % ny + 0.5) / ny - 0.5) * step[1]
                    z = z0 + ((c // (nx * ny) + 0.5) / nz - 0.5) * step[2]
                    dc = canal_mm(canal, x, y, z, 0.0)
                    what, n, m, value, soft, _ = bone_at(x, y, z, dc, bodies, pedicles, struts, lesions)
                    if n >= 0:
                        if level < 0 or n == level:
                            in_level += weight
                            level = n
                        sums[k, n, 0] += weight * cell
                        if what == BODY or what == LESION:
                            in_body += weight
                            sums[k, n, 1] += weight * cell
                            sums[k, n, 2] += weight * cell * x
                            sums[k, n, 3] += weight * cell * y
                            sums[k, n, 4] += weight * cell * z
                    if m >= 0:
                        lesion = m
                        in_lesion += weight
                        lesion_sums[k, m, 0] += weight * cell
                        lesion_sums[k, m, 1] += weight * cell * x
                        lesion_sums[k, m, 2] += weight * cell * y
                        lesion_sums[k, m, 3] += weight * cell * z
                        lesion_sums[k, m, 4] += weight * cell if what == TUMOUR else 0.0
                        lesion_sums[k, m, 5] += weight * cell if dc < 0.0 else 0.0
                    elif what == NOTHING and dc < 0.0:
                        what, value, _ = canal_content(canal, x, y, z)
                        in_cord += weight if what == CORD else 0
                    if dc < 0.0 and what != ARCH and what != BODY and what != DISC:
                        in_canal += weight
                    if what != NOTHING:
                        total += weight
                        total_hu += value * weight
                        spongy += soft * weight
                hu[k, j, i] = total_hu / full
                cover[k, j, i] = total / full
                texture[k, j, i] = spongy / full
                if 2 * in_level >= full:
                    levels[k, j, i] = level + 1
                bits = 1 if 2 * in_body >= full else 0
                bits += 2 if 2 * in_canal >= full else 0
                bits += 4 if 2 * in_cord >= full else 0
                bits += 8 * (lesion + 1) if 2 * in_lesion >= full else 0
                masks[k, j, i] = bits
