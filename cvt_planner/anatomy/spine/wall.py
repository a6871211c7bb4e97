"""The canal's bony wall as radii about its middle line, also where foramina, gaps or a lesion leave it open."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.kernels import fan, ray_edges
from cvt_planner.base.arrays import FloatArray, MaskArray
from cvt_planner.imaging.volume import Volume

RAYS = 48
_STEP_MM = 0.5
_FARTHEST_MM = 18.0
_BONE_HU = 150.0  # assumed; above contrast-free soft tissue
_OUTLIER_MM = 2.0
_SECTION_MM, _RAY_BINS = 2.0, 1.2  # smoothing along the canal and across rays


@dataclass(frozen=True, eq=False)
class CanalWall:
    """The wall at each point of a frame.

    Parameters
    ----------
    radii_mm
        (n, 48) from the frame's origin; ray 0 runs to the front, ray 12 to the left.
    seen
        (n,) share of the rays that met bone.
    """

    radii_mm: FloatArray = field(repr=False)
    seen: FloatArray = field(repr=False)

    def centres_vu(self) -> FloatArray:
        """Return (n, 2) the middle of each section's area, mm to the front and to the left."""
        turn = 2.0 * np.pi * np.arange(RAYS) / RAYS
        cube = self.radii_mm**3
        area = (self.radii_mm**2).sum(axis=1) / 2.0
        moments = np.stack([(cube * np.cos(turn)).sum(axis=1), (cube * np.sin(turn)).sum(axis=1)], axis=1)
        return np.asarray(moments / (3.0 * area[:, None]))

    def front_mm(self) -> FloatArray:
        """Return (n,) distance from the origin to the front wall, mm."""
        return np.asarray(self.radii_mm[:, np.arange(-3, 4)].mean(axis=1))

    def back_mm(self) -> FloatArray:
        """Return (n,) distance from the origin to the roof, mm."""
        return np.asarray(self.radii_mm[:, np.arange(RAYS // 2 - 2, RAYS // 2 + 3)].max(axis=1))


def find_wall(frame: CurvedFrame, volume: Volume, bone_hu: float = _BONE_HU) -> CanalWall:
    """Return the canal's wall: rays to where bone begins, what they miss filled from their neighbours.

    Notes
    -----
    A ray ends half-way between the canal's HU and the wall's. Rays that run out through a foramen, between arches or
    into a lesion are told by their neighbours, around and along the canal, and filled from these.
    """
    side = np.arange(-20.0, 20.1, 1.0)
    flat = frame.straightened(volume, side, side)
    turn = 2.0 * np.pi * np.arange(RAYS) / RAYS
    hu = np.empty((len(flat), RAYS, int((_FARTHEST_MM + 4.0) / _STEP_MM)), dtype=np.float32)
    fan(flat, -20.0, -20.0, np.zeros(len(flat)), np.cos(turn), np.sin(turn), _STEP_MM, hu)
    hits = np.empty(hu.shape[:2])
    ray_edges(hu, _STEP_MM, bone_hu, int(2.0 / _STEP_MM), hits)
    hits[hits > _FARTHEST_MM] = np.nan
    known = np.isfinite(hits)
    known &= ~_strays(hits, known)
    return CanalWall(_filled(hits, known), known.mean(axis=1))


def _strays(hits: FloatArray, known: MaskArray) -> MaskArray:
    """Return the rays that went well beyond what the rays about them met."""
    smooth = _convolved(np.where(known, np.minimum(hits, 14.0), 0.0), known, 6.0, 3.0)
    far = hits > smooth + 2.0 * _OUTLIER_MM
    smooth = _convolved(np.where(known & ~far, hits, 0.0), known & ~far, 4.0, 2.0)
    return np.asarray((hits > smooth + _OUTLIER_MM) | (hits < smooth - 1.5 * _OUTLIER_MM))


def _filled(hits: FloatArray, known: MaskArray) -> FloatArray:
    values = np.where(known, hits, 0.0)
    out = np.full(hits.shape, np.nan)
    for grow in (1.0, 2.0, 4.0, 10.0):
        weight = _blurred(known.astype(np.float64), grow * _SECTION_MM, grow * _RAY_BINS)
        value = _blurred(values, grow * _SECTION_MM, grow * _RAY_BINS)
        out = np.where(np.isnan(out) & (weight > 0.15), value / np.maximum(weight, 1e-9), out)
    out = np.where(np.isnan(out), np.nanmedian(out) if np.isfinite(out).any() else 8.0, out)
    return _blurred(out, 1.0, 0.7)


def _convolved(values: FloatArray, known: MaskArray, sections: float, rays: float) -> FloatArray:
    weight = _blurred(known.astype(np.float64), sections, rays)
    return np.asarray(_blurred(values, sections, rays) / np.maximum(weight, 1e-9))


def _blurred(values: FloatArray, sections: float, rays: float) -> FloatArray:
    return np.asarray(ndimage.gaussian_filter(values, (sections, rays), mode=("nearest", "wrap")))
