"""The HU band that separates a lesion from the bone around it, read from the CT at a seed."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import Neighbourhood, connected_part, neighbourhood
from cvt_planner.base.arrays import FloatArray, MaskArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.sampling import sample_grid
from cvt_planner.imaging.volume import Volume

HIGHEST_HU = 3000.0
_CORE_MM = 2.0  # the seed's own tissue
_SHELL_MM = (1.5, 4.5)  # where the surroundings are read, outside the region grown so far
_LEAST_CONTRAST_HU = 30.0  # assumed; below it a lesion cannot be told from its surroundings by HU
_MOST_CONTRAST_HU = 90.0
_ROUNDS = 3


def suggest_band(volume: Volume, seed_lps_mm: Vec3, radius_mm: float = 20.0) -> tuple[float, float]:
    """Return the HU band (low, high) of the lesion at a seed.

    The end towards the surrounding bone lies half-way between the lesion's and the bone's HU, where a scanner's blur
    leaves the true edge; the other end is wide open: for a lesion darker than its surroundings down to what noise
    makes of it, for a brighter one up to `HIGHEST_HU`.

    Parameters
    ----------
    seed_lps_mm
        A point well inside the lesion, LPS mm.
    radius_mm
        How far the lesion and its surroundings are looked for, mm.

    Raises
    ------
    InputRefused
        If the seed lies outside the CT.

    Notes
    -----
    The surroundings are read first along rays, then in a shell about the region grown so far, three times over. A
    lesion without contrast to its surroundings (below 30 HU) gets a band about its own HU, which may leak. A mixed
    lesion has no one band; the result then fits the part around the seed.
    """
    lesion, surround, spread = contrast_at(volume, seed_lps_mm, radius_mm)
    if surround is None:
        return (float(round(lesion - 4.0 * spread)), float(round(lesion + 4.0 * spread)))
    low, high = _band(lesion, surround, spread)
    return (float(round(low)), float(round(high)))


def contrast_at(volume: Volume, seed_lps_mm: Vec3, radius_mm: float = 20.0) -> tuple[float, float | None, float]:
    """Return the HU of the lesion at a seed and of the bone around it (None: nothing differs), and its spread.

    Raises
    ------
    InputRefused
        If the seed lies outside the CT.
    """
    around = neighbourhood(volume, seed_lps_mm, radius_mm)
    core = around.hu[around.distance_mm <= max(_CORE_MM, float(around.grid.spacing_kji_mm.max()) * 0.51)]
    if core.size == 0:
        raise InputRefused("The lesion's seed lies outside the CT. Click inside the lesion.")
    lesion = float(np.median(core))
    spread = max(1.4826 * float(np.median(np.abs(core - lesion))), 5.0)
    # A mixed lesion's own spread must not hide its surroundings.
    contrast = min(max(3.0 * spread, _LEAST_CONTRAST_HU), _MOST_CONTRAST_HU)
    surround = _along_rays(around, np.array(seed_lps_mm), lesion, contrast, radius_mm)
    if surround is None:
        return lesion, None, spread
    for _ in range(_ROUNDS):
        band = _band(lesion, surround, spread)
        part = connected_part(
            (around.hu >= band[0]) & (around.hu <= band[1]) & (around.distance_mm <= radius_mm), around
        )
        if part is None:
            break
        lesion, surround, spread = _statistics(around, part, lesion, surround)
    return lesion, surround, spread


def _band(lesion: float, surround: float, spread: float) -> tuple[float, float]:
    middle = (lesion + surround) / 2.0
    if surround > lesion:
        # Necrosis, fat and noise inside a lysis may lie lower; gas and lung do not belong to it.
        return (lesion - max(6.0 * spread, 100.0), middle)
    return (middle, HIGHEST_HU)


def _along_rays(
    around: Neighbourhood, seed: FloatArray, lesion: float, contrast: float, radius_mm: float
) -> float | None:
    """Return the median HU of what rays from the seed meet first beyond the lesion; None where nothing differs."""
    n = np.arange(64) + 0.5
    z, turn = 1.0 - 2.0 * n / 64.0, np.pi * (1.0 + 5.0**0.5) * n  # evenly spread directions (Fibonacci lattice)
    ring = np.sqrt(1.0 - z * z)
    rays = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)
    step = 0.5
    along = np.arange(0.0, radius_mm + step, step)
    hu = sample_grid(around.hu, around.grid, seed + rays[:, None] * along[None, :, None], np.nan)
    differs = np.abs(hu - lesion) > contrast
    lasting = differs[:, :-2] & differs[:, 1:-1] & differs[:, 2:]
    met = []
    for ray in range(len(rays)):
        first = np.nonzero(lasting[ray])[0]
        if first.size:
            beyond = hu[ray, first[0] + 2 : first[0] + 7]  # 1 to 3.5 mm past the edge, out of its blur
            met.append(float(np.nanmedian(beyond)))
    values = np.array(met)[np.isfinite(met)] if met else np.array([])
    return float(np.median(values)) if values.size >= 16 else None


def _statistics(around: Neighbourhood, part: MaskArray, lesion: float, surround: float) -> tuple[float, float, float]:
    """Return the lesion's HU, its surroundings' HU and the lesion's spread, read from the region grown so far."""
    spacing = around.grid.spacing_kji_mm
    box = bounding_box(part, math.ceil(_SHELL_MM[1] / float(spacing.min())))
    part, hu = part[box], around.hu[box]
    outside = ndimage.distance_transform_edt(~part, sampling=spacing)
    inner = hu[ndimage.binary_erosion(part)]
    inner = inner if inner.size >= 8 else hu[part]
    own = float(np.median(inner))
    spread = max(1.4826 * float(np.median(np.abs(inner - own))), 5.0)
    shell = hu[(outside >= _SHELL_MM[0]) & (outside <= _SHELL_MM[1])]
    middle = (lesion + surround) / 2.0
    # Even room on both sides of the last value: neither disc, canal and muscle next to a lysis nor cortex is its edge.
    bone = shell[np.abs(shell - surround) < abs(surround - middle)]
    if bone.size < 8 or abs(float(np.median(bone)) - own) < _LEAST_CONTRAST_HU:
        return lesion, surround, spread
    return own, float(np.median(bone)), spread
