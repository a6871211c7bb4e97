"""Sizes of the ice of one and two probes, against figures computed with an independent code, and under rotation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cvt_planner.bioheat.isotherms import extent_mm, sample_c, volume_ml
from cvt_planner.bioheat.scene import HeatBox, Phase, ProbeBody, Scene
from cvt_planner.bioheat.solver import HeatResult, simulate
from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material

BOX = HeatBox((80.0, 80.0, 80.0), 1.0)
FREEZE = (Phase("freeze", 600.0),)
UP = (0.0, 0.0, 1.0)


def pair(spacing_mm: float) -> tuple[ProbeBody, ...]:
    return tuple(ProbeBody((x, 0.0, -7.5), UP, 15.0, 1.476, -140.0, 30.0) for x in (-spacing_mm / 2, spacing_mm / 2))


def figures(result: HeatResult, iso_c: float, shot: int = -1) -> tuple[float, float, float, float]:
    field, level = result.smooth(result.snapshots[shot].temperature_c, iso_c)
    return (*extent_mm(field, result.grid, level), volume_ml(field, result.grid, level))


@pytest.mark.parametrize(
    ("spacing_mm", "rows"),
    [
        (
            10.3125,
            {-1: (37.5, 31.78, 36.54, 23.56), -20: (27.62, 21.44, 26.43, 8.82), -40: (21.47, 13.89, 20.36, 3.70)},
        ),
        (20.625, {-1: (46.92, 27.28, 32.4, 25.47), -20: (37.04, 17.25, 23.44, 8.71), -40: (31.11, 10.94, 19.03, 2.64)}),
    ],
)
def test_two_probes(spacing_mm: float, rows: dict[float, tuple[float, ...]]) -> None:
    result = simulate(Scene(BOX, SOFT_TISSUE, pair(spacing_mm), FREEZE))
    for iso_c, (along, thick, length, volume) in rows.items():
        found = figures(result, iso_c)
        assert found[:3] == pytest.approx((along, thick, length), abs=0.5), iso_c
        assert found[3] == pytest.approx(volume, rel=0.03), iso_c


@pytest.mark.parametrize(
    ("material", "perfusion", "rows", "power_w"),
    [
        (SOFT_TISSUE, 0.0, {-1: (25.9, 31.5), -20: (16.2, 23.0), -40: (10.3, 19.0)}, 11.9),
        (SOFT_TISSUE, 11_700.0, {-1: (23.7, 29.6), -20: (15.3, 22.4), -40: (9.9, 18.8)}, 12.1),
        (MARROW_BONE, 0.0, {-1: (18.3, 25.1), -20: (12.4, 20.5), -40: (8.4, 18.0)}, 4.1),
        (MARROW_BONE, 11_700.0, {-1: (15.6, 23.1), -20: (11.1, 19.7), -40: (7.8, 17.7)}, 4.3),
    ],
)
def test_one_probe_in_two_tissues(
    material: Material, perfusion: float, rows: dict[float, tuple[float, float]], power_w: float
) -> None:
    probe = ProbeBody((0.0, 0.0, -7.5), UP, 15.0, 1.47, -140.0, 30.0)
    result = simulate(Scene(BOX, material, (probe,), FREEZE, perfusion_w_m3k=perfusion))
    for iso_c, (width, length) in rows.items():
        x, y, z, _ = figures(result, iso_c)
        assert (x, y) == pytest.approx((width, width), abs=0.5), iso_c
        assert z == pytest.approx(length, abs=0.5), iso_c
    assert result.probe_power_w[-1, 0] == pytest.approx(power_w, abs=0.15)


def test_the_whole_protocol_keeps_its_heat() -> None:
    protocol = (Phase("freeze", 600.0), Phase("thaw", 300.0), Phase("freeze", 600.0))
    result = simulate(Scene(BOX, SOFT_TISSUE, pair(10.3125), protocol, report_at_s=(600.0, 900.0, 1500.0)))
    print(f"10-5-10, two probes, 1 mm, 80 mm cube: {result.wall_s:.2f} s, imbalance {result.energy_imbalance:.1e}")
    assert result.energy_imbalance < 1e-3
    first, thawed, second = (figures(result, -1.0, shot)[3] for shot in range(3))
    assert thawed < first < second
    assert result.snapshots[1].temperature_c.min() > -20.0
    assert np.all(result.coldest_c <= np.min([s.temperature_c for s in result.snapshots], axis=0))


def lengths_mm(result: HeatResult, axis: np.ndarray, iso_c: float) -> np.ndarray:
    """Return the length of the ice on the probe's axis, and its width on a line across the middle of the probe."""
    field, level = result.smooth(result.snapshots[-1].temperature_c, iso_c)
    probe = result.scene.probes[0]
    middle = np.array(probe.tip_lps_mm) + 0.5 * probe.active_length_mm * axis
    across = np.cross(axis, (0.3, 0.9, 0.1))
    along = np.arange(-25.0, 25.0, 0.01)
    lines = (axis, across / np.linalg.norm(across))
    inside = [sample_c(field, result.grid, middle + along[:, None] * line) < level for line in lines]
    return np.array([0.01 * np.count_nonzero(line) for line in inside])


def test_direction_and_place_on_the_grid_do_not_matter() -> None:
    box = HeatBox((56.0, 56.0, 56.0), 1.0)
    found: dict[float, list[np.ndarray]] = {-1.0: [], -20.0: [], -40.0: []}
    for degrees, turn, shift in ((0, 0, 0.0), (17, 0, 0.31), (30, 20, 0.5), (45, 0, 0.13), (45, 45, 0.77)):
        a, b = math.radians(degrees), math.radians(turn)
        axis = np.array([math.sin(a) * math.cos(b), math.sin(a) * math.sin(b), math.cos(a)])
        tip = np.array([shift, -0.6 * shift, 0.4 * shift]) - 7.5 * axis
        probe = ProbeBody((tip[0], tip[1], tip[2]), (axis[0], axis[1], axis[2]), 15.0, 1.47, -140.0, 30.0)
        result = simulate(Scene(box, SOFT_TISSUE, (probe,), (Phase("freeze", 300.0),)))
        for iso_c, values in found.items():
            values.append(lengths_mm(result, axis, iso_c))
    for iso_c, values in found.items():
        spread = np.ptp(np.array(values), axis=0)
        assert np.all(spread < 0.2), (iso_c, np.array(values).round(2))
