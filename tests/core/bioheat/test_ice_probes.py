"""What a probe's dead tip, duty, delay, limits and bone needle do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.base.errors import InputRefused
from cvt_planner.bioheat.isotherms import extent_mm, isotherm_points, volume_ml
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene, Sleeve
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import SOFT_TISSUE

BOX = HeatBox((60.0, 60.0, 70.0), 2.0)
PROBE = ProbeBody((0.0, 0.0, -10.0), (0.0, 0.0, 1.0), 15.0, 1.47, -140.0, 30.0)
FREEZE = (Phase("freeze", 400.0),)


def run(*probes: ProbeBody, protocol: tuple[Phase, ...] = FREEZE, box: HeatBox = BOX) -> HeatResult:
    result = simulate(Scene(box, SOFT_TISSUE, probes, protocol))
    assert result.energy_imbalance < 1e-3
    return result


def ends_mm(result: HeatResult, iso_c: float = -1.0) -> tuple[float, float]:
    """Return the lowest and the highest z of the ice."""
    field, level = result.smooth(result.snapshots[-1].temperature_c, iso_c)
    z = isotherm_points(field, result.grid, level)[:, 2]
    return float(z.min()), float(z.max())


def size(result: HeatResult, iso_c: float = -1.0) -> tuple[float, ...]:
    field, level = result.smooth(result.snapshots[-1].temperature_c, iso_c)
    return (*extent_mm(field, result.grid, level), volume_ml(field, result.grid, level))


def test_a_dead_tip_moves_the_ice_up_the_shaft() -> None:
    plain, dead = run(PROBE), run(replace(PROBE, dead_tip_mm=4.0))
    assert np.array(ends_mm(dead)) - ends_mm(plain) == pytest.approx([4.0, 4.0], abs=1e-2)


def test_a_late_probe_makes_the_ice_of_a_shorter_freeze() -> None:
    late = run(replace(PROBE, start_delay_s=150.0))
    short = run(PROBE, protocol=(Phase("freeze", 250.0),))
    assert size(late) == pytest.approx(size(short), rel=2e-3)
    never = run(replace(PROBE, start_delay_s=1000.0), replace(PROBE, tip_lps_mm=(12.0, 0.0, -10.0)))
    alone = run(replace(PROBE, tip_lps_mm=(12.0, 0.0, -10.0)))
    assert size(never) == pytest.approx(size(alone), rel=5e-3)
    assert never.probe_heat_j[0] == 0.0


def test_less_duty_makes_less_ice_and_draws_less_heat() -> None:
    sizes = [run(replace(PROBE, duty=duty)) for duty in (0.2, 0.5, 0.8, 1.0)]
    volumes = [size(r)[3] for r in sizes]
    heats = [r.probe_heat_j[0] for r in sizes]
    assert volumes == sorted(volumes) and heats == sorted(heats)
    assert volumes[0] < 0.5 * volumes[-1]


def test_a_power_curve_is_followed() -> None:
    curve = ((0.0, 0.0), (100.0, 4.0), (400.0, 4.0))
    result = run(replace(PROBE, power_curve_w=curve, temperature_c=-200.0, cooldown_s=0.0))
    assert result.probe_heat_j[0] == pytest.approx(200.0 + 1200.0, rel=2e-3)
    assert result.probe_power_w[-1, 0] == pytest.approx(4.0, rel=1e-6)


def test_a_needle_far_behind_the_zone_hardly_matters_and_one_over_it_widens_the_ice() -> None:
    plain = run(PROBE)
    needle = Sleeve(23.0, 2.413, 1.803)
    behind = run(replace(PROBE, sleeve=needle))
    assert size(behind)[:2] == pytest.approx(size(plain)[:2], abs=0.3)
    assert ends_mm(behind)[0] == pytest.approx(ends_mm(plain)[0], abs=0.05)
    fine = HeatBox(BOX.size_mm, 1.0)
    near = run(replace(PROBE, sleeve=replace(needle, tip_mm=16.0)), box=fine)
    assert ends_mm(near, -20.0)[0] == pytest.approx(ends_mm(run(PROBE, box=fine), -20.0)[0], abs=0.1)
    over = run(replace(PROBE, sleeve=replace(needle, tip_mm=5.0)))
    assert size(over)[0] > size(plain)[0] + 0.3


def test_a_needle_shortens_the_way_of_heat_along_the_shaft() -> None:
    """With metal of a wood's conductivity there is no such way."""
    probe = replace(PROBE, sleeve=Sleeve(17.0, 2.413, 1.803))
    steel = run(probe)
    poor = run(replace(probe, sleeve=Sleeve(17.0, 2.413, 1.803, conductivity_w_mk=0.1)))
    none = run(PROBE)
    assert ends_mm(steel, -20.0)[1] < ends_mm(none, -20.0)[1] - 0.15
    assert ends_mm(poor, -20.0)[1] == pytest.approx(ends_mm(none, -20.0)[1], abs=0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dead_tip_mm": -1.0}, "dead tip"),
        ({"duty": 0.0}, "duty"),
        ({"duty": 1.5}, "duty"),
        ({"start_delay_s": -5.0}, "start delay"),
        ({"power_curve_w": ((0.0, 1.0), (0.0, 2.0))}, "must rise"),
        ({"power_curve_w": ((0.0, -1.0),)}, "below zero"),
        ({"power_curve_w": ((0.0, float("nan")),)}, "finite"),
        ({"sleeve": Sleeve(20.0, 1.6, 1.3)}, "bore"),
    ],
)
def test_what_a_probe_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputRefused, match=words):
        replace(PROBE, **change)


def test_what_a_needle_cannot_be_is_refused() -> None:
    with pytest.raises(InputRefused, match="inner diameter"):
        Sleeve(20.0, 2.0, 2.0)
    with pytest.raises(InputRefused, match="tip"):
        Sleeve(-1.0, 2.4, 1.8)


def test_the_mean_of_a_duty_cycle_is_the_same_on_any_grid() -> None:
    """The part of its strength depends on where the grid reads the tissue; the ice must not."""
    probe = replace(PROBE, duty=0.4)
    sizes = []
    for spacing_mm in (1.0, 2.0, 2.5):
        scene = Scene(HeatBox((60.0, 60.0, 70.0), spacing_mm), SOFT_TISSUE, (probe,), FREEZE)
        sizes.append(size(simulate(scene)))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.025)
    assert sizes[2] == pytest.approx(sizes[0], rel=0.05)
