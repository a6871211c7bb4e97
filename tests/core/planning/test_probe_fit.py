"""Fitting a card: the known parameters come back, an impossible card says so, a stop stops."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.scene import Phase
from cvt_planner.devices.cryoprobe import CryoprobeModel, ProbeOrigin, cryoprobe
from cvt_planner.planning.probe_card import (
    CardBench,
    CardIsotherm,
    CardOrigin,
    CardProbe,
    MediumKind,
    ProbeCard,
)
from cvt_planner.planning.probe_fit import REPRODUCED_MM, bench_of, fit_card
from cvt_planner.planning.probe_isotherms import isotherm_sizes

SHORT_S = 120.0  # for what is not about the figures of a fit: a fifth of the time


def made_card(
    true: CryoprobeModel,
    typed_active_mm: float,
    *,
    medium: MediumKind = MediumKind.SOFT_TISSUE,
    start_c: float = 37.0,
    seconds: float = 600.0,
    at_s: tuple[float, ...] = (),
    beyond: bool = False,
    duty_percent: float = 100.0,
) -> ProbeCard:
    """Return the card of a known probe, made on a grid of 0.8 mm and printed to 0.1 mm."""
    empty = ProbeCard(
        CardProbe("Known", "17 G", true.outer_diameter_mm, typed_active_mm),
        CardBench(medium, start_c, duty_percent),
        (Phase("freeze", seconds),),
        (CardIsotherm(0.0, 30.0, 40.0, seconds),),
        CardOrigin("made by a test", "2026-01-31", "test"),
    )
    wanted = tuple((t, iso_c) for t in (at_s or (seconds,)) for iso_c in (0.0, -20.0, -40.0))
    bench = bench_of(empty)
    rows = tuple(
        CardIsotherm(
            size.temperature_c, round(size.width_mm, 1), round(size.length_mm, 1), size.time_s,
            round(size.beyond_tip_mm, 1) if beyond and size.beyond_tip_mm is not None else None,
        )
        for size in isotherm_sizes(true, bench, wanted, 0.8)
    )  # fmt: skip
    return replace(empty, isotherms=rows)


def test_plateau_alone() -> None:
    fit = fit_card(made_card(replace(cryoprobe("17g-20"), tip_temperature_c=-118.0), 20.0))
    assert fit.fitted == ("tip_temperature_c",)
    assert fit.probe.tip_temperature_c == pytest.approx(-118.0, abs=3.0)
    assert fit.probe.active_length_mm == 20.0
    assert fit.reproduced and fit.rms_mm < 0.3 and fit.worst_mm < 0.5
    assert fit.probe.origin is ProbeOrigin.HOSPITAL_CARD
    assert "made by a test" in fit.probe.source and "2026-01-31" in fit.probe.source
    assert fit.notes[0].startswith("The card is reproduced")


def test_active_length_and_dead_tip_where_the_card_shows_them() -> None:
    true = replace(cryoprobe("17g-30"), tip_temperature_c=-128.0, active_length_mm=24.0, dead_tip_mm=4.5)
    fit = fit_card(made_card(true, 30.0, beyond=True))
    assert fit.fitted == ("tip_temperature_c", "active_length_mm", "dead_tip_mm")
    assert fit.probe.tip_temperature_c == pytest.approx(-128.0, abs=3.0)
    assert fit.probe.active_length_mm == pytest.approx(24.0, abs=0.4)
    assert fit.probe.dead_tip_mm == pytest.approx(4.5, abs=0.3)
    assert fit.reproduced and fit.worst_mm < 0.3
    assert "dead_tip_mm" not in fit.probe.assumed
    assert len([figure for misfit in fit.misfits for figure in misfit.figures]) == 9


def test_gel_of_room_temperature() -> None:
    true = replace(cryoprobe("17g-15"), tip_temperature_c=-125.0)
    fit = fit_card(made_card(true, 15.0, medium=MediumKind.GEL, start_c=22.0))
    assert fit.probe.tip_temperature_c == pytest.approx(-125.0, abs=5.0)
    assert fit.reproduced and fit.worst_mm < 0.7


@pytest.mark.slow
def test_a_power_limit_only_where_times_show_it() -> None:
    limited = replace(cryoprobe("17g-15"), tip_temperature_c=-150.0, power_limit_w=8.0)
    fit = fit_card(made_card(limited, 15.0, seconds=240.0, at_s=(80.0, 240.0)))
    assert fit.probe.power_limit_w == pytest.approx(8.0, abs=0.6)
    assert fit.reproduced and fit.worst_mm < 0.6
    assert any("does not show how cold" in note for note in fit.notes)
    cold = replace(cryoprobe("17g-15"), tip_temperature_c=-120.0)
    free = fit_card(made_card(cold, 15.0, seconds=240.0, at_s=(80.0, 240.0)))
    assert free.probe.power_limit_w is None
    assert any("no power limit" in note for note in free.notes)


def test_a_card_that_no_probe_can_make_says_so() -> None:
    card = made_card(cryoprobe("17g-15"), 15.0, seconds=SHORT_S)
    rows = (
        CardIsotherm(0.0, 30.0, 40.0, SHORT_S),
        CardIsotherm(-20.0, 28.0, 38.0, SHORT_S),
        CardIsotherm(-40.0, 26.0, 36.0, SHORT_S),
    )
    fit = fit_card(replace(card, isotherms=rows))
    assert not fit.reproduced and fit.worst_mm > REPRODUCED_MM
    assert "cannot be reproduced" in fit.notes[0] and fit.worst in fit.notes[0]
    assert any("limit of what is tried" in note for note in fit.notes)
    assert "misfit" in fit.probe.name and "NOT reproduced" in fit.probe.source


def test_a_duty_below_one_is_part_of_the_fit() -> None:
    true = replace(cryoprobe("17g-10"), tip_temperature_c=-130.0)
    fit = fit_card(made_card(true, 10.0, duty_percent=60.0))
    assert fit.probe.tip_temperature_c == pytest.approx(-130.0, abs=4.0)
    assert fit.reproduced


def test_progress_rises_and_a_stop_stops() -> None:
    card = made_card(replace(cryoprobe("17g-20"), tip_temperature_c=-117.0), 20.0, seconds=SHORT_S)
    heard: list[float] = []
    progress = Progress(lambda fraction, _message: heard.append(fraction))

    def stop_after_some(fraction: float, message: str) -> None:
        heard.append(fraction)
        assert "solver" in message
        if len(heard) > 40:
            progress.stop()

    progress.listener = stop_after_some
    with pytest.raises(Cancelled):
        fit_card(card, progress)
    assert heard == sorted(heard)
    progress = Progress(lambda fraction, _message: heard.append(fraction))
    heard.clear()
    fit_card(card, progress)
    assert heard == sorted(heard) and heard[-1] == 1.0


def test_two_cards_of_one_name_have_two_keys() -> None:
    card = made_card(cryoprobe("17g-15"), 15.0, seconds=SHORT_S)
    other = replace(card, origin=replace(card.origin, date="2026-02-01"))
    fits = [fit_card(one) for one in (card, other)]
    assert fits[0].probe.key != fits[1].probe.key
    assert all(fit.probe.key.startswith("card-known-") for fit in fits)
