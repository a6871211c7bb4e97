"""The labels of a spine on a cut, as a coloured picture: smooth edges at any zoom, any obliqueness, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import Points
from cvt_planner.base.compiled import kernel
from cvt_planner.geometry.reslice_rows import row_span, rows_in_index

PEDICLE = 64  # code of a pedicle: this and its vertebra's number
DISC, CANAL = 200, 201  # their codes; a vertebra's is its number
MOST_VERTEBRAE = PEDICLE - 1


@dataclass(frozen=True, eq=False)
class LabelStyle:
    """How the codes are drawn.

    Parameters
    ----------
    shown
        (256,) uint8: under which code each code is drawn; 0 hides it. A pedicle that is not shown apart is drawn as
        its vertebra.
    fill, line
        (256,) uint32 premultiplied ARGB of a structure's inside and of its rim.
    hatched
        (256,) bool: lines across the inside, for what is doubtful.
    line_px
        Width of the rim in pixels of the picture.
    """

    shown: NDArray[np.uint8] = field(repr=False)
    fill: NDArray[np.uint32] = field(repr=False)
    line: NDArray[np.uint32] = field(repr=False)
    hatched: NDArray[np.bool_] = field(repr=False)
    line_px: int = 1


@kernel
def _code(vertebra: int, part: int) -> int:
    if part == 5:
        return 200
    if part == 6:
        return 201
    if vertebra > 0 and (part == 2 or part == 3):
        return 64 + vertebra
    return vertebra


assert (Part.DISC, Part.CANAL, Part.LEFT_PEDICLE, Part.RIGHT_PEDICLE) == (5, 6, 2, 3)  # as the kernel has them


@kernel
def _read_cell(vertebrae: Any, parts: Any, shown: Any, k0: int, j0: int, i0: int, codes: Any) -> bool:
    """Write the codes of the eight voxels around a cell; return whether they are all the same."""
    ka, kb = np.uint64(max(k0, 0)), np.uint64(min(k0 + 1, vertebrae.shape[0] - 1))
    ja, jb = np.uint64(max(j0, 0)), np.uint64(min(j0 + 1, vertebrae.shape[1] - 1))
    ia, ib = np.uint64(max(i0, 0)), np.uint64(min(i0 + 1, vertebrae.shape[2] - 1))
    vertebra, part = vertebrae[ka, ja, ia], parts[ka, ja, ia]
    codes[0] = shown[_code(vertebra, part)]
    same = True
    for n in range(1, 8):
        k, j, i = (kb if n & 1 else ka), (jb if n & 2 else ja), (ib if n & 4 else ia)
        other, its_part = vertebrae[k, j, i], parts[k, j, i]
        if other == vertebra and its_part == part:  # most cells are all one; their codes need not be looked up
            codes[n] = codes[0]
        else:
            codes[n] = shown[_code(other, its_part)]
            same = same and codes[n] == codes[0]
    return same


@kernel
def _voted(codes: Any, weights: Any, fk: float, fj: float, fi: float) -> int:
    """Return the code with the greatest share of a place within a cell."""
    for n in range(8):
        weights[n] = (fk if n & 1 else 1.0 - fk) * (fj if n & 2 else 1.0 - fj) * (fi if n & 4 else 1.0 - fi)
    best, most = 0, -1.0
    for n in range(8):
        total = 0.0
        for m in range(8):
            if codes[m] == codes[n]:
                total += weights[m]
        if total > most:
            best, most = int(codes[n]), total
    return best


@kernel
def _fill_codes(vertebrae: Any, parts: Any, shown: Any, firsts: Any, rights: Any, out: Any) -> None:
    height, width = out.shape
    codes, weights = np.empty(8, dtype=np.uint8), np.empty(8)
    for row in range(height):
        first, right = firsts[row], rights[row]
        start, end = row_span(first, right, vertebrae.shape, width)
        last_k, last_j, last_i, same = -9, -9, -9, False
        for column in range(start, end):
            k, j, i = first[0] + column * right[0], first[1] + column * right[1], first[2] + column * right[2]
            k0, j0, i0 = int(np.floor(k)), int(np.floor(j)), int(np.floor(i))
            if k0 != last_k or j0 != last_j or i0 != last_i:  # pixels are finer than voxels: most stay in their cell
                same = _read_cell(vertebrae, parts, shown, k0, j0, i0, codes)
                last_k, last_j, last_i = k0, j0, i0
            out[row, column] = codes[0] if same else _voted(codes, weights, k - k0, j - j0, i - i0)


@kernel
def _paint(codes: Any, fill: Any, line: Any, hatched: Any, reach: int, out: Any) -> None:
    height, width = codes.shape
    for row in range(height):
        for column in range(width):
            code = codes[row, column]
            if code == 0:
                out[row, column] = 0
                continue
            up, down = codes[max(row - reach, 0), column], codes[min(row + reach, height - 1), column]
            before, after = codes[row, max(column - reach, 0)], codes[row, min(column + reach, width - 1)]
            rim = up != code or down != code or before != code or after != code
            inked = rim or (hatched[code] and (row + column) % 7 == 0)
            out[row, column] = line[code] if inked else fill[code]


def code_picture(
    spine: Spine, shown: NDArray[np.uint8], firsts_lps: Points, rights_lps: Points, width: int
) -> NDArray[np.uint8]:
    """Return (height, width) uint8 codes on a cut whose rows are straight lines; 0 where nothing is shown.

    A place takes the code with the greatest trilinear share of its eight voxels, so edges are as smooth as the labels
    allow. `firsts_lps`, `rights_lps`: as `geometry.reslice_rows.reslice_gray_rows`.
    """
    out = np.zeros((len(firsts_lps), width), dtype=np.uint8)
    firsts, rights = rows_in_index(spine.grid.index_from_lps, firsts_lps, rights_lps)
    _fill_codes(spine.vertebrae, spine.parts, shown, firsts, rights, out)
    return out


def label_picture(
    spine: Spine, style: LabelStyle, firsts_lps: Points, rights_lps: Points, width: int
) -> NDArray[np.uint32]:
    """Return (height, width) uint32 premultiplied ARGB of the spine's labels on a cut; 0 is clear."""
    codes = code_picture(spine, style.shown, firsts_lps, rights_lps, width)
    out = np.empty(codes.shape, dtype=np.uint32)
    _paint(codes, style.fill, style.line, style.hatched, style.line_px, out)
    return out
