"""Grow a lesion from a seed in noisy CT: a connected region of an HU band within a sphere."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.band import suggest_band
from cvt_planner.anatomy.lesion.distance import ramp_of, share_of, signed_distance_mm, widths_mm
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import (
    DENOISE_SIGMA_MM,
    connected_part,
    index_kji,
    neighbourhood,
)
from cvt_planner.anatomy.raster import lesion_points_lps, rasterise
from cvt_planner.base.arrays import Float32Array, MaskArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume

__all__ = ["grow_region", "lesion_points_lps", "rasterise", "suggest_band"]


def grow_region(
    volume: Volume,
    seed_lps_mm: Vec3,
    low_hu: float,
    high_hu: float,
    radius_mm: float,
    smooth: bool = True,
    progress: Progress | None = None,
) -> Region:
    """Return the connected region of an HU band around a seed, bounded by a sphere.

    The CT is denoised, voxels within the band and the sphere are opened by a ball of 1.5 mm (so that the region does
    not leak through thin gaps), the part with the seed is taken and its holes are filled.

    Parameters
    ----------
    seed_lps_mm
        A point inside the lesion, LPS mm.
    low_hu, high_hu
        The band, ends included, of the denoised CT.
    radius_mm
        Nothing grows farther than this from the seed, 1 to 60 mm.
    smooth
        Whether to denoise (Gaussian of `DENOISE_SIGMA_MM`).

    Raises
    ------
    InputRefused
        If the seed lies outside the CT, the band is empty, or no voxel near the seed lies within it.
    Cancelled
        If the progress was asked to stop.

    Notes
    -----
    The surface lies where the HU cross the band's end, moved out by what the blur takes from a rounded body: a ball's
    half-height contour shrinks by sigma^2/R. With a band
    whose end lies half-way between the lesion and its surroundings the volume is unbiased. Not modelled: a lesion that
    has broken through the cortex runs on into soft tissue of the same HU, as far as the sphere lets it.
    """
    if not low_hu < high_hu:
        raise InputRefused(f"The HU band from {low_hu:g} to {high_hu:g} is empty.")
    step = progress or Progress()
    step.report(0.0, "Reading the neighbourhood")
    around = neighbourhood(volume, seed_lps_mm, radius_mm, smooth)
    step.report(0.3, "Growing")
    band = (around.hu >= low_hu) & (around.hu <= high_hu)
    mask = connected_part(band & (around.distance_mm <= radius_mm), around)
    if mask is None:
        raise InputRefused(
            f"No voxel near this point lies between {low_hu:g} and {high_hu:g} HU. "
            "Click inside the lesion or widen the band."
        )
    step.report(0.8, "Measuring")
    box = bounding_box(mask, 2)
    part = np.ascontiguousarray(mask[box])
    share = _shares(part, band[box], around.hu[box], (low_hu, high_hu))
    spacing = around.grid.spacing_kji_mm
    distance = signed_distance_mm(share, spacing, 0.5)
    width = widths_mm(distance, spacing)
    if smooth:
        distance -= _shrunk_by_mm(share, distance, width, around.grid.voxel_volume_mm3)
    grid = around.grid.crop((box[0].start, box[1].start, box[2].start), index_kji(np.array(part.shape)))
    region = Region(ramp_of(distance, width), grid)
    step.report(1.0)
    return region


def _shrunk_by_mm(share: Float32Array, distance: Float32Array, width: Float32Array, voxel_mm3: float) -> np.float32:
    """Return how far the surface is moved out, so that the volume is what it was before the blur, mm.

    A blurred ball's half-height contour lies sigma^2/R inside its true one. The volume is the measure, not that
    distance: a noisy surface is larger than a ball's.
    """
    inside_mm3 = float(share.sum(dtype=np.float64)) * voxel_mm3
    radius = max((3.0 * inside_mm3 / (4.0 * math.pi)) ** (1.0 / 3.0), 2.0)
    wanted = inside_mm3 + 4.0 * math.pi * radius * DENOISE_SIGMA_MM**2
    low, high = -1.0, 1.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        got = float(share_of(ramp_of(distance - np.float32(middle), width)).sum(dtype=np.float64)) * voxel_mm3
        low, high = (middle, high) if got < wanted else (low, middle)
    return np.float32(0.5 * (low + high))


def _shares(mask: MaskArray, band: MaskArray, hu: Float32Array, ends: tuple[float, float]) -> Float32Array:
    """Return the share of each voxel that lies inside: at the border by its part within the band, from the gradient."""
    border = ndimage.binary_dilation(mask) & ~band & ~mask | (mask & ~ndimage.binary_erosion(mask))
    # Voxels of the border which lie on the sphere or in an opened-off leak have no HU edge: they count whole.
    edge = border & ndimage.binary_dilation(~band)
    slope = np.zeros(mask.shape, dtype=np.float32)
    for gradient in np.gradient(hu):
        slope += np.abs(gradient)  # HU by which the field changes across a voxel, corner to corner
    inside_by = np.minimum(hu - ends[0], ends[1] - hu)
    # Half-way is where the middle lies on the edge; what is inside stays inside.
    part = np.clip(0.5 + inside_by / np.maximum(slope, 1.0), 0.0, 1.0)
    return np.asarray(np.where(edge, part, mask.astype(np.float32)), dtype=np.float32)
