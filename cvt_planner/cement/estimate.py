"""A first estimate of the cement a treated lesion takes, with its cap and its range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.vertebra_reference import PERSON_TO_PERSON, BodyReference, body_reference
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.units import ml_from_mm3
from cvt_planner.cement.pores import HaloPores, pores_in_halos
from cvt_planner.devices.bone_needle import BONE_NEEDLES, BoneNeedleModel
from cvt_planner.imaging.volume import CONTRAST_HU, Volume

VERSION = "first estimate"
# Share of the body that may be filled: 30 % restores stiffness (Molloy et al., Spine 2003;28:1549); more over-stiffens
# (J Korean Neurosurg Soc 2012;52:435).
CAP_SHARE = 0.30
# 15 %: stiffness restored, Liebschner et al., Spine 2001;26:1547. 24 %: optimum for pain, Nieuwenhuijse et al., 2012.
LINE_SHARES: tuple[float, ...] = (0.15, 0.24, 0.30)
_WALL_DEFECT_ML = 0.5  # held back where the posterior wall is open; assumed


@dataclass(frozen=True)
class _Coefficients:
    """How much of cavity and pores cement fills, and how far it runs into the bone; all assumed."""

    cavity_share: float
    pore_share: float
    halo_mm: float


_MIDDLE = _Coefficients(0.875, 0.40, 7.5)
_LEAST = _Coefficients(0.80, 0.30, 5.0)
_MOST = _Coefficients(0.95, 0.50, 10.0)
# Share of the marked lesion that is cavity after ablation, where cement meets no bone; assumed.
_CAVITY_OF_KIND = {"lytic": 1.0, "mixed": 0.5, "blastic": 0.0}
# Share of solid bone within what is no cavity of the lesion; assumed.
_SOLID_OF_KIND = {"lytic": 0.0, "mixed": 0.25, "blastic": 0.6}
_SOLID_OF_CANCELLOUS = 0.12  # bone volume share of vertebral cancellous bone in the elderly; assumed


@dataclass(frozen=True)
class FillEstimate:
    """How much cement a lesion is expected to take, mL; a first estimate.

    `low_ml` to `high_ml` is the range over the assumed coefficients and a body 25 % smaller or larger than the mean,
    never above `cap_ml`. `lines_ml` are (share of the body, mL). `dead_space_ml` is (needle key, mL): what stays in the
    needle and must be drawn up in addition. `reasons` are sentences to show with the figure.
    """

    estimate_ml: float
    low_ml: float
    high_ml: float
    cap_ml: float
    body_volume_ml: float
    lines_ml: tuple[tuple[float, float], ...]
    dead_space_ml: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]
    version: str = VERSION

    @property
    def is_capped(self) -> bool:
        """Return whether the estimate stands at the level's cap."""
        return self.estimate_ml >= self.cap_ml - 1e-9


def practice_most_ml(level: str) -> float:
    """Return the most cement usual in practice at a level, mL: C 3, T1-T4 3, T5-T12 5, L and S1 8.

    Usual injected volumes (C 1-3, upper T 2-3, mid and low T 2-5, L 4-8 mL) as handed down in practice; assumed, and
    for S1 taken from L.
    """
    if level.startswith("C"):
        return 3.0
    if level.startswith("T"):
        return 3.0 if int(level[1:]) <= 4 else 5.0
    return 8.0


def dead_space_ml(needle: BoneNeedleModel) -> float:
    """Return the cement that stays in a needle's bore, mL, from its inner diameter and length."""
    return ml_from_mm3(math.pi / 4.0 * needle.inner_diameter_mm**2 * needle.length_mm)


