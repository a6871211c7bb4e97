"""A probe's cooling model fitted to the card that a hospital typed in, with what is left between the two.

Least squares over few numbers: the plateau temperature; the effective active length (and the dead tip, where the card
says how far the ice reaches beyond the tip) if the lengths ask for it; a power limit if several times show one. Most
runs are on a coarse grid; its difference to the fine grid is added to them, and what is shown comes from the fine grid.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from cvt_planner.base.arrays import FloatArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.devices.cryoprobe import CryoprobeModel, ProbeOrigin
from cvt_planner.planning.probe_card import CardIsotherm, ProbeCard
from cvt_planner.planning.probe_isotherms import (
    DUTY_IS_MODELLED,
    Bench,
    IsothermSize,
    Wanted,
    isotherm_sizes,
    peak_power_w,
)

COARSE_MM, COARSEST_MM, FINE_MM = 1.5, 2.0, 1.0
_LONG_S = 900.0  # a longer protocol is searched on the coarsest grid
_SETTLED_MM = 0.15  # the fine grid is asked again while its difference to the coarse one changes by more
REPRODUCED_MM = 2.0  # a card whose worst difference is larger is not reproduced; assumed
_FIRST_C = -140.0  # where the search begins: a usual argon probe
_LENGTH_ASKS_MM = 0.5  # a length missed by more, with the plateau alone, frees the active length
_POWER_PAYS = 0.8  # a power limit must bring the RMS down to this part, and
_POWER_PAYS_MM = 0.1  # by this much
_MOST_RUNS = 120
_TYPICAL_RUNS = 12  # for the progress


@dataclass(frozen=True)
class _Free:
    """A number that is fitted: its limits and the step by which its influence is tried."""

    name: str
    low: float
    high: float
    step: float


_PLATEAU = _Free("tip_temperature_c", -196.0, -30.0, 4.0)  # no colder than boiling nitrogen
_ACTIVE = _Free("active_length_mm", 2.0, 80.0, 1.0)
_DEAD_TIP = _Free("dead_tip_mm", 0.0, 15.0, 1.0)
_POWER = _Free("power_limit_w", 1.0, 200.0, 0.5)


@dataclass(frozen=True)
class Misfit:
    """One isotherm of the card and the same as computed, mm. `difference` is computed less card."""

    card: CardIsotherm
    computed: IsothermSize

    @property
    def figures(self) -> tuple[tuple[str, float, float], ...]:
        """Return (what, on the card, computed) for width, length and, where the card says it, beyond the tip."""
        card, computed = self.card, self.computed
        rows = [("width", card.width_mm, computed.width_mm), ("length", card.length_mm, computed.length_mm)]
        if card.beyond_tip_mm is not None:
            reach = computed.beyond_tip_mm
            rows.append(("beyond tip", card.beyond_tip_mm, -card.length_mm if reach is None else reach))
        return tuple(rows)


@dataclass(frozen=True)
class ProbeFit:
    """A fitted probe and how well it reproduces its card.

    Parameters
    ----------
    probe
        The record for the catalogue.
    misfits
        One per isotherm of the card, in its order, on the fine grid.
    fitted
        Names of the fields that were fitted.
    rms_mm, worst_mm
        Over all widths, lengths and reaches beyond the tip.
    worst
        What is worst, in words.
    notes
        Sentences for the user; the first one says whether the card is reproduced.
    runs
        How often the solver ran.
    """

    card: ProbeCard
    probe: CryoprobeModel
    misfits: tuple[Misfit, ...]
    fitted: tuple[str, ...]
    rms_mm: float
    worst_mm: float
    worst: str
    notes: tuple[str, ...]
    runs: int

    @property
    def reproduced(self) -> bool:
        """Return whether no difference is larger than `REPRODUCED_MM`."""
        return self.worst_mm <= REPRODUCED_MM


def bench_of(card: ProbeCard) -> Bench:
    """Return what the card's maker froze in, for the solver."""
    name = f"{card.bench.medium.value}, {card.bench.start_c:g} °C"
    return Bench(name, card.material, card.bench.start_c, card.protocol, card.bench.duty_percent / 100.0)


