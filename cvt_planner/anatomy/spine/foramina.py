"""The openings for the nerves, between the pedicles of neighbouring vertebrae."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.bone import BONE_HU
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.anatomy.spine.model import Foramen, Pedicle
from cvt_planner.base.arrays import vec3
from cvt_planner.geometry.sampling import sample_hu
from cvt_planner.imaging.volume import Volume

_STEP_MM = 0.5
_REACH_MM = 9.0  # to the front and back of the pedicles' axes; the opening is rarely deeper
_LOWEST_MM, _HIGHEST_MM = 3.0, 40.0  # heights that an opening can have


def find_foramina(
    volume: Volume, frame: CurvedFrame, pedicles: tuple[tuple[Pedicle, ...], ...]
) -> tuple[tuple[Foramen, ...], ...]:
    """Return, for each vertebra, the foramina below its pedicles; none where the next vertebra's pedicle is not known.

    The middle of what is not bone between the two pedicles, in the plane along the spine through their isthmuses.

    Notes
    -----
    The bony opening: disc, ligament and osteophytes below 160 HU are not seen as its wall.
    """
    below = (*pedicles[1:], ())
    return tuple(
        tuple(
            found
            for upper in here
            for lower in following
            if upper.side == lower.side and (found := _between(volume, frame, upper, lower)) is not None
        )
        for here, following in zip(pedicles, below, strict=True)
    )


def _between(volume: Volume, frame: CurvedFrame, upper: Pedicle, lower: Pedicle) -> Foramen | None:
    ends = frame.svu_of(np.array([upper.isthmus_lps_mm, lower.isthmus_lps_mm])).astype(np.float64)
    (top, v_up, u_up), (bottom, v_low, u_low) = ends
    top -= 0.5 * upper.height_mm
    bottom += 0.5 * lower.height_mm
    if not _LOWEST_MM < top - bottom < _HIGHEST_MM:
        return None
    s = np.arange(bottom, top, _STEP_MM)[:, None]
    share = (s - bottom) / (top - bottom)
    v = v_low + share * (v_up - v_low) + np.arange(-_REACH_MM, _REACH_MM + _STEP_MM, _STEP_MM)
    s, u = np.broadcast_arrays(s, u_low + share * (u_up - u_low))
    places = frame.lps_of(s, v, u)
    pieces, count = ndimage.label(sample_hu(volume, places) < BONE_HU)
    if not count:
        return None
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    open_ = pieces == int(sizes.argmax())
    return Foramen(upper.side, vec3(places[open_].mean(axis=0)))
