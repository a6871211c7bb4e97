"""Where each vertebra stands: the curves of a spine, seen from the side and from behind."""

from __future__ import annotations

import numpy as np

from cvt_planner.base.arrays import FloatArray, Points
from cvt_planner.phantom.person import Person
from cvt_planner.phantom.proportions import Proportions, nominal, rank_of

ANCHOR_Z_MM = -310.0  # where the middle of L1 lies in the patient; any place that is not zero
_HALF_CURVE = 3.5  # levels from a scoliosis' apex to its end vertebrae, assumed
_TURN = 0.33  # turn of the apical vertebra against the Cobb angle, assumed


def poses(parts: tuple[Proportions, ...], person: Person, varied: bool, seed: int) -> tuple[Points, FloatArray]:
    """Return (n, 3) middles of the bodies, LPS mm, and (n, 3, 3) their axes: to the left, to the back, to the head."""
    lean, tilt, turn = _leans(parts, person), *_side(parts, person, varied, seed)
    axes = np.array([_axes(*angles) for angles in zip(lean, tilt, turn, strict=True)])
    origins = [np.zeros(3)]
    for n in range(1, len(parts)):
        upper, lower = parts[n - 1], parts[n]
        above = axes[n - 1][2] * (mid_height(upper) / 2 + upper.disc_below_mm / 2)
        below = axes[n][2] * (mid_height(lower) / 2 + upper.disc_below_mm / 2)
        origins.append(origins[-1] - above - below)
    places = np.array(origins)
    names = [part.name for part in parts]
    anchor = names.index("L1") if "L1" in names else len(parts) // 2
    offset = places[anchor] * np.array([0.0, 0.0, 1.0]) + places.mean(axis=0) * np.array([1.0, 1.0, 0.0])
    return places - offset + np.array([0.0, 0.0, ANCHOR_Z_MM]), axes


def mid_height(part: Proportions) -> float:
    """Return the height of a body in its middle, mm."""
    return (part.posterior_height_mm + part.anterior_height_mm) / 2


def _leans(parts: tuple[Proportions, ...], person: Person) -> FloatArray:
    """Return how far each vertebra leans back, degrees; a collapsed one bends the spine by its wedge."""
    lean = np.array([part.lean_deg for part in parts])
    if person.kyphosis_deg:
        ranks = np.array([rank_of(part.name) for part in parts])
        lean += person.kyphosis_deg / 2 * np.clip(ranks / 5.0, -1.0, 1.0)
    for n, part in enumerate(parts):
        if part.name in person.collapsed:
            usual = nominal(part.name)
            wedge = part.posterior_height_mm - part.anterior_height_mm
            wedge -= usual.posterior_height_mm - usual.anterior_height_mm
            lean += np.degrees(np.arctan2(wedge, part.depth_mm)) / 2 * np.sign(np.arange(len(parts)) - n)
    return lean


def _side(parts: tuple[Proportions, ...], person: Person, varied: bool, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return tilt to the side and turn about the long axis of each vertebra, degrees."""
    if person.cobb_deg:
        away = np.array([rank_of(part.name) - rank_of(person.apex) for part in parts]) / _HALF_CURVE
        curve = np.sin(np.pi / 2 * away) * (np.abs(away) < 2.0)
        hump = np.cos(np.pi / 2 * np.clip(away, -1.0, 1.0)) ** 2
        return person.cobb_deg / 2 * curve, _TURN * person.cobb_deg * hump
    rng = np.random.default_rng([seed, 72])
    bend_deg = float(rng.uniform(5.0, 9.0) * rng.choice((-1, 1))) if varied else 0.0
    wave = np.linspace(-1.0, 1.0, len(parts))
    return bend_deg * wave, 0.6 * bend_deg * (1 - wave**2)  # a small side bend with its apex in the middle


def _axes(lean_deg: float, tilt_deg: float, turn_deg: float) -> FloatArray:
    lean, side, about = np.radians([lean_deg, tilt_deg, turn_deg])
    up = np.array([np.sin(side), np.sin(lean) * np.cos(side), np.cos(lean) * np.cos(side)])
    left = np.array([np.cos(about), np.sin(about), 0.0])
    left -= up * (left @ up)
    left /= np.linalg.norm(left)
    return np.stack([left, np.cross(up, left), up])
