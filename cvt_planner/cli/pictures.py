"""Slice pictures of a plan without Qt: CT, lesion, needles and ice drawn on an array and kept as PNG.

Where Qt is installed the window's own views are drawn instead (`app.render.headless`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cvt_planner.anatomy.raster import shape_contains
from cvt_planner.base.arrays import FloatArray, MaskArray, Points, Vec3
from cvt_planner.bioheat.isotherms import sample_c
from cvt_planner.geometry.sampling import sample_hu
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Assembly, Lesion, Plan, Side
from cvt_planner.plan.results import SOFT_TISSUE, IceResult
from cvt_planner.plan.sides import sides_named

Colour = tuple[int, int, int]
LESION: Colour = (230, 60, 200)
NEEDLES: dict[Side, Colour] = {Side.LEFT: (40, 190, 180), Side.RIGHT: (240, 150, 40)}
ISOTHERMS: tuple[tuple[float, Colour], ...] = ((0.0, (170, 215, 255)), (-20.0, (60, 120, 255)), (-40.0, (150, 80, 220)))
ACTIVE_ZONE: Colour = (255, 255, 255)
TEXT: Colour = (205, 209, 214)

# Row and column steps in LPS: the patient's right on the picture's left, head or front up.
PLANES: dict[str, tuple[Vec3, Vec3]] = {
    "axial": ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    "sagittal": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "coronal": ((0.0, 0.0, -1.0), (1.0, 0.0, 0.0)),
}
EDGES = {"axial": "RALP", "sagittal": "ASPI", "coronal": "RSLI"}  # letters: left, top, right, bottom
WINDOW_HU = (400.0, 1800.0)  # centre and width, a usual bone window
SIZE_MM = 140.0
PIXEL_MM = 0.4
BAR_MM = 20.0
_LETTERS_PX = 14.0
_PLATE: Colour = (14, 15, 17)
_ROOM_PX = 3  # of the plate around a text
_SLAB_MM = 6.0  # needles this near the plane are drawn on it


@dataclass(frozen=True)
class SlicePicture:
    """A drawn slice, RGB (rows, columns, 3), and how many pixels each drawn thing took."""

    pixels: NDArray[np.uint8]
    drawn: dict[str, int]


def slice_picture(volume: Volume, plan: Plan, lesion: Lesion, ice: IceResult | None, plane: str) -> SlicePicture:
    """Return a slice through a lesion's centre with its outline, its needles and the ice in soft tissue.

    Parameters
    ----------
    plane
        A key of `PLANES`.

    Notes
    -----
    Needles are drawn where they pass within 6 mm of the plane, projected onto it.
    """
    down, right = (np.array(step) for step in PLANES[plane])
    centre = np.array(lesion.centre_lps_mm)
    offsets = (np.arange(round(SIZE_MM / PIXEL_MM)) - (round(SIZE_MM / PIXEL_MM) - 1) / 2.0) * PIXEL_MM
    points = centre + offsets[:, None, None] * down + offsets[None, :, None] * right
    grey = np.clip((sample_hu(volume, points) - WINDOW_HU[0]) / WINDOW_HU[1] + 0.5, 0.0, 1.0)
    pixels = np.repeat((255.0 * grey).astype(np.uint8)[..., None], 3, axis=2)
    drawn: dict[str, int] = {}

    def draw(name: str, where: MaskArray, colour: Colour) -> None:
        pixels[where] = colour
        drawn[name] = drawn.get(name, 0) + int(where.sum())

    rims: list[tuple[float, Colour, MaskArray]] = []
    if ice is not None:
        field = ice.field_of(SOFT_TISSUE)
        temperature = sample_c(field.temperature_c, field.grid, points.reshape(-1, 3)).reshape(points.shape[:2])
        for level, colour in ISOTHERMS:
            rims.append((level, colour, _rim(temperature < level)))
            draw(f"ice {level:g} °C", rims[-1][2], colour)
    draw("lesion", _rim(shape_contains(lesion.shape, points)), LESION)
    normal = np.cross(down, right)
    for assembly in plan.assemblies_of(lesion.id):
        for name, where, colour in _needle(assembly, points, normal):
            draw(name, where, colour)
    for turn, (level, colour, rim) in enumerate(rims):
        _label(pixels, rim, f"{level:.0f} °C", colour, turn)
    title = f"{level_words(plan, lesion.level)} {plane.upper()}"
    words = "" if ice is None else "ICE IN SOFT TISSUE"
    for row, text in ((10, title), (28, words), (len(pixels) - 28, _WINDOW)):
        if text:
            write(pixels, row, 0, text, TEXT)
    _letter(pixels, plane, sides_named(plan, volume))
    return SlicePicture(pixels, drawn)


_BESIDE_PX = 44.0  # from a line to the middle of its temperature
_WINDOW = f"W {WINDOW_HU[1]:.0f} L {WINDOW_HU[0]:.0f} HU"


def write(pixels: NDArray[np.uint8], row: float, column: float, text: str, colour: Colour) -> None:
    """Write a text around a place of (rows, columns, 3) pixels, on a dark plate; it is moved inside if need be."""
    font = ImageFont.load_default(_LETTERS_PX)
    left, top, right, bottom = (round(v) for v in font.getbbox(text))
    plate = Image.new("RGB", (right - left + 2 * _ROOM_PX, bottom - top + 2 * _ROOM_PX), _PLATE)
    ImageDraw.Draw(plate).text((_ROOM_PX - left, _ROOM_PX - top), text, colour, font)
    height, width = min(plate.height, pixels.shape[0]), min(plate.width, pixels.shape[1])
    row_0 = min(max(round(row - height / 2), 0), pixels.shape[0] - height)
    column_0 = min(max(round(column - width / 2), 0), pixels.shape[1] - width)
    pixels[row_0 : row_0 + height, column_0 : column_0 + width] = np.asarray(plate)[:height, :width]


def _letter(pixels: NDArray[np.uint8], plane: str, named: bool) -> None:
    """Write the sides of the patient at the edges, and the scale; no left and right while they are in doubt."""
    rows, columns = pixels.shape[:2]
    places = ((rows / 2, 0), (10, columns / 2), (rows / 2, columns), (rows - 10, columns / 2))
    for (row, column), side in zip(places, EDGES[plane], strict=True):
        write(pixels, row, column, side if named or side not in "LR" else "?", TEXT)
    length = round(BAR_MM / PIXEL_MM)
    pixels[rows - 30 - length : rows - 30, columns - 14 : columns - 11] = TEXT
    write(pixels, rows - 20, columns - 30, f"{BAR_MM / 10.0:.0f} cm", TEXT)


def _label(pixels: NDArray[np.uint8], rim: MaskArray, words: str, colour: Colour, turn: int) -> None:
    """Write a temperature beside its line, each line's in a direction of its own."""
    found = np.argwhere(rim)
    if len(found):
        towards = np.array([(-0.6, -0.8), (0.7, 0.7), (-0.1, 1.0)][turn % 3])
        row, column = found[int(np.argmax(found @ towards))] + _BESIDE_PX * towards
        write(pixels, row, column, words, colour)


