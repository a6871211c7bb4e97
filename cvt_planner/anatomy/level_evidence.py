"""What beside a vertebra tells which one it may be: a rib, the side part of the sacrum, the iliac bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cvt_planner.anatomy.spine.model import Vertebra
from cvt_planner.base.arrays import FloatArray
from cvt_planner.geometry.sampling import HuOnGrid, sample_grid

# All lengths, areas and HU here are assumed: usual adult anatomy, tried on the public CTs and on phantoms.
STEP_MM = 2.0
_WIDE_MM = 84.0  # to either side
_FRONT_MM, _BACK_MM = -20.0, 66.0
_BELOW_MM, _ABOVE_MM = -50.0, 24.0
_OUTSIDE = -3000.0  # stands for "not in the CT"
_BONE_HU = 160.0
_COMPACT_HU = 300.0  # a kidney with contrast stays below, an iliac bone holds much above
_RIB_REACH_MM = 56.0  # a lumbar transverse process ends before; so far from the middle only a rib reaches
_RIB_SECTION_MM2 = 420.0  # a rib cut obliquely has less, an iliac bone or a kidney more
_LEAST_SECTION_MM2 = 12.0
_LOWEST_START = 0.65  # of the distance to the next vertebra: a rib lies no lower where the transverse process has ended
_ILIUM_SECTION_MM2 = 500.0
_ALA_HU = 100.0  # the side part of the sacrum is thinly filled bone
_ALA_MM = (6.0, 10.0, 14.0)  # beside the body
_ALA_SECTION_MM2 = 260.0  # L5's transverse process has less
_SEEN = 0.8  # so much of what is looked at must lie in the CT


@dataclass(frozen=True)
class SideEvidence:
    """What is seen on one side of a vertebra; None where the CT does not show enough to tell."""

    rib: bool | None
    ala: bool | None  # the side part of the sacrum
    ilium: bool | None


@dataclass(frozen=True)
class VertebraEvidence:
    """What is seen on both sides of one vertebra, patient's left and right."""

    number: int
    left: SideEvidence
    right: SideEvidence

    @property
    def sides(self) -> tuple[SideEvidence, SideEvidence]:
        """Return both sides."""
        return self.left, self.right


def look_beside(volume: HuOnGrid, vertebra: Vertebra, spacing_mm: float) -> VertebraEvidence:
    """Return what is seen beside a vertebra.

    Parameters
    ----------
    spacing_mm
        To the neighbouring vertebrae, middle to middle.

    Notes
    -----
    A rib is bone that runs without a break from beside the body, at the vertebra's own height, out to 56 mm from the
    middle, and stays thin on its way; short last ribs are missed. Traps: a kidney with contrast (thick, and without
    compact bone), a lumbar transverse process (short), the iliac bone (thick).
    """
    u = np.arange(0.0, _WIDE_MM + 0.1, STEP_MM)
    b = np.arange(_FRONT_MM, _BACK_MM + 0.1, STEP_MM)
    w = np.arange(_BELOW_MM, _ABOVE_MM + 0.1, STEP_MM)
    sides = []
    for sign in (1.0, -1.0):
        place = (
            np.array(vertebra.centre_lps_mm)
            + sign * u[:, None, None, None] * np.array(vertebra.left)
            + b[None, :, None, None] * np.array(vertebra.back)
            + w[None, None, :, None] * np.array(vertebra.up)
        )
        hu = sample_grid(volume.hu, volume.grid, place, _OUTSIDE)
        sides.append(_look(hu, u, b, w, vertebra, spacing_mm))
    return VertebraEvidence(vertebra.number, *sides)


