"""What is too dense for bone in and beside the spine: metal and cement, said in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.units import ml_from_mm3

if TYPE_CHECKING:
    from cvt_planner.anatomy.spine.pipeline import Labelled

METAL_HU, CEMENT_HU = 2500, 1400  # cortical bone stays below 2000 HU, a body's spongy bone far below 1000; assumed
_LEAST_METAL_ML, _LEAST_CEMENT_ML = 0.1, 0.5


def dense_notices(frame: CurvedFrame, labelled: Labelled) -> tuple[str, ...]:
    """Return the sentences about metal beside the spine and about cement or the like within the bodies."""
    hu = labelled.hu
    # Only rows that hold any: hardly a voxel is so dense, and a mask of all takes longer to make than to search.
    rows = np.argwhere(hu.max(axis=2) > CEMENT_HU)
    which, columns = np.nonzero(hu[tuple(rows.T)] > CEMENT_HU)
    index = np.column_stack([rows[which], columns])
    place = tuple(index.T)
    voxel_ml = ml_from_mm3(labelled.grid.voxel_volume_mm3)
    metal = index[hu[place] > METAL_HU]
    svu = frame.svu_of(labelled.grid.lps_of(metal.astype(np.float64)))
    near = np.all((svu >= labelled.ends_mm[:, 0]) & (svu <= labelled.ends_mm[:, 1]), axis=1)
    metal_ml = voxel_ml * float(np.count_nonzero(near))
    cement_ml = voxel_ml * float(np.count_nonzero(labelled.parts[place] == Part.BODY))
    out = []
    if metal_ml >= _LEAST_METAL_ML:
        out.append(
            f"Metal at the spine ({metal_ml:.1f} mL over {METAL_HU} HU): boundaries and measures near it may be off."
        )
    if cement_ml >= _LEAST_CEMENT_ML:
        out.append(
            f"Very dense material within vertebral bodies ({cement_ml:.1f} mL over {CEMENT_HU} HU): cement, an "
            "implant, or dense metastases. Endplates and sizes there may be off."
        )
    return tuple(out)
