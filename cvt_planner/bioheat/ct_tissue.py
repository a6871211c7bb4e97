"""The thermal properties of the tissues of a CT, voxel by voxel, from its Hounsfield units and what is marked in it.

Nobody knows them exactly; so there are two sets, each at the end of what is credible that its reader must fear:
`Extreme.LEAST` gives the least ice (blood flows, the canal's fluid keeps its warmth, frozen tissue conducts as its
phases one after the other), `Extreme.MOST` the most (no blood, still fluid, phases side by side).

Not modelled: large vessels (with contrast medium they look like bone), lung, the disc's own numbers, metabolic heat,
conductivity that rises with cold. HU cannot tell marrow from tumour: the lesion's outline does.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from cvt_planner.anatomy.bone_share import bone_share
from cvt_planner.base.arrays import Float32Array, FloatArray, MaskArray
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material
from cvt_planner.bioheat.tissue_map import TissueMap

BODY_C = 37.0
AIR_HU, FAT_HU, SOFT_HU = -1000.0, -110.0, 20.0  # outside bone; between them mixtures; assumed
IMPLANT_HU = 2200.0  # above the densest bone (cortex reaches 1900): cement or metal; assumed
_LOWEST_HU, _HIGHEST_HU = -1024, 3071

# Shares of bone matrix between which the numbers of marrow-filled bone go over into those of cortex, and within a
# lesion those of tumour into those of bone: lytic lesions hold 0 to 0.05 of bone, blastic ones 0.3 and more (mixed from
# phases, assumed).
_MARROW_SHARE, _CORTEX_SHARE = 0.1, 0.9
_LYTIC_SHARE, _BLASTIC_SHARE = 0.05, 0.3

# A row: k frozen, k unfrozen (W/mK); heat capacity frozen, unfrozen, and latent heat per volume (J/m3K, J/m3K, J/m3);
# perfusion (W/m3K).
_Row = tuple[float, float, float, float, float, float]
_CONDUCTIVITIES = 2


class Extreme(Enum):
    """Which end of what is credible."""

    LEAST = "least"
    MOST = "most"


def _row(m: Material, k_frozen: float, blood: float) -> _Row:
    return (k_frozen, m.k_unfrozen, m.rho * m.c_frozen, m.rho * m.c_unfrozen, m.rho * m.latent_j_kg, blood)


# Unfrozen numbers and perfusion (mL/min/kg, brought to W/m3K with blood of 3.8 MJ/m3K): IT'IS database V4.1, doi
# 10.13099/VIP21000-04-1, but vertebral marrow 17.6 mL/min/100 g: Kahn, Blood 83:958 (1994), and tumour 20 kW/m3K, the
# low end of 20 to 60 (assumed). Frozen numbers are mixed from phases: geometric and arithmetic mean (assumed).
_ROWS: dict[Extreme, dict[str, _Row]] = {
    Extreme.LEAST: {
        "fat": (0.20, 0.21, 1.7e6, 2.14e6, 60e6, 1_900.0),
        "soft": _row(SOFT_TISSUE, 1.4, 2_600.0),
        "tumour": _row(SOFT_TISSUE, 1.4, 20_000.0),
        "marrow": _row(MARROW_BONE, MARROW_BONE.k_frozen, 11_700.0),
        "cortex": (0.61, 0.49, 2.1e6, 2.49e6, 46e6, 1_200.0),
        # Cement (PMMA): it shields.
        "implant": (0.19, 0.19, 1.71e6, 1.71e6, 0.0, 0.0),
    },
    Extreme.MOST: {
        "fat": (0.30, 0.21, 1.7e6, 2.14e6, 30e6, 0.0),
        "soft": _row(SOFT_TISSUE, SOFT_TISSUE.k_frozen, 0.0),
        "tumour": _row(SOFT_TISSUE, SOFT_TISSUE.k_frozen, 0.0),
        "marrow": _row(MARROW_BONE, 1.25, 0.0),
        "cortex": (0.80, 0.49, 2.1e6, 2.49e6, 46e6, 0.0),
        # Steel: it conducts.
        "implant": (15.0, 15.0, 3.95e6, 3.95e6, 0.0, 0.0),
    },
}
# Cerebrospinal fluid: IT'IS; frozen as ice at -30 degC (Rabin, Cryo-Letters 21:163, 2000).
_FLUID: _Row = (2.4, 0.57, 1.9e6, 4.12e6, 334e6, 0.0)
# Air conducts 0.026 W/mK. Its heat capacity is taken eighty times too large, so that time steps need not shorten: over
# a freeze it still stores less than a millimetre of tissue does.
_AIR: _Row = (0.026, 0.026, 1e5, 1e5, 0.0, 0.0)


def tissue_of_ct(hu: Float32Array, bone: MaskArray, lesion: MaskArray, canal: MaskArray, extreme: Extreme) -> TissueMap:
    """Return the tissues of the voxels of a box.

    Parameters
    ----------
    hu
        [k, j, i] Hounsfield units; NaN beyond the CT, where soft tissue is taken.
    bone
        Bone with the marrow in it.
    lesion
        Marked lesions: tumour, or bone where it is dense.
    canal
        The spinal canal as marked; filled with fluid, at body temperature for ever where the least ice is asked for.
    extreme
        Which end of what is credible.
    """
    kinds = np.where(lesion, 2, np.where(bone, 1, 0))
    whole = np.nan_to_num(np.rint(np.clip(hu, _LOWEST_HU, _HIGHEST_HU)), nan=SOFT_HU).astype(np.int64)
    rows = _tables(extreme)[kinds, whole - _LOWEST_HU]
    rows[canal & (whole < IMPLANT_HU)] = _FLUID
    held = np.full(hu.shape, np.nan, np.float32)
    if extreme is Extreme.LEAST:
        held[canal] = BODY_C
    k_f, k_u, heat_f, heat_u, latent, blood = np.moveaxis(rows, -1, 0)
    return TissueMap(MARROW_BONE, k_f, k_u, heat_f, heat_u, latent, blood, np.zeros_like(blood), held)


def _tables(extreme: Extreme) -> Float32Array:
    """Return (3, HU, 6) the rows outside bone, in bone and in lesions."""
    known = {name: np.array(row) for name, row in _ROWS[extreme].items()}
    hu = np.arange(_LOWEST_HU, _HIGHEST_HU + 1, dtype=np.float64)
    share = bone_share(hu)
    airy = _between(np.array(_AIR), known["fat"], (hu - AIR_HU) / (FAT_HU - AIR_HU))
    fatty = _between(known["fat"], known["soft"], (hu - FAT_HU) / (SOFT_HU - FAT_HU))
    outside = np.where((hu < FAT_HU)[:, None], airy, fatty)
    bone = _between(known["marrow"], known["cortex"], (share - _MARROW_SHARE) / (_CORTEX_SHARE - _MARROW_SHARE))
    dense = (share - _LYTIC_SHARE) / (_BLASTIC_SHARE - _LYTIC_SHARE)
    tables = np.stack([outside, bone, _between(known["tumour"], bone, dense)])
    tables[:, hu >= IMPLANT_HU] = known["implant"]
    return tables.astype(np.float32)


def _between(one: FloatArray, other: FloatArray, share: FloatArray) -> FloatArray:
    """Return (n, 6) rows mixed by share of the other, 0 to 1: conductivities as powers, the rest by volume."""
    part = np.clip(share, 0.0, 1.0)[:, None]
    mixed = (1.0 - part) * one + part * other
    k = slice(0, _CONDUCTIVITIES)
    mixed[:, k] = one[..., k] ** (1.0 - part) * other[..., k] ** part
    return mixed
