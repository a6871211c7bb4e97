"""Computed isotherms of single probes: near the reference table, kept in memory, the same at another spacing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.scene import Phase
from cvt_planner.devices.cryoprobe import CRYOPROBES, cryoprobe
from cvt_planner.planning.probe_isotherms import (
    COMPUTED_WORDS,
    DEFAULT_BENCHES,
    SOFT_TISSUE_37,
    Bench,
    isotherm_sizes,
)


# Independent axisymmetric code, grid 0.37 mm, soft tissue at 37 degC, 10 min: widths x lengths and ice beyond the start
# of the active zone, of -1, -20 and -40 degC.
@pytest.mark.parametrize(
    ("active_mm", "plateau_c", "table"),
    [
        (15.0, -140.0, ((25.9, 31.5, 8.5), (16.2, 23.0, 4.3), (10.3, 19.0, 2.3))),
        (30.0, -120.0, ((27.3, 45.2, 7.8), (17.1, 37.0, 3.7), (10.2, 33.3, 1.9))),
    ],
)
def test_a_single_probe_has_the_size_of_the_reference_table(
    active_mm: float, plateau_c: float, table: tuple[tuple[float, float, float], ...]
) -> None:
    probe = replace(cryoprobe("17g-15"), active_length_mm=active_mm, tip_temperature_c=plateau_c)
    wanted = tuple((600.0, iso_c) for iso_c in (-1.0, -20.0, -40.0))
    for size, (width, length, beyond) in zip(isotherm_sizes(probe, SOFT_TISSUE_37, wanted), table, strict=True):
        assert size.width_mm == pytest.approx(width, abs=0.7)
        assert size.length_mm == pytest.approx(length, abs=0.7)
        assert size.beyond_tip_mm == pytest.approx(beyond - probe.dead_tip_mm, abs=0.7)


def test_sizes_are_kept_and_do_not_depend_on_the_name() -> None:
    probe = replace(cryoprobe("17g-10"), tip_temperature_c=-111.0)
    bench = Bench("x", SOFT_TISSUE_37.material, 37.0, (Phase("freeze", 60.0),))
    first = isotherm_sizes(probe, bench, spacing_mm=2.0)
    stopped = Progress()
    assert isotherm_sizes(replace(probe, name="another"), bench, spacing_mm=2.0, progress=stopped) is first
    assert isotherm_sizes(replace(probe, active_length_mm=12.0), bench, spacing_mm=2.0) is not first
    stopped.stop()
    with pytest.raises(Cancelled):
        isotherm_sizes(replace(probe, tip_temperature_c=-112.0), bench, spacing_mm=2.0, progress=stopped)


def test_what_never_becomes_so_cold_has_no_size() -> None:
    bench = Bench("x", SOFT_TISSUE_37.material, 37.0, (Phase("freeze", 20.0),))
    (size,) = isotherm_sizes(cryoprobe("17g-10"), bench, ((20.0, -145.0),), 2.0)
    assert (size.width_mm, size.length_mm, size.beyond_tip_mm) == (0.0, 0.0, None)


@pytest.mark.parametrize("probe", CRYOPROBES, ids=lambda p: p.key)
def test_every_probe_freezes_in_every_default_medium(probe: object) -> None:
    for bench in DEFAULT_BENCHES:
        sizes = isotherm_sizes(probe, bench, spacing_mm=2.0)  # type: ignore[arg-type]
        widths = [size.width_mm for size in sizes]
        assert widths == sorted(widths, reverse=True)
        assert 5.0 < widths[-1] < widths[0] < 60.0
        assert all(size.length_mm > size.width_mm for size in sizes)
    assert "not manufacturer data" in COMPUTED_WORDS
