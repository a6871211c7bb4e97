"""How far the solver steps: Runge-Kutta-Legendre super steps of second order, small after every change, longer later.

Meyer, Balsara & Aslam, J Comput Phys 257:594 (2014): s stages are stable over (s^2 + s - 2) / 4 explicit steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cvt_planner.base.arrays import FloatArray

# On any grid: with steps of two minutes on 2.75 mm, the narrow part of the ice between two probes came out too thin.
LONGEST_S = 55.0


class Hurry(NamedTuple):
    """How much longer steps may be long before anybody looks: what they get wrong is forgotten, given time.

    Steps are longer by the part that the time left is of `of_s`, up to `most` times; the first step after a change up
    to `most_first` times.
    """

    of_s: float
    most: float
    most_first: float


# By trial with two probes, 10-5-10: isotherms move by less than 0.01 mm on 1 mm, where blood stops too, and on 2 mm by
# no more than they do anyway by steps of this length. Twice the hurry moves them by 0.1 mm on 2 mm.
HURRY = Hurry(200.0, 3.0, 2.0)
# Of a preview, on 2.85 mm: less than 0.03 mm; with 16 times and 75 s 0.06 mm, with 32 and 40 s 2 mm.
HURRY_OF_PREVIEW = Hurry(150.0, 8.0, 4.0)


@dataclass(frozen=True)
class Pace:
    """How long the steps may be.

    Parameters
    ----------
    explicit_s
        Longest stable explicit step.
    scale_mm
        Steps lengthen in proportion: the spacing of the grid, so that the error in time shrinks with that in space, or
        a part or a multiple of it (`run`).
    first_explicit
        First step after a change, in explicit steps.
    early_growth, early_s
        Up to this time after a change, steps lengthen by this part of it per mm of `scale_mm`; the front is then fast.
    growth
        Later they lengthen by this part of the time per mm of `scale_mm`.
    longest_s
        No step is longer than this per mm of `scale_mm`, nor than `LONGEST_S`.

    Notes
    -----
    By trial against a wall at -140 degC, the hardest case, with latent heat evenly over the freezing range: the
    -20 degC surface stays within 0.2 mm on 1 mm cells, and 0.06 mm on 0.5 mm.
    """

    explicit_s: float
    scale_mm: float = 1.0
    first_explicit: float = 4.0
    early_growth: float = 0.04
    early_s: float = 60.0
    growth: float = 0.08
    longest_s: float = 30.0

    def step_s(self, since_change_s: float, remaining_s: float, unseen_s: float = 0.0, haste: Hurry = HURRY) -> float:
        """Return the next step, s; what remains is cut evenly so that no tiny step is left.

        `unseen_s` is the time until somebody looks at the temperatures, where nobody does before.
        """
        hurry = min(max(unseen_s / haste.of_s, 1.0), haste.most)
        early = min(since_change_s, self.early_s)
        wanted = min(hurry, haste.most_first) * self.first_explicit * self.explicit_s
        wanted += hurry * self.scale_mm * (self.early_growth * early + self.growth * (since_change_s - early))
        longest = hurry * min(self.longest_s * self.scale_mm, LONGEST_S)
        wanted = max(min(wanted, longest), self.explicit_s)
        return remaining_s / math.ceil(remaining_s / wanted - 1e-9) if remaining_s < 4.0 * wanted else wanted

    def stages(self, step_s: float) -> int:
        """Return the smallest odd number of stages (at least three) that is stable over a step."""
        s = 3
        while (s * s + s - 2) / 4.0 * self.explicit_s < step_s:
            s += 2
        return s


@lru_cache(maxsize=256)
def unit_stages(s: int) -> FloatArray:
    """Return (s, 6) per stage: factors of the last state, the one before, the start, the first rate; and the time.

    The two rate factors and the time (at which the stage's rate is taken) are in parts of the step.
    """
    j = np.arange(s + 1, dtype=np.float64)
    b = np.full(s + 1, 1.0 / 3.0)
    b[2:] = (j[2:] ** 2 + j[2:] - 2.0) / (2.0 * j[2:] * (j[2:] + 1.0))
    w = 4.0 / (s * s + s - 2.0)
    table = np.zeros((s, 6))
    table[0, 2], table[0, 3] = 1.0, b[1] * w
    for n in range(2, s + 1):
        mu = (2.0 * n - 1.0) / n * b[n] / b[n - 1]
        nu = -(n - 1.0) / n * b[n] / b[n - 2]
        table[n - 1, :5] = mu, nu, 1.0 - mu - nu, mu * w, -(1.0 - b[n - 1]) * mu * w
    table[2:, 5] = (j[2:s] ** 2 + j[2:s] - 2.0) / (s * s + s - 2.0)
    table[1, 5] = b[1] * w
    table.flags.writeable = False
    return table
