"""Figures of other codes that the sizes are held against, as they were handed down; widths and lengths in mm.

Single probe: explicit enthalpy in r and z, grid 0.3675 mm, 1.47 mm probe, insulated shaft, 30 s ramp, 600 s, no
perfusion, unlimited medium, c 1800/3600 J/kgK, 250 kJ/kg over -8 to -1 °C, k unfrozen 0.5 W/mK; width and length of
-1, -20, -40 °C. Pairs: explicit enthalpy, grid 0.469 mm, probe of 0.738 mm radius, 30 s ramp; along the pair, thickness
at the mid-point, largest thickness, length, volume in mL. Both were computed by independent codes for the project's
physics data sheet (sections 1.4, 1.5 and 5.3); they are computations, not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cvt_planner.bioheat.tissue import MARROW_BONE, SOFT_TISSUE, Material

ISOTHERMS_C = (-1.0, -20.0, -40.0)
Sizes = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class OneProbe:
    """A row of the single-probe tables."""

    start_c: float
    probe_c: float
    active_mm: float
    sizes: Sizes
    power_w: float | None

    @property
    def setting(self) -> str:
        """Return the parameters in words."""
        return f"{self.probe_c:g} °C, {self.active_mm:g} mm active, start {self.start_c:g} °C"


CONSTANT_K = (
    OneProbe(37.0, -120.0, 10.0, ((21.8, 24.5), (12.6, 16.4), (7.7, 12.9)), 7.6),
    OneProbe(37.0, -120.0, 15.0, ((24.1, 30.0), (14.4, 21.8), (8.7, 18.1)), 10.3),
    OneProbe(37.0, -120.0, 30.0, ((27.3, 45.2), (17.1, 37.0), (10.2, 33.3)), 17.9),
    OneProbe(37.0, -140.0, 10.0, ((23.3, 26.0), (14.1, 17.6), (8.9, 13.7)), 8.8),
    OneProbe(37.0, -140.0, 15.0, ((25.9, 31.5), (16.2, 23.0), (10.3, 19.0)), 11.9),
    OneProbe(37.0, -140.0, 30.0, ((29.2, 46.8), (19.2, 38.3), (12.2, 34.2)), 20.6),
    OneProbe(22.0, -120.0, 10.0, ((25.4, 28.0), (13.6, 17.2), (8.1, 13.1)), 7.4),
    OneProbe(22.0, -120.0, 15.0, ((27.8, 33.5), (15.6, 22.7), (9.2, 18.4)), 10.0),
    OneProbe(22.0, -120.0, 30.0, ((31.0, 48.7), (18.5, 37.9), (10.9, 33.5)), 17.4),
    OneProbe(22.0, -140.0, 10.0, ((26.9, 29.5), (15.2, 18.5), (9.4, 14.0)), 8.6),
    OneProbe(22.0, -140.0, 15.0, ((29.5, 35.0), (17.4, 24.0), (10.8, 19.3)), 11.6),
    OneProbe(22.0, -140.0, 30.0, ((32.9, 50.3), (20.8, 39.3), (13.0, 34.5)), 20.0),
)
RISING_K = (
    OneProbe(37.0, -120.0, 10.0, ((24.4, 27.0), (15.0, 18.3), (9.3, 13.9)), 9.7),
    OneProbe(37.0, -120.0, 15.0, ((27.0, 32.5), (17.2, 23.8), (10.7, 19.3)), 13.1),
    OneProbe(37.0, -120.0, 30.0, ((30.6, 47.8), (20.6, 39.1), (12.9, 34.5)), 22.7),
    OneProbe(37.0, -140.0, 10.0, ((26.5, 29.0), (17.0, 20.1), (11.1, 15.2)), 11.7),
    OneProbe(37.0, -140.0, 15.0, ((29.3, 34.6), (19.6, 25.7), (12.9, 20.6)), 15.8),
    OneProbe(37.0, -140.0, 30.0, ((33.4, 50.0), (23.5, 41.1), (15.7, 35.9)), 27.2),
    OneProbe(22.0, -140.0, 10.0, ((30.2, 32.6), (18.3, 21.2), (11.6, 15.6)), None),
    OneProbe(22.0, -140.0, 15.0, ((33.1, 38.2), (21.1, 26.9), (13.6, 21.1)), None),
    OneProbe(22.0, -140.0, 30.0, ((37.2, 53.6), (25.3, 42.3), (16.7, 36.4)), None),
)


@dataclass(frozen=True)
class Medium:
    """A row of the table of media: 15 mm active, -140 °C, 37 °C."""

    words: str
    material: Material
    perfusion_w_m3k: float
    sizes: Sizes
    power_w: float
    seconds: float = 600.0

    @property
    def setting(self) -> str:
        """Return the parameters in words."""
        return f"{self.words}, perfusion {self.perfusion_w_m3k:g} W/m³K, {self.seconds:g} s"


_K90, _K125 = (replace(MARROW_BONE, k_frozen=k) for k in (0.90, 1.25))
# Osteoblastic: the table gives k frozen and latent heat alone; see size_cases.BLASTIC_NOTE.
BLASTIC = Material(0.85, 0.38, 1400.0, 1300.0, 2000.0, 95e6 / 1400.0)
MEDIA = (
    Medium("soft tissue", SOFT_TISSUE, 0.0, ((25.9, 31.5), (16.2, 23.0), (10.3, 19.0)), 11.9),
    Medium("soft tissue", SOFT_TISSUE, 11_700.0, ((23.7, 29.6), (15.3, 22.4), (9.9, 18.8)), 12.1),
    Medium("marrow-filled, k 0.63 frozen", MARROW_BONE, 0.0, ((18.3, 25.1), (12.4, 20.5), (8.4, 18.0)), 4.1),
    Medium("marrow-filled, k 0.63 frozen", MARROW_BONE, 11_700.0, ((15.6, 23.1), (11.1, 19.7), (7.8, 17.7)), 4.1),
    Medium("marrow-filled, k 0.90 frozen", _K90, 0.0, ((21.7, 27.9), (14.2, 21.7), (9.3, 18.5)), 5.6),
    Medium("marrow-filled, k 0.90 frozen", _K90, 11_700.0, ((18.9, 25.6), (13.0, 20.9), (8.7, 18.2)), 5.6),
    Medium("marrow-filled, k 1.25 frozen", _K125, 0.0, ((25.3, 30.9), (15.9, 22.9), (10.1, 18.9)), 7.5),
    Medium("marrow-filled, k 1.25 frozen", _K125, 11_700.0, ((22.4, 28.4), (14.7, 22.0), (9.6, 18.6)), 7.5),
    Medium("osteoblastic, k 0.85 frozen, 95 MJ/m³", BLASTIC, 2_200.0,
           ((20.3, 26.6), (13.5, 21.2), (9.0, 18.3)), 5.4),
    Medium("soft tissue", SOFT_TISSUE, 0.0, ((20.7, 27.7), (13.8, 21.6), (9.2, 18.4)), 12.5, 300.0),
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A row of the two-probe table: 15 mm active, -140 °C, soft tissue at 37 °C."""

    spacing_mm: float
    seconds: float
    iso_c: float
    along_mm: float
    mid_mm: float
    thick_mm: float
    length_mm: float
    volume_ml: float
    mid_c: float