def _look(hu: FloatArray, u: FloatArray, b: FloatArray, w: FloatArray, at: Vertebra, spacing_mm: float) -> SideEvidence:
    bone = hu > _BONE_HU
    own = np.abs(w) <= at.height_mm / 2.0
    rib = _rib(hu, bone, u, b, w, at.width_mm, spacing_mm)
    return SideEvidence(
        rib=rib if rib or at.complete else None,
        ala=_ala(hu, u, b, own, at.width_mm),
        ilium=_ilium(hu, bone, u, (w >= -at.height_mm) & (w <= at.height_mm / 2.0)),
    )


def _seen(hu: FloatArray) -> bool:
    return bool((hu > _OUTSIDE / 2.0).mean() >= _SEEN)


def _rib(
    hu: FloatArray, bone: NDArray[np.bool_], u: FloatArray, b: FloatArray, w: FloatArray, wide: float, spacing_mm: float
) -> bool | None:
    start = wide / 2.0 + 2.0
    outward = u >= start
    behind = b >= 0.0
    part = bone[outward][:, behind]
    labels, _ = ndimage.label(part, np.ones((3, 3, 3)))
    near = u[outward] <= start + 8.0
    level = (w >= -0.4 * spacing_mm) & (w <= 0.45 * spacing_mm)
    seeds = set(np.unique(labels[near][:, b[behind] <= 45.0][:, :, level])) - {0}
    for label in seeds:
        areas = STEP_MM**2 * (labels == label).sum(axis=(1, 2))
        far = u[outward] >= _RIB_REACH_MM - 12.0
        there = far & (u[outward] <= _RIB_REACH_MM)
        thin = (areas[there] >= _LEAST_SECTION_MM2).all() and (areas[far] <= _RIB_SECTION_MM2).all()
        if thin and _starts_here(labels == label, u[outward] - start, w, spacing_mm):
            return True
    return False if _seen(hu[outward & (u <= _RIB_REACH_MM)][:, behind][:, :, w <= 0.45 * spacing_mm]) else None


def _starts_here(rib: NDArray[np.bool_], beyond: FloatArray, w: FloatArray, spacing_mm: float) -> bool:
    """Return whether a rib leaves the spine at this vertebra, and not at the one below, whose rib touches a process."""
    for plane in rib[(beyond >= 14.0) & (beyond <= 22.0)]:
        labels, count = ndimage.label(plane)
        heights = ndimage.mean(np.broadcast_to(w, plane.shape), labels, range(1, count + 1))
        sizes = STEP_MM**2 * ndimage.sum_labels(plane, labels, range(1, count + 1))
        big = sizes >= _LEAST_SECTION_MM2
        if not (big & (np.asarray(heights) >= -_LOWEST_START * spacing_mm)).any():
            return False
    return True


def _ala(hu: FloatArray, u: FloatArray, b: FloatArray, own: NDArray[np.bool_], wide: float) -> bool | None:
    region = np.ix_((b >= -15.0) & (b <= 40.0), own)
    planes = [hu[int(np.argmin(np.abs(u - (wide / 2.0 + beside))))][region] for beside in _ALA_MM]
    if not _seen(np.array(planes)):
        return None
    filled = [ndimage.binary_fill_holes(ndimage.binary_closing(plane > _ALA_HU)) for plane in planes]
    return bool(STEP_MM**2 * np.sum(filled) / len(filled) >= _ALA_SECTION_MM2)


def _ilium(hu: FloatArray, bone: NDArray[np.bool_], u: FloatArray, own: NDArray[np.bool_]) -> bool | None:
    # `own` reaches half a body below the lower endplate: the crest's usual height is the disc below L4
    seen = False
    for across in np.flatnonzero((u >= 52.0) & (u <= 80.0))[::3]:
        plane = hu[across][:, own]
        if not _seen(plane):
            continue
        seen = True
        labels, count = ndimage.label(bone[across][:, own])
        for label in range(1, count + 1):
            inside = labels == label
            thick = STEP_MM**2 * inside.sum() >= _ILIUM_SECTION_MM2
            if thick and (plane[inside] > _COMPACT_HU).mean() >= 0.2:
                return True
    return False if seen else None
