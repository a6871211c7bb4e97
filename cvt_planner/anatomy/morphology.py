"""Erosion, flooding, dilation and depth of masks in mm, quick enough for a live preview."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.arrays import Float32Array, FloatArray, LabelArray, MaskArray
from cvt_planner.base.compiled import kernel

_FAR_MM = 1000.0


def ball_offsets(radius_mm: float, spacing_kji_mm: FloatArray) -> NDArray[np.int64]:
    """Return (n, 3) the steps in voxels (k, j, i) that stay within a ball; the centre and whole spheres included."""
    reach = np.floor(radius_mm / spacing_kji_mm).astype(int)
    steps = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.linalg.norm(steps * spacing_kji_mm, axis=1) <= radius_mm + 1e-9
    # The farthest first: where a voxel is not to be kept they say so soonest.
    kept = steps[inside]
    order = np.argsort(-np.linalg.norm(kept * spacing_kji_mm, axis=1), kind="stable")
    return np.ascontiguousarray(kept[order], dtype=np.int64)


@kernel
def _erode(mask: Any, offsets: Any, out: Any) -> None:
    nk, nj, ni = mask.shape
    for k in range(nk):
        for j in range(nj):
            for i in range(ni):
                keep = mask[k, j, i]
                if keep:
                    for n in range(offsets.shape[0]):
                        a, b, c = k + offsets[n, 0], j + offsets[n, 1], i + offsets[n, 2]
                        # The box's own border is no edge of the lesion.
                        if 0 <= a < nk and 0 <= b < nj and 0 <= c < ni and not mask[a, b, c]:
                            keep = False
                            break
                out[k, j, i] = keep


@kernel
def _flood(mask: Any, k0: int, j0: int, i0: int, stack: Any, out: Any) -> None:
    nk, nj, ni = mask.shape
    top = 0
    stack[0, 0], stack[0, 1], stack[0, 2] = k0, j0, i0
    out[k0, j0, i0] = True
    while top >= 0:
        k, j, i = stack[top, 0], stack[top, 1], stack[top, 2]
        top -= 1
        for axis in range(3):
            for step in (-1, 1):
                a = k + step if axis == 0 else k
                b = j + step if axis == 1 else j
                c = i + step if axis == 2 else i
                if 0 <= a < nk and 0 <= b < nj and 0 <= c < ni and mask[a, b, c] and not out[a, b, c]:
                    out[a, b, c] = True
                    top += 1
                    stack[top, 0], stack[top, 1], stack[top, 2] = a, b, c


@kernel
def _any(line: Any) -> bool:
    """Return whether a row holds anything; a loop that does not stop at the first becomes vector code."""
    found = False
    for i in range(line.shape[0]):
        found |= line[i] != 0
    return found


@kernel
def _dilate(part: Any, runs: Any, within: Any, out: Any) -> None:
    """Paint a ball about every voxel, a whole run of a row at a time; `runs` are its rows and how far each reaches."""
    nk, nj, ni = part.shape
    for k in range(nk):
        for j in range(nj):
            line = part[k, j]
            i = ni if not _any(line) else 0
            while i < ni:
                if not line[i]:
                    i += 1
                    continue
                first = i
                while i < ni and line[i]:
                    out[k, j, i] = True
                    i += 1
                for n in range(runs.shape[0]):
                    a, b = k + runs[n, 0], j + runs[n, 1]
                    if 0 <= a < nk and 0 <= b < nj:
                        low, high = max(first - runs[n, 2], 0), min(i + runs[n, 2], ni)
                        row, allowed = out[a, b, low:high], within[a, b, low:high]
                        for c in range(high - low):
                            row[c] |= allowed[c]


@kernel
def _scan(mask: Any, step: float, square: Any) -> None:
    """Write the squared distance to the nearest voxel outside along the last axis."""
    nk, nj, ni = mask.shape
    for k in range(nk):
        for j in range(nj):
            away = _FAR_MM
            for i in range(ni):
                away = min(away + step, _FAR_MM) if mask[k, j, i] else 0.0
                square[k, j, i] = away
            away = _FAR_MM
            for i in range(ni - 1, -1, -1):
                away = min(away + step, _FAR_MM) if mask[k, j, i] else 0.0
                here = min(away, square[k, j, i])
                square[k, j, i] = here * here


@kernel
def _envelopes(square: Any, step: float, line: Any, apex: Any, border: Any) -> None:
    """Take another axis, the last of this view, into squared distances, by the lower envelope of parabolas."""
    n = square.shape[2]
    unit = step * step
    for a in range(square.shape[0]):
        for b in range(square.shape[1]):
            most = 0.0
            for q in range(n):
                line[q] = square[a, b, q]
                most = max(most, line[q])
            if most == 0.0:
                continue
            top = 0
            apex[0], border[0] = 0, -1e30
            for q in range(1, n):
                while True:
                    v = apex[top]
                    met = (line[q] - line[v]) / (2.0 * unit * (q - v)) + 0.5 * (q + v)
                    if met > border[top]:
                        break
                    top -= 1
                top += 1
                apex[top], border[top] = q, met
            last = top
            top = 0
            for q in range(n):
                while top < last and border[top + 1] < q:
                    top += 1
                v = apex[top]
                square[a, b, q] = unit * (q - v) * (q - v) + line[v]


def depth_of(mask: MaskArray, spacing_kji_mm: FloatArray) -> Float32Array:
    """Return (k, j, i) how far each voxel of a mask is from the middle of the nearest one outside it, mm; 0 outside.

    The exact Euclidean distance (Felzenszwalb and Huttenlocher, Theory of Computing 2012;8:415), a quarter of
    scipy's time. The array's border is no edge; where nothing lies outside it is 1000 mm or more.
    """
    square = np.empty(mask.shape, dtype=np.float32)
    longest = max(mask.shape) + 1
    room = np.empty(longest), np.empty(longest, dtype=np.int64), np.empty(longest)
    _scan(mask, float(spacing_kji_mm[2]), square)
    _envelopes(square.transpose(0, 2, 1), float(spacing_kji_mm[1]), *room)
    _envelopes(square.transpose(2, 1, 0), float(spacing_kji_mm[0]), *room)
    return np.sqrt(square, out=square)


def eroded(mask: MaskArray, offsets: NDArray[np.int64]) -> MaskArray:
    """Return the voxels whose whole ball lies inside the mask; beyond the array counts as inside."""
    out = np.empty_like(mask)
    _erode(mask, offsets, out)
    return out


def flooded(mask: MaskArray, start_kji: tuple[int, int, int]) -> MaskArray:
    """Return the part of the mask that hangs together, face to face, with one of its voxels."""
    out = np.zeros_like(mask)
    _flood(mask, *start_kji, np.empty((int(mask.sum()) + 1, 3), dtype=np.int32), out)
    return out


def dilated_within(part: MaskArray | LabelArray, offsets: NDArray[np.int64], within: MaskArray) -> MaskArray:
    """Return the part, all that is not 0, and the voxels of `within` that lie in a ball around any of its voxels."""
    out = np.zeros(part.shape, dtype=np.bool_)
    rows, row = np.unique(offsets[:, :2], axis=0, return_inverse=True)
    reach = np.zeros(len(rows), dtype=np.int64)
    np.maximum.at(reach, row.ravel(), offsets[:, 2])
    _dilate(part, np.column_stack([rows, reach]), within, out)
    return out


def bounding_box(mask: MaskArray, margin: int) -> tuple[slice, slice, slice]:
    """Return the slices of the smallest box around a mask that is not empty, widened by a margin within the array."""
    slices = []
    part = mask
    for axis in range(3):
        found = np.flatnonzero(part.any(axis=tuple(a for a in range(3) if a != axis)))
        first, last = int(found[0]), int(found[-1]) + 1
        slices.append(slice(max(first - margin, 0), min(last + margin, mask.shape[axis])))
        part = part[(slice(None),) * axis + (slice(first, last),)]  # the next axes have less to look through
    return (slices[0], slices[1], slices[2])