def fit_card(card: ProbeCard, progress: Progress | None = None) -> ProbeFit:
    """Return the probe that comes nearest to a card.

    Raises
    ------
    InputRefused
        When the probe cannot be simulated.
    Cancelled
        When `progress` was asked to stop; nothing is kept.

    Notes
    -----
    What the card's medium is taken to be (its conductivity above all) goes into the plateau temperature.
    """
    search = _Search(card, progress or Progress())
    probe = search.first(_started(card))
    free: tuple[_Free, ...] = (_PLATEAU,)
    if search.lengths_ask(probe):
        reach_given = any(row.beyond_tip_mm is not None for row in card.isotherms)
        free = (*free, _ACTIVE, _DEAD_TIP) if reach_given else (*free, _ACTIVE)
    probe = search.best(probe, free)
    if len({row.at_s for row in card.isotherms}) > 1:
        limited = search.best(search.with_limit(probe), (*free, _POWER))
        before, after = search.rms_mm(probe), search.rms_mm(limited)
        if after <= _POWER_PAYS * before and before - after >= _POWER_PAYS_MM:
            probe, free = limited, (*free, _POWER)
    return search.answer(probe, tuple(one.name for one in free))


def _started(card: ProbeCard) -> CryoprobeModel:
    typed = card.probe
    return CryoprobeModel(
        key=card_key(card),
        name=f"{typed.name}, {typed.gauge}" if typed.gauge not in typed.name else typed.name,
        gauge=typed.gauge,
        outer_diameter_mm=typed.outer_diameter_mm,
        dead_tip_mm=typed.dead_tip_mm,
        active_length_mm=typed.active_length_mm,
        shaft_length_mm=typed.shaft_length_mm,
        tip_temperature_c=_FIRST_C,
        cooldown_s=typed.cooldown_s,
        source="hospital card",
        assumed=typed.assumed,
        origin=ProbeOrigin.HOSPITAL_CARD,
    )


def card_key(card: ProbeCard) -> str:
    """Return the key of the card's probe: its name, and digits that tell two cards of one name from each other."""
    slug = re.sub(r"[^a-z0-9]+", "-", card.probe.name.lower()).strip("-")[:40] or "probe"
    return f"card-{slug}-{hashlib.sha256(repr(card).encode()).hexdigest()[:8]}"