def _needle(assembly: Assembly, points: Points, normal: Points) -> list[tuple[str, MaskArray, Colour]]:
    entry = np.array(assembly.skin_entry_lps_mm or assembly.entry_lps_mm)
    needle = (np.array(assembly.needle_tip_lps_mm), entry, assembly.needle.outer_diameter_mm)
    first, last = (np.array(end) for end in assembly.active_zone_lps_mm)
    zone = (first, last, assembly.probe.outer_diameter_mm)
    return [
        (f"needle {assembly.side.value}", _rod(points, normal, *needle), NEEDLES[assembly.side]),
        (f"active zone {assembly.side.value}", _rod(points, normal, *zone), ACTIVE_ZONE),
    ]


def _rod(points: Points, normal: Points, start: Points, end: Points, diameter_mm: float) -> MaskArray:
    """Return which pixels a straight rod covers, projected onto the plane where it is near it."""
    offset = points[0, 0]
    axis = end - start
    flat = axis - (axis @ normal) * normal
    length = float(flat @ flat)
    away = points - start
    along = np.clip(away @ flat / max(length, 1e-9), 0.0, 1.0)
    nearest = start + along[..., None] * axis
    height: FloatArray = np.abs((nearest - offset) @ normal)
    across: Any = points - nearest
    across = across - (across @ normal)[..., None] * normal
    radius = max(diameter_mm / 2.0, PIXEL_MM)
    return np.asarray((np.linalg.norm(across, axis=-1) <= radius) & (height <= _SLAB_MM))


def _rim(inside: MaskArray) -> MaskArray:
    """Return the pixels inside that touch one outside."""
    padded = np.pad(inside, 1, mode="edge")
    core = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(inside & ~core)
