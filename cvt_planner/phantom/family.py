"""A family of spines for measuring on: the seed chooses levels, curves, bone, lesions, noise and slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvt_planner.phantom.cases import SPINE, Case, LesionSpec
from cvt_planner.phantom.person import Person
from cvt_planner.phantom.proportions import levels_of, nominal

# From which level to which, in turn; most between T4 and L5, as metastases are treated.
_WINDOWS = (
    ("T10", "L3"), ("L1", "L5"), ("T4", "T12"), ("T11", "L5"), ("T7", "L1"), ("L2", "S1"), ("T4", "L5"), ("C3", "T2"),
    ("T6", "T12"), ("T12", "L4"), ("L3", "S1"), ("T5", "T10"), ("T9", "L5"), ("C5", "T6"), ("T8", "L2"), ("L1", "S1"),
    ("T4", "L2"), ("T10", "L5"), ("C3", "C7"), ("T11", "L3"),
)  # fmt: skip
_SLICES_MM = (1.0, 1.25, 1.5, 3.0, 0.6, 2.0, 1.5, 1.0)
_NOISE = (1.0, 1.4, 0.7, 2.0, 1.0)  # the fourth is a scan at a quarter of the usual dose
_MARROW_HU = (200.0, 150.0, 110.0, 60.0, 230.0, 170.0, 85.0)
_LESIONS = ("lytic", "breach", "blastic", "pedicle", "mixed", "lytic")
_CURVES = ("straight", "kyphotic", "scoliotic", "straight", "both")
_COLLAPSED_EVERY, _LARGE_FIELD_EVERY = 4, 5
_SIX_LUMBAR, _ELEVEN_RIBS, _THIRTEEN_RIBS = 15, 4, 17  # seeds of transitional anatomy


def spine_case(seed: int) -> Case:
    """Return the case that a seed chooses.

    The menus are walked at different paces, so that 20 consecutive seeds hold every window of levels, slices of 0.6 to
    3 mm, doses down to a quarter, spongy bone of 60 to 230 HU (with cortices to match), kyphosis and scoliosis (Cobb up
    to 40 degrees), lesions of every kind, collapsed vertebrae and transitional anatomy.
    """
    rng = np.random.default_rng([seed, 76])
    turn = seed % len(_WINDOWS)
    lumbar = 6 if turn == _SIX_LUMBAR else 5
    person = Person(varied=True, lumbar=lumbar, follow=0.9)
    all_levels = levels_of(person)
    first, last = (all_levels.index(name) for name in _WINDOWS[turn])
    levels = all_levels[first : last + 1]
    marrow = _MARROW_HU[seed % len(_MARROW_HU)]
    thin = float(np.interp(marrow, (60.0, 180.0), (0.6, 1.0)))
    person = replace(
        person,
        marrow_hu=marrow,
        arch_marrow_hu=marrow + 55.0,
        shell_mm=0.6 * thin,
        cortex_mm=1.35 * thin,
        rib_pairs=11 if turn == _ELEVEN_RIBS else 13 if turn == _THIRTEEN_RIBS else 12,
    )
    person = _curved(person, seed, levels, rng)
    lesions, struck = _lesions(seed, levels, marrow, rng)
    if seed % _COLLAPSED_EVERY == 1:
        sound = [name for name in levels[1:-1] if name not in struck and name[0] in "TL"]
        person = replace(person, collapsed=(str(rng.choice(sound)),))
    targeted = seed % _LARGE_FIELD_EVERY != 0 or len(levels) > 10
    slice_mm = _SLICES_MM[seed % len(_SLICES_MM)]
    return Case(
        SPINE,
        levels,
        lesions,
        seed,
        pixel_mm=float(np.round(rng.uniform(0.6, 0.8) if targeted else rng.uniform(0.8, 0.95), 3)),
        slice_mm=max(slice_mm, 1.0) if len(levels) > 8 else slice_mm,
        margin_mm=float(np.round(rng.uniform(6.0, 16.0), 1)),
        targeted=targeted,
        person=person,
        noise=_NOISE[seed % len(_NOISE)],
        fitted=True,
        piece_mm=0.62,
    )


def _curved(person: Person, seed: int, levels: tuple[str, ...], rng: np.random.Generator) -> Person:
    kind = _CURVES[(seed + seed // 5) % len(_CURVES)]
    if kind in ("kyphotic", "both"):
        person = replace(person, kyphosis_deg=float(rng.uniform(10.0, 30.0)))
    if kind in ("scoliotic", "both"):
        cobb = float(rng.uniform(15.0, 40.0) * rng.choice((-1, 1)))
        person = replace(person, cobb_deg=cobb, apex=levels[len(levels) // 2])
    return person


def _lesions(
    seed: int, levels: tuple[str, ...], marrow_hu: float, rng: np.random.Generator
) -> tuple[tuple[LesionSpec, ...], set[str]]:
    """Return two or three lesions in different vertebrae of trunk and loin, and where they are."""
    able = [name for name in levels if name[0] in "TL"]
    chosen = [str(name) for name in rng.permutation(able)[: 3 if len(able) > 5 else 2]] if len(able) > 2 else []
    made = []
    for n, level in enumerate(chosen):
        kind = _LESIONS[(seed + n) % len(_LESIONS)]
        if kind in ("lytic", "mixed") and marrow_hu < 100.0:
            kind = "blastic"  # soft tissue in marrow of its own HU cannot be told apart by any means
        made.append(_lesion("ABC"[n], level, kind, rng))
    return tuple(made), {lesion.level for lesion in made}


def _lesion(name: str, level: str, kind: str, rng: np.random.Generator) -> LesionSpec:
    mean = nominal(level)
    half = np.array([mean.width_mm, mean.depth_mm, mean.posterior_height_mm]) / 2
    sign = float(rng.choice((-1.0, 1.0)))
    if kind == "pedicle":  # from the body's corner through the pedicle, its cortex gone
        place = (sign * (mean.canal_width_mm / 2 + 1.0) / half[0], 1.0, 0.35)
        return LesionSpec(name, level, "lytic", 8, place, (0.3 * half[0] + 2.0, 0.75 * half[1], 0.6 * half[2]), True)
    if kind == "breach":
        place = (0.15 * sign, 0.6, 0.0)
        return LesionSpec(name, level, "lytic", 9, place, (0.5 * half[0], 0.7 * half[1], 0.62 * half[2]), True)
    place = (0.3 * sign, float(rng.uniform(-0.15, 0.1)), float(rng.uniform(-0.08, 0.08)))
    share = rng.uniform(0.35, 0.5, 3)
    return LesionSpec(name, level, kind, 7, place, tuple(share * half))
