"""Which end of the body and which side the organs say it is: lung bases and apices, and the liver."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.base.arrays import FloatArray
from cvt_planner.imaging.flat import deep, opened_by_cross
from cvt_planner.imaging.posture_sample import Sample, halves

LUNG_HU = (-950, -500)
FULL_LUNG_CM2 = 60.0  # a section well inside the lungs; assumed
EDGE_LUNG_CM2 = (4.0, 40.0)  # a section near an end of the lungs; assumed
BASE_WIDE = 0.5  # mean distance from the middle, in halves of the body's width; assumed
LIVER_HU = (20.0, 180.0)  # native or with contrast
LIVER_DEEP_MM = 28.0  # from its surface: no muscle, kidney or spleen of usual size is so deep; assumed
LIVER_CORE_ML = 80.0  # so deep; four real livers have 140 to 260 mL, native and with contrast; a full stomach has less
LIVER_SPREAD_HU = 25.0  # of the smoothed core, at most: food is not as even; assumed
LIVER_ONE_SIDE = 0.85  # of its core on one side of the middle; assumed


@dataclass(frozen=True, eq=False)
class Lungs:
    """Lung area, cm2, and its mean distance from the middle in halves of the body's width, of each slice (n,)."""

    areas_cm2: FloatArray
    spreads: FloatArray


def lung_ends(lungs: Lungs) -> str:
    """Return "right way" or "wrong way" as the lungs' bases lie to head and feet; empty where no base is clear.

    Bases lie wide, in the recesses beside the diaphragm; apices lie near the middle, but so does gas in the bowel: an
    end that lies near the middle says nothing.
    """
    areas, spreads = lungs.areas_cm2, lungs.spreads
    full = np.flatnonzero(areas >= FULL_LUNG_CM2)
    if len(full) < 2:
        return ""
    votes = []
    for beyond, below in ((slice(None, full[0]), True), (slice(full[-1] + 1, None), False)):
        edge = (areas[beyond] >= EDGE_LUNG_CM2[0]) & (areas[beyond] <= EDGE_LUNG_CM2[1])
        if not edge.any():
            continue
        if float(np.average(spreads[beyond][edge], weights=areas[beyond][edge])) >= BASE_WIDE:
            votes.append(below)
    if not votes or len(set(votes)) > 1:
        return ""
    return "right way" if votes[0] else "wrong way"


def lungs_of(sample: Sample) -> Lungs:
    """Return what of each slice is lung."""
    lung = opened_by_cross(sample.body & (sample.hu >= LUNG_HU[0]) & (sample.hu <= LUNG_HU[1]))
    counts = lung.sum(axis=(1, 2))
    spreads = np.zeros(len(lung))
    for n in np.flatnonzero(counts):
        spreads[n] = float(np.abs(halves(sample.body[n])) @ lung[n].sum(axis=0)) / counts[n]
    return Lungs(counts * sample.pixel_mm**2 / 100.0, spreads)


def liver_side(sample: Sample, lungs: Lungs) -> str:
    """Return "right" or "left" where the thickest soft tissue lies deep on one side of the middle; empty if unclear.

    The heart, which is as thick, lies near the middle between the lungs: slices that show much lung are left out.
    """
    keep = np.flatnonzero(
        (lungs.areas_cm2 < FULL_LUNG_CM2) & np.array([sample.is_whole(n) for n in range(len(sample.hu))])
    )
    if len(keep) * sample.slice_mm < 30.0:
        return ""
    hu = ndimage.uniform_filter(sample.hu[keep].astype(np.float32), size=(1, 3, 3))
    soft = (hu >= LIVER_HU[0]) & (hu <= LIVER_HU[1]) & sample.body[keep]
    core = deep(soft, LIVER_DEEP_MM / sample.pixel_mm)
    core_ml = float(core.sum()) * sample.pixel_mm**2 * sample.slice_mm / 1000.0
    if core_ml < LIVER_CORE_ML or float(hu[core].std()) > LIVER_SPREAD_HU:
        return ""
    places = np.stack([np.broadcast_to(halves(one), one.shape) for one in sample.body[keep]])[core]
    left = float((places > 0).mean())
    return "left" if left >= LIVER_ONE_SIDE else "right" if left <= 1.0 - LIVER_ONE_SIDE else ""
