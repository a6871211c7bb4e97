"""Pedicles measured again where the operator has painted near them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvt_planner.anatomy.spine.canal_profile import CanalProfile
from cvt_planner.anatomy.spine.corrections import PAINTED
from cvt_planner.anatomy.spine.lattice import Lattice
from cvt_planner.anatomy.spine.model import Part, Pedicle, Spine, Vertebra
from cvt_planner.anatomy.spine.pedicles import compared, measure_pedicles
from cvt_planner.anatomy.spine.pipeline import BEYOND_MM
from cvt_planner.anatomy.spine.straighten import frame_along, symmetry_turn, turned
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume

_LEAST_CANAL = 12  # points of its middle line, about 1 mm apart; fewer give no direction


def stale_numbers(spine: Spine) -> tuple[int, ...]:
    """Return the numbers of vertebrae of which a pedicle was painted near after it was measured."""
    return tuple(v.number for v in spine.found if any(_is_stale(p) for p in v.pedicles))


def measured_again(volume: Volume, spine: Spine, progress: Progress | None = None) -> Spine:
    """Return the spine with its stale pedicles measured in the corrected labels; the very same where none is stale.

    Raises
    ------
    Cancelled
        If `progress` was stopped.

    Notes
    -----
    The other pedicles keep their figures. One that is not seen any more in the corrected vertebra stays stale.
    """
    numbers = stale_numbers(spine)
    if not numbers or len(spine.canal_lps_mm) < _LEAST_CANAL:
        return spine
    frame = frame_along(spine.canal_lps_mm, BEYOND_MM, smooth_mm=3.0)
    frame = turned(frame, symmetry_turn(frame, volume))
    lattice = Lattice.of(frame, spine.grid)
    profile = CanalProfile.of(frame, lattice, spine.parts)
    wanted = np.where(np.isin(spine.vertebrae, numbers), spine.vertebrae, np.uint8(0))
    bodies = np.where(spine.parts == Part.BODY, wanted, np.uint8(0))
    made = measure_pedicles(volume, spine.grid, frame, lattice, profile, wanted, bodies, progress)
    fresh = (*made, *((),) * (len(spine.found) - len(made)))
    return replace(spine, found=tuple(_renewed(v, fresh[v.number - 1]) for v in spine.found))


def _renewed(vertebra: Vertebra, made: tuple[Pedicle, ...]) -> Vertebra:
    fresh = {p.side: p for p in made}
    both = tuple(fresh.get(p.side, p) if _is_stale(p) else p for p in vertebra.pedicles)
    return replace(vertebra, pedicles=compared(both))


def _is_stale(pedicle: Pedicle) -> bool:
    return not pedicle.judged and pedicle.doubt == PAINTED