class _Search:
    """The runs of one fit."""

    def __init__(self, card: ProbeCard, progress: Progress) -> None:
        self.card = card
        self.bench = bench_of(card)
        self.wanted: Wanted = tuple((row.at_s, row.temperature_c) for row in card.isotherms)
        self.runs = 0
        self._progress = progress
        self._bias: FloatArray | None = None  # fine less coarse, and what was free when it was taken
        self._free: tuple[_Free, ...] = ()
        self.coarse_mm = COARSE_MM if self.bench.end_s <= _LONG_S else COARSEST_MM

    def first(self, probe: CryoprobeModel) -> CryoprobeModel:
        """Return the probe with its plateau fitted on the coarse grid alone."""
        return self._fitted(probe, (_PLATEAU,))

    def best(self, probe: CryoprobeModel, free: tuple[_Free, ...]) -> CryoprobeModel:
        """Return the probe with its free numbers fitted on the coarse grid, which the fine one corrects twice."""
        for _ in range(2):
            bias = self._values(probe, FINE_MM) - self._values(probe, self.coarse_mm)
            if self._bias is not None and np.abs(bias - self._bias).max() <= _SETTLED_MM and self._free == free:
                break
            self._bias, self._free = bias, free
            probe = self._fitted(probe, free)
        return probe

    def lengths_ask(self, probe: CryoprobeModel) -> bool:
        """Return whether a length, or a reach beyond the tip, is missed by more than the plateau can mend."""
        return any(
            abs(computed - card) > _LENGTH_ASKS_MM
            for misfit in self.misfits(probe)
            for what, card, computed in misfit.figures
            if what != "width"
        )

    def with_limit(self, probe: CryoprobeModel) -> CryoprobeModel:
        """Return the probe, colder, with a power limit of what it draws: a start for the search."""
        self._progress.check()
        times = tuple(sorted({time_s for time_s, _ in self.wanted}))
        peak = peak_power_w(probe, self.bench, times, self.coarse_mm)
        colder = max(probe.tip_temperature_c - 15.0, _PLATEAU.low)
        return replace(probe, power_limit_w=min(max(peak, 2.0), _POWER.high / 2), tip_temperature_c=colder)

    def misfits(self, probe: CryoprobeModel) -> tuple[Misfit, ...]:
        """Return card and computed, on the fine grid."""
        sizes = self._sizes(probe, FINE_MM)
        return tuple(Misfit(row, size) for row, size in zip(self.card.isotherms, sizes, strict=True))

    def rms_mm(self, probe: CryoprobeModel) -> float:
        """Return the root of the mean squared difference on the fine grid, mm."""
        return float(np.sqrt(np.mean(_differences(self.misfits(probe)) ** 2)))

    def answer(self, probe: CryoprobeModel, fitted: tuple[str, ...]) -> ProbeFit:
        """Return the fit, with its sentences."""
        misfits = self.misfits(probe)
        off = np.abs(_differences(misfits))
        names = [f"the {what} of {m.card.name}" for m in misfits for what, _, _ in m.figures]
        worst = int(off.argmax())
        rms, worst_mm = float(np.sqrt(np.mean(off**2))), float(off[worst])
        notes = _notes(self.card, probe, fitted, (rms, worst_mm, names[worst]))
        record = _rounded(self.card, probe, fitted, rms, worst_mm)
        self._progress.report(1.0, "Fitted")
        return ProbeFit(self.card, record, misfits, fitted, rms, worst_mm, names[worst], notes, self.runs)

    def _fitted(self, probe: CryoprobeModel, free: tuple[_Free, ...]) -> CryoprobeModel:
        steps = np.array([one.step for one in free])
        low, high = (np.array([getattr(one, end) for one in free]) / steps for end in ("low", "high"))

        def made(x: FloatArray) -> CryoprobeModel:
            values: dict[str, Any] = {one.name: float(v) for one, v in zip(free, x * steps, strict=True)}
            return replace(probe, **values)

        def residual(x: FloatArray) -> FloatArray:
            values = self._values(made(x), self.coarse_mm)
            return values if self._bias is None else values + self._bias

        start = np.array([float(getattr(probe, one.name)) for one in free]) / steps
        start = np.clip(start, low + 1e-3, high - 1e-3)
        found = least_squares(
            residual, start, jac=_slopes(residual, high), bounds=(low, high), xtol=2e-2, ftol=1e-3, max_nfev=8
        )
        return made(np.clip(found.x, low, high))

    def _values(self, probe: CryoprobeModel, spacing_mm: float) -> FloatArray:
        """Return computed less card for every figure, mm."""
        sizes = self._sizes(probe, spacing_mm)
        return _differences(tuple(Misfit(r, s) for r, s in zip(self.card.isotherms, sizes, strict=True)))

    def _sizes(self, probe: CryoprobeModel, spacing_mm: float) -> tuple[IsothermSize, ...]:
        done, then = (1.0 - math.exp(-runs / _TYPICAL_RUNS) for runs in (self.runs, self.runs + 1))
        sizes = isotherm_sizes(probe, self.bench, self.wanted, spacing_mm, self._told(done, then))
        self.runs += 1
        if self.runs > _MOST_RUNS:
            raise InputRefused("The card's probe cannot be fitted: the search does not come to an end.")
        return sizes

    def _told(self, start: float, end: float) -> Progress:
        part = self._progress.part(start, end)
        forward, text = part.listener, f"Run {self.runs + 1} of the solver"
        part.listener = None if forward is None else lambda fraction, _message: forward(fraction, text)
        part.report(0.0)
        return part


