"""Labelled CTs made harder: cut to windows, thinned to thick slices, bone erased as by lysis."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import FloatArray, MaskArray
from cvt_planner.geometry.frames import Grid
from tests.validation.anatomy.truths import Case, volume_of

LYTIC_HU = 45.0


def cropped(case: Case, start_mm: float, length_mm: float) -> Case | None:
    """Return a window of slices, or None where the CT is shorter; vertebrae it cuts are no longer complete."""
    dz = float(case.volume.grid.spacing_kji_mm[0])
    first, count = round(start_mm / dz), round(length_mm / dz)
    total = case.volume.grid.shape_kji[0]
    if first < 0 or first + count > total or count == total:
        return None
    part = slice(first, first + count)
    grid = case.volume.grid.crop((first, 0, 0), (count, *case.volume.grid.shape_kji[1:]))
    assert case.vertebrae is not None
    kept = case.vertebrae[part]
    outside = np.union1d(np.unique(case.vertebrae[:first]), np.unique(case.vertebrae[first + count :]))
    names = {label: name for label, name in case.names.items() if (kept == label).any()}
    return replace(
        case, name=f"{case.name} {length_mm:.0f} mm window at {start_mm:.0f}",
        volume=volume_of(case.volume.hu[part], grid, case.name), names=names, vertebrae=kept,
        complete=frozenset(case.complete & set(names)) - set(outside.tolist()),
        ignored=_part(case.ignored, part), bodies=_part(case.bodies, part), canal=_part(case.canal, part),
        canal_line=_clipped(case.canal_line, grid), cord_line=_clipped(case.cord_line, grid),
    )  # fmt: skip


def thinned(case: Case, slice_mm: float) -> Case:
    """Return the CT in thicker slices: each the mean over its thickness; labels those of its middle."""
    grid = case.volume.grid
    dz = float(grid.spacing_kji_mm[0])
    count = int((grid.shape_kji[0] - 1) * dz / slice_mm) + 1
    at = np.arange(count) * slice_mm / dz
    half = max((slice_mm / dz - 1.0) / 2.0, 0.0)
    spread = np.linspace(-half, half, 9)
    hu = np.zeros((count, *grid.shape_kji[1:]), dtype=np.float32)
    for s in spread:
        places = np.clip(at + s, 0, grid.shape_kji[0] - 1)
        low = np.minimum(places.astype(int), grid.shape_kji[0] - 2)
        f = (places - low).astype(np.float32)[:, None, None]
        hu += ((1 - f) * case.volume.hu[low] + f * case.volume.hu[low + 1]) / len(spread)
    affine = grid.lps_from_index.copy()
    affine[:3, 0] *= slice_mm / dz
    near = np.clip(np.rint(at).astype(int), 0, grid.shape_kji[0] - 1)
    return replace(
        case, name=f"{case.name} at {slice_mm:g} mm", volume=volume_of(np.rint(hu), Grid(hu.shape, affine), case.name),
        vertebrae=_part(case.vertebrae, near), ignored=_part(case.ignored, near), bodies=_part(case.bodies, near),
        canal=_part(case.canal, near),
    )  # fmt: skip


def lysed(case: Case, level: str) -> list[tuple[Case, tuple[str, ...]]]:
    """Return the CT with five kinds of simulated lysis at a level, each with the levels it struck."""
    assert case.vertebrae is not None and case.bodies is not None
    label = next(value for value, name in case.names.items() if name == level)
    body, whole = case.bodies == label, case.vertebrae == label
    grid = case.volume.grid
    centre = grid.lps_of(np.argwhere(body).mean(axis=0))
    places = np.moveaxis(grid.lps_of(np.moveaxis(np.indices(body.shape), 0, -1).astype(float)), -1, 0)
    left = places[0] > centre[0]
    ball = sum((places[a] - centre[a]) ** 2 for a in range(3)) < 12.0**2
    behind = places[1] > places[1][body].max() - 4.0
    pedicle = whole & ~body & left & behind & (places[1] < places[1][body].max() + 12.0)
    pedicle &= np.abs(places[2] - centre[2]) < 12.0
    below = case.bodies == label + 1
    kinds = (
        ("ball", ball & body, (level,)),
        ("ball and pedicle", (ball & body) | pedicle, (level,)),
        ("whole body", body, (level,)),
        ("half with arch", whole & left, (level,)),
        ("two bodies", body | below, (level, case.names.get(label + 1, ""))),
    )
    return [(_erased(case, mask, f"{case.name}, {words} of {level} erased"), struck) for words, mask, struck in kinds]


def _erased(case: Case, mask: MaskArray, name: str) -> Case:
    hu = case.volume.hu.astype(np.float32)
    rng = np.random.default_rng(5)
    spacing = case.volume.grid.spacing_kji_mm
    noise = ndimage.gaussian_filter(rng.standard_normal(hu.shape), 0.5)
    soft = (hu > 20) & (hu < 90)
    rough = hu - ndimage.median_filter(hu, size=(1, 3, 3))
    spread = float(np.median(np.abs(rough[ndimage.binary_erosion(soft)]))) * 1.4826 * 1.3
    grown = ndimage.binary_dilation(mask, iterations=max(1, round(1.0 / float(spacing[1]))))  # its cortex too
    grown &= hu > LYTIC_HU
    hu[grown] = LYTIC_HU + spread * (noise / noise.std())[grown]
    return replace(case, name=name, volume=volume_of(np.rint(hu), case.volume.grid, case.name))


def _part(values: Any, which: Any) -> Any:
    return None if values is None else values[which]


def _clipped(line: FloatArray | None, grid: Grid) -> FloatArray | None:
    if line is None:
        return None
    low, high = grid.bounds_lps_mm()
    return np.asarray(line[(line[:, 2] > low[2]) & (line[:, 2] < high[2])])