PAIRS = (
    Pair(10.3125, 300.0, -1.0, 31.77, 24.65, 24.64, 30.43, 13.49, -74.0),
    Pair(10.3125, 300.0, -20.0, 24.77, 17.46, 17.46, 23.33, 5.98, -74.0),
    Pair(10.3125, 300.0, -40.0, 20.02, 11.54, 11.59, 19.16, 2.79, -74.0),
    Pair(10.3125, 600.0, -1.0, 37.5, 31.79, 31.78, 36.54, 23.56, -79.0),
    Pair(10.3125, 600.0, -20.0, 27.62, 21.44, 21.44, 26.43, 8.82, -79.0),
    Pair(10.3125, 600.0, -40.0, 21.47, 13.9, 13.89, 20.36, 3.7, -79.0),
    Pair(20.625, 300.0, -1.0, 41.7, 14.43, 21.16, 27.74, 14.12, -18.2),
    Pair(20.625, 300.0, -20.0, 34.56, 0.0, 14.07, 21.44, 4.85, -18.2),
    Pair(20.625, 300.0, -40.0, 29.88, 0.0, 9.36, 18.23, 1.82, -18.2),
    Pair(20.625, 600.0, -1.0, 46.92, 25.85, 27.28, 32.4, 25.47, -32.2),
    Pair(20.625, 600.0, -20.0, 37.04, 13.52, 17.25, 23.44, 8.71, -32.2),
    Pair(20.625, 600.0, -40.0, 31.11, 0.0, 10.94, 19.03, 2.64, -32.2),
)
