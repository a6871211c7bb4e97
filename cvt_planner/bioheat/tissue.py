"""What is frozen: the thermal numbers of one tissue, with their sources."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from cvt_planner.base.errors import InputRefused

LatentLaw = Literal["uniform", "colligative"]
FrozenLaw = Literal["constant", "rabin"]


@dataclass(frozen=True)
class Material:
    """The thermal properties of one tissue, frozen, freezing and unfrozen.

    Between solidus and liquidus the conductivity and the sensible heat are the means of both sides.

    Parameters
    ----------
    k_frozen, k_unfrozen
        Conductivity, W/mK.
    rho
        Density, kg/m3, the same frozen and unfrozen.
    c_frozen, c_unfrozen
        Heat capacity, J/kgK.
    latent_j_kg
        Heat released between liquidus and solidus, J/kg of tissue.
    t_solidus_c, t_liquidus_c
        Freezing range, degC; perfusion stops for good below the liquidus.
    latent_law
        "uniform": the latent heat is spread evenly over the range. "colligative": ice forms as in an ideal solution
        that begins to freeze at the liquidus, fraction 1 - T_liquidus / T, scaled to be complete at the solidus.
    frozen_law
        "constant": as given. "rabin": below the solidus k = 2135 T^-1.235 and c = 7.16 T + 138 (pure ice, T in kelvin;
        Rabin, Cryo-Letters 21:163, 2000), both in proportion to k_frozen / 2.0 and c_frozen / 1800, so that soft
        tissue has the values of ice.

    Raises
    ------
    InputRefused
        When a number is not finite, not positive, or the freezing range is empty.
    """

    k_frozen: float
    k_unfrozen: float
    rho: float
    c_frozen: float
    c_unfrozen: float
    latent_j_kg: float
    t_solidus_c: float = -8.0
    t_liquidus_c: float = -1.0
    latent_law: LatentLaw = "uniform"
    frozen_law: FrozenLaw = "constant"

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, str):
                continue
            if not math.isfinite(value):
                raise InputRefused(f"The material's {item.name} is not a finite number; give a number.")
            if not item.name.startswith("t_") and value <= 0 and not (item.name == "latent_j_kg" and value == 0):
                raise InputRefused(f"The material's {item.name} is {value:g}; it must be above zero.")
        self._check_range()
        if self.latent_law not in get_args(LatentLaw):
            raise InputRefused(f"The latent law {self.latent_law!r} is unknown; give one of {get_args(LatentLaw)}.")
        if self.frozen_law not in get_args(FrozenLaw):
            raise InputRefused(f"The frozen law {self.frozen_law!r} is unknown; give one of {get_args(FrozenLaw)}.")

    def _check_range(self) -> None:
        if not -60.0 <= self.t_solidus_c < self.t_liquidus_c <= 60.0:
            raise InputRefused(
                f"The freezing range {self.t_solidus_c:g} to {self.t_liquidus_c:g} °C is not usable; the solidus must "
                "lie below the liquidus, both between -60 and 60 °C."
            )
        if self.t_liquidus_c - self.t_solidus_c < 1e-3:
            raise InputRefused("The freezing range is narrower than 0.001 K; widen it.")
        if self.latent_law == "colligative" and self.t_liquidus_c >= 0.0:
            raise InputRefused("The colligative law needs a liquidus below 0 °C.")


SOFT_TISSUE = Material(
    # The set used throughout the cryosurgery literature: Rabin & Shitzer, J Biomech Eng 120:32 (1998);
    # repeated in Micromachines 16:1321 (2025). Latent heat 250 MJ/m3.
    k_frozen=2.0,
    k_unfrozen=0.5,
    rho=1000.0,
    c_frozen=1800.0,
    c_unfrozen=3600.0,
    latent_j_kg=250_000.0,
)

MARROW_BONE = Material(
    # Cancellous bone filled with marrow, bone fraction about 0.1, mixed from its phases: unfrozen k near the measured
    # 0.29-0.31 W/mK (IT'IS database V4.1, doi 10.13099/VIP21000-04-1). No measurement of frozen human vertebral bone is
    # known; 0.63 is the geometric mean of the phases, the least that they allow (assumed). Latent heat 125 MJ/m3.
    k_frozen=0.63,
    k_unfrozen=0.33,
    rho=1140.0,
    c_frozen=1500.0,
    c_unfrozen=2450.0,
    latent_j_kg=125e6 / 1140.0,
)