def estimate_fill(
    volume_ml: float,
    kind: str,
    level: str,
    *,
    posterior_wall_open: bool = False,
    volume: Volume | None = None,
    shape: LesionShape | None = None,
) -> FillEstimate:
    """Return a first estimate of the cement that a lesion takes.

    V = min(cap, cavity share x cavity + pore share x pores of lesion and halo). The cap is the lesser of 30 % of the
    level's mean body and the most that is usual there.

    Parameters
    ----------
    volume_ml
        Volume of the marked lesion, mL.
    kind
        "lytic", "mixed" or "blastic".
    level
        Vertebral level, C3 to S1, transitional ones (T13, L6) included.
    posterior_wall_open
        Whether the posterior wall has a defect; 0.5 mL are held back then.
    volume, shape
        The CT and the marked lesion, both or neither: pores of the halo are then read from the CT's HU.

    Raises
    ------
    InputRefused
        If the volume is not positive and finite, or kind or level are unknown.

    Notes
    -----
    Not modelled: viscosity, pressure, veins, fractures, leakage, the state of the frozen tissue, and the person's own
    vertebra (its body is the population's mean, +-25 %). All coefficients are assumed. Outcome does not depend on
    volume (Kaufmann et al., AJNR 2006;27:1933): fill as far as is safe under fluoroscopy, not as far as this figure.
    """
    if not (math.isfinite(volume_ml) and volume_ml > 0.0):
        raise InputRefused("The lesion's volume must be positive. Mark the lesion first.")
    if kind not in _CAVITY_OF_KIND:
        raise InputRefused(f"A lesion is lytic, mixed or blastic, not {kind!r}.")
    reference = body_reference(level)
    body_ml = reference.volume_ml
    cap_ml = _cap_ml(body_ml, level)
    held_back = _WALL_DEFECT_ML if posterior_wall_open else 0.0
    read = volume is not None and shape is not None

    halos_mm = (_LEAST.halo_mm, _MIDDLE.halo_mm, _MOST.halo_mm)
    contrast = volume is not None and bool(volume.series.contrast_agent)
    readings: list[dict[float, HaloPores]] = [{}]
    if volume is not None and shape is not None:  # with contrast medium also as if all of it had to be taken off
        too_high_hu = (0.0, CONTRAST_HU) if contrast else (0.0,)
        found = [pores_in_halos(volume, shape, halos_mm, hu) for hu in too_high_hu]
        readings = [dict(zip(halos_mm, pores, strict=True)) for pores in found]

    def fill(with_: _Coefficients, body: float, read_pores: dict[float, HaloPores]) -> float:
        pores = read_pores.get(with_.halo_mm) or _homogeneous_halo(volume_ml, with_.halo_mm, body)
        room_ml = max(body - volume_ml, 0.0)
        halo_pores_ml = pores.pores_ml * min(1.0, room_ml / pores.bone_ml) if pores.bone_ml > 0.0 else 0.0
        taken = _in_lesion(volume_ml, kind, with_) + with_.pore_share * halo_pores_ml
        return max(min(taken, _cap_ml(body, level), cap_ml) - held_back, 0.0)

    estimate = fill(_MIDDLE, body_ml, readings[0])
    return FillEstimate(
        estimate_ml=estimate,
        low_ml=min(*(fill(_LEAST, body_ml * (1.0 - PERSON_TO_PERSON), one) for one in readings), estimate),
        high_ml=max(*(fill(_MOST, body_ml * (1.0 + PERSON_TO_PERSON), one) for one in readings), estimate),
        cap_ml=cap_ml,
        body_volume_ml=body_ml,
        lines_ml=tuple((share, share * body_ml) for share in LINE_SHARES),
        dead_space_ml=tuple((needle.key, dead_space_ml(needle)) for needle in BONE_NEEDLES),
        reasons=_reasons(reference, level, body_ml, cap_ml, estimate + held_back, held_back, read, contrast),
    )


def _cap_ml(body_ml: float, level: str) -> float:
    return min(CAP_SHARE * body_ml, practice_most_ml(level))


def _in_lesion(volume_ml: float, kind: str, with_: _Coefficients) -> float:
    """Return what the marked lesion itself takes: its cavity, and the pores of the bone in the rest of it, mL."""
    cavity_ml = _CAVITY_OF_KIND[kind] * volume_ml
    pores_ml = (volume_ml - cavity_ml) * (1.0 - _SOLID_OF_KIND[kind])
    return with_.cavity_share * cavity_ml + with_.pore_share * pores_ml


def _homogeneous_halo(volume_ml: float, halo_mm: float, body_ml: float) -> HaloPores:
    """Return the halo about the lesion's equivalent sphere as even cancellous bone, at most the body's remainder."""
    radius_mm = (3000.0 * volume_ml / (4.0 * math.pi)) ** (1.0 / 3.0)
    halo_ml = ml_from_mm3(4.0 / 3.0 * math.pi * (radius_mm + halo_mm) ** 3) - volume_ml
    bone_ml = min(halo_ml, max(body_ml - volume_ml, 0.0))
    return HaloPores(bone_ml, bone_ml * (1.0 - _SOLID_OF_CANCELLOUS))


def _reasons(
    reference: BodyReference,
    level: str,
    body_ml: float,
    cap_ml: float,
    before_ml: float,
    held_back: float,
    read: bool,
    contrast: bool,
) -> tuple[str, ...]:
    sentences = [
        f"The mean body at {level} holds {body_ml:.1f} mL; persons differ by 25 %.",
        f"The cap of {cap_ml:.1f} mL is the lesser of 30 % of the body and the {practice_most_ml(level):g} mL "
        "usual at most at this level.",
    ]
    if reference.stands_in_for:
        sentences[0] = f"{level} has no reference body; that of {reference.level} ({body_ml:.1f} mL) stands in for it."
    if before_ml >= cap_ml - 1e-9:
        sentences.append("Cavity and pores would take more than the cap; the cap is the estimate.")
    if held_back:
        sentences.append(f"{held_back:g} mL are held back because the posterior wall is open.")
    if read and contrast:
        sentences.append(f"Contrast medium was given: the range allows for HU up to {CONTRAST_HU:.0f} HU too high.")
    if not read:
        sentences.append("The bone around the lesion is taken as even cancellous bone.")
    sentences.append("First estimate: fill coefficients are assumed; leakage, veins and viscosity are not modelled.")
    return tuple(sentences)
