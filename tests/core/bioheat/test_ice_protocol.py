"""What phases, limits, perfusion and walls do, on small and coarse scenes."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat import run
from cvt_planner.bioheat.isotherms import distances_to_isotherm_mm, isotherm_points, sample_c, volume_ml
from cvt_planner.bioheat.scene import INSULATED, HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.stepping import Hurry
from cvt_planner.bioheat.tissue import SOFT_TISSUE

PROBE = ProbeBody((0.0, 0.0, -7.5), (0.0, 0.0, 1.0), 15.0, 1.47, -140.0, 0.0)
BOX = HeatBox((50.0, 50.0, 50.0), 2.0)


def scene(*phases: Phase, probe: ProbeBody = PROBE, **other: object) -> Scene:
    return Scene(BOX, SOFT_TISSUE, (probe,), phases, **other)  # type: ignore[arg-type]  # a test's short hand


def ice_ml(result: HeatResult, shot: int = -1) -> float:
    return volume_ml(result.snapshots[shot].temperature_c, result.grid, -1.0)


def test_a_passive_thaw_draws_no_heat_and_a_warm_one_gives_it() -> None:
    freeze, passive = Phase("freeze", 200.0), Phase("thaw", 200.0)
    frozen = simulate(scene(freeze))
    left = simulate(scene(freeze, passive))
    warmed = simulate(scene(freeze, Phase("thaw", 200.0, 40.0)))
    assert left.probe_heat_j[0] == pytest.approx(frozen.probe_heat_j[0], rel=1e-6)
    assert left.probe_power_w[-1, 0] == 0.0
    assert warmed.probe_heat_j[0] < 0.95 * frozen.probe_heat_j[0]
    assert ice_ml(warmed) < ice_ml(left) < ice_ml(frozen)
    assert max(r.energy_imbalance for r in (frozen, left, warmed)) < 1e-3


def test_a_freeze_ramps_from_the_probes_own_temperature() -> None:
    slow = replace(PROBE, cooldown_s=100.0)
    early = simulate(scene(Phase("freeze", 50.0), probe=slow))
    held_warm = simulate(scene(Phase("thaw", 50.0, 37.0), Phase("freeze", 50.0), probe=slow))
    held_cold = simulate(scene(Phase("thaw", 50.0, -100.0), Phase("freeze", 50.0), probe=slow))
    assert ice_ml(early) == pytest.approx(ice_ml(held_warm), rel=0.01)  # half way: -51.5 °C, as from 37 °C
    assert ice_ml(held_cold) > 1.5 * ice_ml(early)
    assert -51.5 < early.snapshots[-1].temperature_c.min() < -1.0
    # After a freeze without a ramp the second one begins as cold as the first one ended, ramp or not.
    on = simulate(scene(Phase("freeze", 100.0), Phase("freeze", 100.0), probe=PROBE))
    once = simulate(scene(Phase("freeze", 200.0), probe=PROBE))
    assert ice_ml(on) == pytest.approx(ice_ml(once), rel=0.01)


def test_a_power_limit_holds_and_matters() -> None:
    free = simulate(scene(Phase("freeze", 300.0)))
    limited = simulate(scene(Phase("freeze", 300.0), probe=replace(PROBE, power_limit_w=6.0)))
    generous = simulate(scene(Phase("freeze", 300.0), probe=replace(PROBE, power_limit_w=500.0)))
    assert limited.probe_heat_j[0] == pytest.approx(6.0 * 300.0, rel=1e-4)
    assert ice_ml(limited) < 0.8 * ice_ml(free)
    assert ice_ml(generous) == pytest.approx(ice_ml(free), rel=1e-3)


def test_perfusion_shrinks_the_ice_and_stops_where_it_froze() -> None:
    freeze = Phase("freeze", 400.0)
    still = simulate(scene(freeze))
    fed = simulate(scene(freeze, perfusion_w_m3k=11_700.0))
    assert ice_ml(fed) < 0.9 * ice_ml(still)
    assert fed.blood_heat_j > 0.0 == still.blood_heat_j
    assert fed.energy_imbalance < 1e-3
    # Thawed again, tissue that has been frozen is warmed by no blood: it stays colder than tissue that has not.
    phases = (freeze, Phase("thaw", 60.0, 45.0), Phase("thaw", 900.0))
    dead = simulate(scene(*phases, perfusion_w_m3k=60_000.0))
    centre = np.array([[0.0, 4.0, 0.0]])
    shot = dead.snapshots[-1].temperature_c
    frozen = dead.coldest_c < SOFT_TISSUE.t_liquidus_c
    assert shot[~frozen].min() > sample_c(shot, dead.grid, centre)[0]


def test_insulated_walls_keep_all_heat() -> None:
    result = simulate(Scene(HeatBox((20.0, 20.0, 24.0), 2.0), SOFT_TISSUE, (PROBE,), (Phase("freeze", 600.0),),
                            walls=(INSULATED,) * 6))  # fmt: skip
    assert result.wall_heat_j == 0.0
    assert result.energy_imbalance < 1e-3
    held = simulate(Scene(HeatBox((20.0, 20.0, 24.0), 2.0), SOFT_TISSUE, (PROBE,), (Phase("freeze", 600.0),)))
    assert held.wall_heat_j > 1000.0
    assert held.energy_imbalance < 1e-3
    assert ice_ml(held) < ice_ml(result)


def test_snapshots_come_at_their_times_and_cannot_be_written() -> None:
    result = simulate(scene(Phase("freeze", 60.0), Phase("thaw", 30.0), report_at_s=(90.0, 0.0, 60.0, 13.7, 60.0)))
    assert [s.time_s for s in result.snapshots] == [0.0, 13.7, 60.0, 90.0]
    assert np.all(result.snapshots[0].temperature_c == 37.0)
    assert result.snapshots[1].temperature_c.shape == result.grid.shape_kji == (25, 25, 25)
    assert result.snapshots[1].temperature_c.dtype == np.float32
    for array in (result.coldest_c, result.snapshots[0].temperature_c):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 0.0


def test_the_grid_places_the_ice_at_the_probe() -> None:
    box = HeatBox((40.0, 44.0, 48.0), 2.0, (100.0, -50.0, 900.0))
    probe = replace(PROBE, tip_lps_mm=(106.0, -54.0, 890.0))
    result = simulate(Scene(box, SOFT_TISSUE, (probe,), (Phase("freeze", 100.0),)))
    coldest = np.unravel_index(np.argmin(result.coldest_c), result.grid.shape_kji)
    place = result.grid.lps_of(np.array(coldest, dtype=float))
    assert np.abs(place - (106.0, -54.0, 897.5)) == pytest.approx(np.zeros(3), abs=7.6)
    assert np.abs(place[:2] - (106.0, -54.0)).max() <= 1.0 + 1e-6
    assert result.cells == 20 * 22 * 24


def test_a_start_below_freezing_and_a_grid_that_does_not_divide_the_box() -> None:
    cold = Scene(HeatBox((33.0, 31.0, 35.0), 2.0), SOFT_TISSUE, (PROBE,), (Phase("freeze", 100.0),), initial_c=-10.0)
    result = simulate(cold)
    assert result.snapshots[-1].temperature_c.max() <= -10.0 + 1e-3
    assert result.energy_imbalance < 1e-3
    assert result.grid.spacing_kji_mm * np.array(result.grid.shape_kji) == pytest.approx((35.0, 31.0, 33.0))


def test_progress_rises_and_a_stop_is_obeyed_at_once() -> None:
    told: list[float] = []
    simulate(scene(Phase("freeze", 120.0), Phase("thaw", 60.0)), Progress(lambda f, _: told.append(f)))
    assert len(told) > 20 and told == sorted(told) and told[-1] == pytest.approx(1.0)

    long_run = Scene(HeatBox((80.0, 80.0, 80.0), 1.0), SOFT_TISSUE, (PROBE,), (Phase("freeze", 36_000.0),))
    started = threading.Event()
    progress = Progress(lambda f, _: started.set())
    ended: list[BaseException | None] = []

    def work() -> None:
        try:
            simulate(long_run, progress)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(20.0)
    asked = time.perf_counter()
    progress.stop()
    thread.join(10.0)
    assert not thread.is_alive() and len(ended) == 1
    assert time.perf_counter() - asked < 2.0


def test_two_runs_at_once_do_not_disturb_each_other() -> None:
    one = scene(Phase("freeze", 60.0))
    alone = simulate(one).snapshots[-1].temperature_c
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.append(simulate(one).snapshots[-1].temperature_c)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3 and all(np.array_equal(alone, f) for f in found)


@pytest.mark.parametrize(
    "protocol",
    [
        (Phase("freeze", 600.0), Phase("thaw", 300.0), Phase("freeze", 600.0)),
        (Phase("freeze", 900.0), Phase("thaw", 480.0, 40.0), Phase("freeze", 240.0)),
        (Phase("freeze", 600.0),),
        (Phase("freeze", 60.0), Phase("thaw", 900.0), Phase("freeze", 60.0)),
    ],
)
@pytest.mark.parametrize("late_s", [0.0, 45.0])
def test_long_steps_long_before_anybody_looks_are_forgotten_then(
    protocol: tuple[Phase, ...], late_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = (PROBE, replace(PROBE, tip_lps_mm=(13.0, 2.0, -6.0), start_delay_s=late_s, power_limit_w=9.0))
    box = HeatBox((80.0, 70.0, 75.0), 2.5)
    asked = Scene(box, SOFT_TISSUE, probes, protocol)
    usual, hurried = simulate(asked), simulate(asked, only_end=True)
    monkeypatch.setattr(run, "HURRY", Hurry(1.0, 1.0, 1.0))
    patient = simulate(asked)
    field, level = patient.smooth(patient.snapshots[-1].temperature_c, -1.0)
    points = isotherm_points(field, patient.grid, level)
    for other, most_stages, most_steps in ((usual, 0.9, 0.8), (hurried, 0.75, 0.6)):
        known, _ = other.smooth(other.snapshots[-1].temperature_c, -1.0)
        off = np.abs(distances_to_isotherm_mm(known, other.grid, points, level))
        assert off.mean() < 0.03 and off.max() < box.spacing_xyz_mm[0] / 20.0, (off.mean(), off.max())
        assert other.energy_imbalance < 1e-4
        assert other.stages <= patient.stages
        if asked.duration_s > 1000.0:
            assert other.stages < most_stages * patient.stages and other.steps < most_steps * patient.steps


def test_every_report_is_looked_at() -> None:
    freeze = Phase("freeze", 600.0)
    often = simulate(scene(freeze, report_at_s=tuple(np.arange(30.0, 601.0, 30.0))))
    last = simulate(scene(freeze))
    assert often.steps > 1.2 * last.steps
    assert np.abs(often.snapshots[-1].temperature_c - last.snapshots[-1].temperature_c).max() < 0.5


def test_steps_stay_short_where_blood_may_stop() -> None:
    asked = scene(Phase("freeze", 300.0), Phase("thaw", 60.0), Phase("freeze", 60.0), perfusion_w_m3k=20_000.0)
    usual, hurried = simulate(asked), simulate(asked, only_end=True)
    assert np.array_equal(usual.snapshots[-1].temperature_c, hurried.snapshots[-1].temperature_c)
