"""Compiled: what conducts, and the temperature, as functions of the state e, row by row.

q is how far e lies below the liquidus; d the drop of temperature within the freezing range; w, the part of q below the
solidus times c_unfrozen / c_frozen (`fold`); t the drop of temperature below the solidus: w where the frozen heat
capacity is constant, else the root of QUADRATIC t^2 + LINEAR t = w. With F(t) the integral of the frozen conductivity
over temperature, relative to k_frozen (t itself where that is constant, else a polynomial),

    phi_u = max(e, liquidus) + d / 2,    phi_f = d / 2 + F,    psi = phi_u + k_frozen / k_unfrozen * phi_f.

k_unfrozen grad phi_u + k_frozen grad phi_f is the heat flow: the conductivity of freezing tissue is the mean of both.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvt_planner.base.compiled import kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Where each constant of a law stands.
LIQUIDUS_E, RANGE_K, WIDTH, FOLD, KAPPA, LIQUIDUS_C, SOLIDUS_C = 0, 1, 2, 3, 4, 5, 6
QUADRATIC, LINEAR = 7, 8
CURVE, TERMS = 9, 6  # F(t) = t (c0 + t (c1 + ...))
ICE, ZERO_C, RABIN = 15, 16, 17  # ICE = 1 / (1 - T_liquidus / T_solidus)
BRINK, FROZEN_SLOPE = 18, 19  # below BRINK, which changes, a cell may hold freezing tissue; d w / d F at the solidus
CONSTANTS = 20

# Rabin, Cryo-Letters 21:163 (2000): conductivity and heat capacity of ice; and what they replace in soft tissue.
KELVIN = 273.15
ICE_K0, ICE_K_POWER, ICE_K_REFERENCE = 2135.0, -1.235, 2.0
ICE_C1, ICE_C0, ICE_C_REFERENCE = 7.16, 138.0, 1800.0


@kernel
def psi_row(out: F32, e: F32, c: F32, colligative: bool) -> None:
    """Write psi of one row in one material."""
    liquidus, span, width, fold, kappa = c[LIQUIDUS_E], c[RANGE_K], c[WIDTH], c[FOLD], c[KAPPA]
    half = np.float32(0.5) * (np.float32(1.0) + kappa)
    zero = np.float32(0.0)
    if colligative:
        drop_row(out, e, c)
    elif c[RABIN] > zero:
        per_width = span / width
        for i in range(out.size):
            out[i] = max(min(e[i] - liquidus, zero) * per_width, -span)
    if c[RABIN] > zero:
        ice_row(out, e, liquidus, width, fold, half, kappa, c)
    elif colligative:
        for i in range(out.size):
            w = min(e[i] - liquidus + width, zero) * fold
            out[i] = max(e[i], liquidus) + half * out[i] + kappa * w
    else:
        per_width = span / width
        for i in range(out.size):
            q = min(e[i] - liquidus, zero)
            w = min(q + width, zero) * fold
            out[i] = max(e[i], liquidus) + half * max(q * per_width, -span) + kappa * w


@kernel
def ice_drop(w: np.float32, a4: np.float32, b: np.float32) -> np.float32:
    """Return t where the frozen heat capacity varies with temperature; a4 = 4 QUADRATIC, b = LINEAR."""
    root: np.float32 = np.float32(2.0) * w / (b + math.sqrt(max(b * b + a4 * w, np.float32(0.0))))
    return root


@kernel
def ice_row(out: F32, e: F32, liquidus: np.float32, width: np.float32, fold: np.float32, half: np.float32,
            kappa: np.float32, c: F32) -> None:  # fmt: skip
    """Turn d into psi, both frozen properties varying with temperature."""
    a4, b, zero = np.float32(4.0) * c[QUADRATIC], c[LINEAR], np.float32(0.0)
    c0, c1, c2, c3, c4, c5 = c[CURVE], c[CURVE + 1], c[CURVE + 2], c[CURVE + 3], c[CURVE + 4], c[CURVE + 5]
    for i in range(out.size):
        t = ice_drop(min(e[i] - liquidus + width, zero) * fold, a4, b)
        flow = t * (c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * c5)))))
        out[i] = max(e[i], liquidus) + half * out[i] + kappa * flow


@kernel
def own_ice_row(out: F32, e: F32, width: F32, fold: F32, liquidus: np.float32, c: F32) -> None:
    """Write F of one row, every cell of its own material, both frozen properties varying with temperature."""
    a4, b, zero = np.float32(4.0) * c[QUADRATIC], c[LINEAR], np.float32(0.0)
    c0, c1, c2, c3, c4, c5 = c[CURVE], c[CURVE + 1], c[CURVE + 2], c[CURVE + 3], c[CURVE + 4], c[CURVE + 5]
    for i in range(out.size):
        t = ice_drop(min(e[i] - liquidus + width[i], zero) * fold[i], a4, b)
        out[i] = t * (c0 + t * (c1 + t * (c2 + t * (c3 + t * (c4 + t * c5)))))


@kernel
def drop_row(out: F32, e: F32, c: F32) -> None:
    """Write d of one row in one material whose water freezes as in an ideal solution."""
    liquidus, span, width, fold, top, ice = c[LIQUIDUS_E], c[RANGE_K], c[WIDTH], c[FOLD], c[LIQUIDUS_C], c[ICE]
    heat = np.float32(0.5) + np.float32(0.5) / fold
    latent = (width - heat * span) * ice
    least, zero = np.float32(4.0) * heat * latent * top, np.float32(0.0)
    twice, twice_heat = np.float32(2.0) * latent * top, np.float32(2.0) * heat
    for i in range(out.size):
        q = min(e[i] - liquidus, zero)
        b = latent + heat * top + q
        root = math.sqrt(b * b - least)
        # The negative root of a quadratic, in the form that does not cancel.
        above, below = (b - root, twice_heat) if b < zero else (twice, b + root)
        t = above / below
        out[i] = max(min(t - top, zero), -span)


@kernel
def phi_rows(out_u: F32, out_f: F32, e: F32, width: F32, fold: F32, c: F32, colligative: bool) -> None:
    """Write phi_u and phi_f of one row in which every cell is of its own material."""
    liquidus, span = c[LIQUIDUS_E], c[RANGE_K]
    half, zero = np.float32(0.5), np.float32(0.0)
    if colligative:
        own_drop_row(out_u, e, width, fold, c)
    else:
        for i in range(out_u.size):
            out_u[i] = max(min(e[i] - liquidus, zero) * (span / width[i]), -span)
    if c[RABIN] > zero:
        own_ice_row(out_f, e, width, fold, liquidus, c)
    else:
        for i in range(out_u.size):
            out_f[i] = min(e[i] - liquidus + width[i], zero) * fold[i]
    for i in range(out_u.size):
        d = half * out_u[i]
        out_u[i] = max(e[i], liquidus) + d
        out_f[i] += d


@kernel
def own_drop_row(out: F32, e: F32, width: F32, fold: F32, c: F32) -> None:
    """Write d of one row, as `drop_row` does, every cell of its own material."""
    liquidus, span, top, ice = c[LIQUIDUS_E], c[RANGE_K], c[LIQUIDUS_C], c[ICE]
    half, two, zero = np.float32(0.5), np.float32(2.0), np.float32(0.0)
    for i in range(out.size):
        heat = half + half / fold[i]
        latent = (width[i] - heat * span) * ice
        q = min(e[i] - liquidus, zero)
        b = latent + heat * top + q
        twice, twice_heat = two * latent * top, two * heat
        root = math.sqrt(b * b - twice * twice_heat)
        above, below = (b - root, twice_heat) if b < zero else (twice, b + root)
        t = above / below
        out[i] = max(min(t - top, zero), -span)


@kernel
def celsius_rows(out: F32, e: F32, width: Any, fold: Any, c: F32, colligative: bool) -> None:
    """Write temperatures, degC, of one row; `width` and `fold` are rows."""
    liquidus, span, zero_c = c[LIQUIDUS_E], c[RANGE_K], c[ZERO_C]
    zero = np.float32(0.0)
    if colligative:
        own_drop_row(out, e, width, fold, c)
    else:
        for i in range(out.size):
            out[i] = max(min(e[i] - liquidus, zero) * (span / width[i]), -span)
    rabin, a4, b = c[RABIN] > zero, np.float32(4.0) * c[QUADRATIC], c[LINEAR]
    for i in range(out.size):
        w = min(e[i] - liquidus + width[i], zero) * fold[i]
        if rabin:
            w = ice_drop(w, a4, b)
        out[i] = zero_c + max(e[i], liquidus) + out[i] + w


@kernel
def celsius_everywhere(out: F32, e: F32, width: F32, fold: F32, c: F32, colligative: bool) -> None:
    """Write temperatures, degC, of a padded field to one without; `width` and `fold` are padded or (1, 1, n)."""
    deep, high, wide = out.shape
    same = width.shape[0] == 1
    for k in range(deep):
        for j in range(high):
            a, b = (0, 0) if same else (k + 1, j + 1)
            celsius_rows(out[k, j], e[k + 1, j + 1, 1 : wide + 1], width[a, b, 1 : wide + 1],
                         fold[a, b, 1 : wide + 1], c, colligative)  # fmt: skip


@kernel
def phi_at(t: float, c: F64) -> tuple[float, float]:
    """Return phi_u and phi_f at one temperature, degC."""
    above = t - c[ZERO_C]
    d = max(min(t - c[LIQUIDUS_C], 0.0), -c[RANGE_K])
    below = min(t - c[SOLIDUS_C], 0.0)
    if c[RABIN] > 0.0 and below < 0.0:
        power = ICE_K_POWER + 1.0
        edge = c[SOLIDUS_C] + KELVIN
        below = ICE_K0 / (power * ICE_K_REFERENCE) * ((below + edge) ** power - edge**power)
    return max(above, c[LIQUIDUS_E]) + 0.5 * d, 0.5 * d + below
