"""The shape of a lesion as JSON and back; the voxels of a region are a part of the file of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cvt_planner.anatomy.lesion_shape import Ellipsoid, LesionShape, Region
from cvt_planner.base.arrays import MaskArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.geometry.frames import Grid
from cvt_planner.storage import nrrd_part
from cvt_planner.storage.record import Record

Parts = dict[str, bytes]
GetPart = Callable[[str], bytes]


def shape_as_json(shape: LesionShape, part: str, parts: Parts) -> dict[str, Any]:
    """Return a shape as JSON values; a region's voxels are put into `parts` under the name `part`."""
    if isinstance(shape, Ellipsoid):
        return {
            "type": "ellipsoid",
            "centre_lps_mm": list(shape.centre_lps_mm),
            "semi_axes_mm": list(shape.semi_axes_mm),
        }
    parts[part] = nrrd_part.encode(shape.ramp, shape.grid)
    return {"type": "region", "ramp": part, "digest": shape.digest, "volume_ml": shape.volume_ml}


def shape_from_json(r: Record, get_part: GetPart) -> LesionShape:
    """Return a shape; raise `InputRefused` where it is not the one that was saved."""
    kind = r.text("type")
    if kind == "ellipsoid":
        return Ellipsoid(r.point("centre_lps_mm"), r.point("semi_axes_mm"))
    if kind != "region":
        raise InputRefused(f"'type' of {r.where} is neither ellipsoid nor region")
    if r.has("mask"):  # formats 1 and 2: whole voxels, 0 and 1
        voxels, grid = nrrd_part.decode(get_part(r.text("mask")), "uint8")
        mask = voxels.astype(np.bool_)
        region, digest = Region.of_mask(mask, grid, r.number("volume_ml")), _digest_of_mask(mask, grid)
    else:
        ramp, grid = nrrd_part.decode(get_part(r.text("ramp")), "uint8")
        region = Region(ramp, grid, r.number("volume_ml"))
        digest = region.digest
    if digest != r.text("digest"):
        raise InputRefused(f"the voxels of {r.where} are not those that were saved")
    return region


def _digest_of_mask(mask: MaskArray, grid: Grid) -> str:
    sha = hashlib.sha256(np.packbits(mask).tobytes())
    sha.update(np.round(grid.lps_from_index, 6).tobytes() + repr(mask.shape).encode())
    return sha.hexdigest()
