"""The block of CT from which the 3-D scene takes its bone: cut in the background, turned into a surface by VTK."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter1d

from cvt_planner.base.arrays import Float32Array, Points, Vec3, read_only
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.geometry.reslice import reslice_hu
from cvt_planner.imaging.volume import Volume
from cvt_planner.workspace import State

SPACING_MM = 1.25  # half the triangles of 1 mm, and the same picture at the scene's size
# Around the anchor in LPS: a vertebra with its processes, and its neighbours. Assumed.
REACH_LOW_MM = np.array([-46.0, -44.0, -40.0])
REACH_HIGH_MM = np.array([46.0, 62.0, 40.0])
SMOOTH_MM = 1.0  # noise makes a rough surface with twice the triangles
RECENTRE_MM = 18.0  # the block is cut again when its anchor moved farther than this
NEVER_BONE_HU = -1024.0


@dataclass(frozen=True, eq=False)
class BoneBlock:
    """A smoothed, evenly spaced block of CT around an anchor."""

    volume: Volume = field(repr=False)
    anchor_lps_mm: Vec3
    hu: Float32Array = field(repr=False)  # (k, j, i)
    grid: Grid = field(repr=False)

    def serves(self, volume: Volume | None, anchor_lps_mm: Vec3) -> bool:
        """Return whether the block is of this CT and its anchor is near enough."""
        away = np.array(anchor_lps_mm) - np.array(self.anchor_lps_mm)
        return volume is self.volume and float(np.linalg.norm(away)) <= RECENTRE_MM


def anchor_of(state: State, lesion_id: str | None, crosshair_lps_mm: Vec3) -> Vec3:
    """Return the middle of what the scene shows: the chosen lesion, else the first one, else the crosshair."""
    lesions = state.plan.lesions if state.plan is not None else ()
    for lesion in lesions:
        if lesion.id == lesion_id:
            return lesion.centre_lps_mm
    return lesions[0].centre_lps_mm if lesions else crosshair_lps_mm


def cut_bone_block(volume: Volume, anchor_lps_mm: Vec3, progress: Progress) -> BoneBlock:
    """Return the block around an anchor; runs on any thread.

    Clipped to the CT; its rim is air, so that the surface is closed where it ends. Smoothed by a Gaussian of
    `SMOOTH_MM`, so the surface lies some tenths of a millimetre inside thin cortex: it is for orientation, not for
    measuring.
    """
    anchor = np.array(anchor_lps_mm)
    low, high = volume.grid.bounds_lps_mm()
    start = np.maximum(anchor + REACH_LOW_MM, low)
    end = np.minimum(anchor + REACH_HIGH_MM, high)
    counts = np.maximum(np.floor((end - start) / SPACING_MM).astype(int) + 1, 2)
    block = np.empty((counts[2], counts[1], counts[0]), dtype=np.float32)
    right, down = np.array([SPACING_MM, 0.0, 0.0]), np.array([0.0, SPACING_MM, 0.0])
    for k in range(counts[2]):
        progress.report(0.8 * k / counts[2], "Cutting the bone out of the CT")
        origin = start + np.array([0.0, 0.0, k * SPACING_MM])
        block[k] = reslice_hu(
            volume.hu, volume.grid.index_from_lps, origin, right, down, int(counts[0]), int(counts[1]), NEVER_BONE_HU
        )
    for axis in range(3):
        progress.report(0.8 + 0.05 * axis, "Smoothing")
        block = gaussian_filter1d(block, SMOOTH_MM / SPACING_MM, axis=axis, output=np.float32)
    for face in (block[0], block[-1], block[:, 0], block[:, -1], block[:, :, 0], block[:, :, -1]):
        face[...] = NEVER_BONE_HU
    return BoneBlock(volume, anchor_lps_mm, read_only(block), _even_grid(start, block.shape))


def _even_grid(start_lps_mm: Points, shape: tuple[int, ...]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = SPACING_MM * np.eye(3)[:, ::-1]
    affine[:3, 3] = start_lps_mm
    return Grid((shape[0], shape[1], shape[2]), affine)