def _differences(misfits: tuple[Misfit, ...]) -> FloatArray:
    return np.array([computed - card for m in misfits for _, card, computed in m.figures])


def _slopes(residual: Callable[[FloatArray], FloatArray], high: FloatArray) -> Callable[[FloatArray], FloatArray]:
    """Return the Jacobian by one whole step per number: the grid makes smaller ones meaningless."""

    def jacobian(x: FloatArray) -> FloatArray:
        base = residual(x)
        columns = []
        for n in range(len(x)):
            step = 1.0 if x[n] + 1.0 <= high[n] else -1.0
            columns.append((residual(x + step * np.eye(len(x))[n]) - base) / step)
        return np.stack(columns, axis=1)

    return jacobian


def _rounded(
    card: ProbeCard, probe: CryoprobeModel, fitted: tuple[str, ...], rms_mm: float, worst_mm: float
) -> CryoprobeModel:
    """Return the record for the catalogue: digits that mean something, and where they come from."""
    values: dict[str, Any] = {name: round(float(getattr(probe, name)), 1) for name in fitted}
    how = "reproduced" if worst_mm <= REPRODUCED_MM else "NOT reproduced"
    origin = card.origin
    source = (
        f"Hospital card: {origin.source}, {origin.date}, typed by {origin.typed_by}. Cooling fitted to it in "
        f"{bench_of(card).name}; card {how}: RMS {rms_mm:.1f} mm, worst {worst_mm:.1f} mm."
    )
    name = probe.name if worst_mm <= REPRODUCED_MM else f"{probe.name}, misfit {worst_mm:.1f} mm"
    assumed = tuple(field for field in probe.assumed if field not in fitted)
    return replace(probe, name=name, source=source, assumed=assumed, **values)


def _notes(
    card: ProbeCard, probe: CryoprobeModel, fitted: tuple[str, ...], quality: tuple[float, float, str]
) -> tuple[str, ...]:
    rms, worst, where = quality
    measured = f"worst difference {worst:.1f} mm ({where}), RMS {rms:.1f} mm"
    if worst <= REPRODUCED_MM:
        notes = [f"The card is reproduced: {measured}."]
    else:
        notes = [
            f"The card cannot be reproduced: {measured}, more than {REPRODUCED_MM:g} mm. Check its numbers, medium, "
            "start temperature, time and active length. Ice computed with this probe is not what the card says."
        ]
    notes.append(f"Plateau fitted: {probe.tip_temperature_c:.0f} °C.")
    if not _PLATEAU.low + 1.0 < probe.tip_temperature_c < _PLATEAU.high - 1.0:
        notes[-1] += " This is the limit of what is tried; no probe is so far from usual ones."
    if "active_length_mm" in fitted:
        typed = card.probe.active_length_mm
        notes.append(f"Effective active length fitted: {probe.active_length_mm:.1f} mm ({typed:g} mm typed).")
    if "dead_tip_mm" in fitted:
        notes.append(f"Dead tip fitted: {probe.dead_tip_mm:.1f} mm ({card.probe.dead_tip_mm:g} mm typed).")
    if probe.power_limit_w is not None:
        notes.append(f"Power limit fitted: {probe.power_limit_w:.1f} W.")
        notes[-1] += " While it holds the probe back, the card does not show how cold the plateau can be."
    elif len({row.at_s for row in card.isotherms}) > 1:
        notes.append("The card's times show no power limit.")
    if card.bench.duty_percent < 100.0 and not DUTY_IS_MODELLED:
        notes.append(
            f"The duty of {card.bench.duty_percent:g} % is not modelled: the probe was taken to cool all the time, so "
            "its plateau is a mean."
        )
    return tuple(notes)
