"""Find a lesion from one click: what differs from normal spongy bone, as one smooth region inside its vertebra."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.band import contrast_at
from cvt_planner.anatomy.lesion.distance import ramp_of, signed_distance_mm, widths_mm
from cvt_planner.anatomy.lesion.edges import beyond_bone, smoothness_mm, up_to_cortex
from cvt_planner.anatomy.lesion.even import grown_even, without_grain
from cvt_planner.anatomy.lesion.evidence import (
    OUTSIDE,
    Tissues,
    evidence_of,
    flat_ground,
    how_different,
    least_contrast_hu,
    tissues_at,
    tissues_of,
)
from cvt_planner.anatomy.lesion.ground import REACH_MM, Ground, ground_at, nearest_vertebra
from cvt_planner.anatomy.lesion.normal import NormalBone, normal_bone
from cvt_planner.anatomy.lesion.patchy import grown_patchy
from cvt_planner.anatomy.lesion.pieces import (
    ball_radius_mm,
    closed,
    given_back,
    only_about,
    part_at_seed,
    without_lobes,
)
from cvt_planner.anatomy.lesion.radial import rounded
from cvt_planner.anatomy.lesion.surface import smooth_region
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.anatomy.morphology import bounding_box
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.arrays import Float32Array, MaskArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume

_CORE_MM = 2.5  # the seed's own tissue
_FIRST_MM = 16.0  # so far from the seed it is looked for first; the next rounds follow it farther; assumed
_ROUNDS = 4
_AROUND_MM = 8.0  # so far about a region its edge is looked for anew; assumed
_SURE = 1.5  # times what normal bone may come to, from which on there is no doubt; assumed
_SMALL_ML = 0.3  # a focus smaller than that is doubtful; assumed
_EATEN_SHARE = 0.25  # of a region: so much bone that only the other side has is a lesion's doing; assumed
_VEIN_ML = 1.5  # no basivertebral vein looks larger; assumed
_TUMOUR_HU = 45.0  # of soft tissue without calcification; assumed
_TOLD_BY_PATCHES = (
    "Neither its dark nor its bright tissue alone differs from bone here: it is told by its patchiness, and may be "
    "larger than shown. Make sure that it is a lesion and correct it."
)
_LEAK_ML = 25.0  # without a spine: more than this, or as far as the reach, has run out of the bone


@dataclass(frozen=True)
class FoundLesion:
    """A lesion found in a CT.

    Parameters
    ----------
    normal, tissues
        What it was told apart by.
    vertebra
        `Vertebra.number` it lies in; 0 where no spine was given or none is near.
    notes
        Sentences on what limits this result.
    """

    region: Region
    normal: NormalBone
    tissues: Tissues
    vertebra: int = 0
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Return "lytic", "mixed" or "blastic"."""
        if self.tissues.patchy:
            return "mixed"
        return "lytic" if self.tissues.bright_hu is None else "blastic"


def find_lesion(
    volume: Volume,
    seed_lps_mm: Vec3,
    spine: Spine | None = None,
    beyond: bool = False,
    progress: Progress | None = None,
) -> FoundLesion:
    """Return the lesion at a seed, as far as CT shows it.

    Normal bone is read in the bodies of the seed's vertebra and its neighbours. What is darker, brighter or
    patchier by half of the lesion's own difference is lesion; of that the smoothest region
    (`surface.smooth_region`) that hangs together with the seed is taken, inside the vertebra, its cortex and the
    middle of the canal left out. Bone that the labels lack since it is eaten is added from the other side. What
    differs no more than the neighbours' own bone does is refused, what hardly does is doubted in the notes. Where
    HU tell nothing, tissue without the grain of bone is looked for, then dark tissue with islands of sclerosis
    about the seed (`patchy.grown_patchy`).

    Parameters
    ----------
    seed_lps_mm
        A point in the lesion, LPS mm.
    spine
        Without it normal bone is read from the bone within 28 mm, and the bone's surface is only guessed.
    beyond
        Follow it through an eaten cortex, up to 6 mm: where the nearest bone is lesion.

    Raises
    ------
    InputRefused
        If the seed lies outside the CT, or nothing there differs from normal bone.

    Notes
    -----
    How near to the truth it comes on phantoms, and how often something is found in sound bone: `docs/anatomy.md`. Not
    modelled: contrast medium, haemangioma, bone islands and Schmorl's nodes look like lesions; a lesion that differs
    from marrow no more than coarse marrow does is refused. What only MR or PET shows is not seen.
    """
    step = progress or Progress()
    step.report(0.0, "Reading the neighbourhood")
    ground, normal = _read(volume, seed_lps_mm, spine)
    step.report(0.3, "Growing")
    if ground.vertebra is None:
        grown = _without_spine(volume, seed_lps_mm, ground)
    else:
        grown = _in_bone(ground, normal or _normal_about(volume, seed_lps_mm, ground))
    step.report(0.7, "Growing beyond the bone")
    field = grown.field
    if beyond and ground.vertebra is not None and spine is not None:
        field = beyond_bone(grown.ground, grown.normal, grown.tissues, field, spine, grown.even)
    step.report(0.8, "Measuring")
    number = ground.vertebra.number if ground.vertebra is not None else 0
    region = _region(volume, grown.ground, field)
    step.report(1.0)
    return FoundLesion(region, grown.normal, grown.tissues, number, grown.notes)


def _read(volume: Volume, seed_lps_mm: Vec3, spine: Spine | None) -> tuple[Ground, NormalBone | None]:
    """Return the ground about a seed and, read beside it on another core, the normal bone there."""
    vertebra = None if spine is None else nearest_vertebra(spine, seed_lps_mm)
    if spine is None or vertebra is None:
        return ground_at(volume, seed_lps_mm, spine), None
    with ThreadPoolExecutor(1) as beside:
        normal = beside.submit(normal_bone, volume, spine, vertebra)
        ground = ground_at(volume, seed_lps_mm, spine)
        return ground, normal.result()


@dataclass(frozen=True, eq=False)
class _Grown:
    """What was grown on a ground: how far each voxel lies inside (surface at 0.5), and sentences on it.

    `even` is the evidence in the bone where the lesion was told by its evenness, else None.
    """

    ground: Ground
    normal: NormalBone
    tissues: Tissues
    field: Float32Array
    notes: tuple[str, ...]
    even: Float32Array | None = None


def _in_bone(ground: Ground, normal: NormalBone) -> _Grown:
    """Return the lesion told by its HU, or else by its evenness, or else by both tissues of a mixed one together.

    Raises
    ------
    InputRefused
        If none of them tells one.
    """
    flat = flat_ground(ground, normal)
    try:
        tissues, field = _grown(flat, normal)
        if tissues.patchy:
            field = _at_seed(flat, rounded(flat, normal, tissues, field), field)
        if tissues.bright_hu is None:
            field = _competed(flat, normal, tissues, field)
        notes = tuple(_doubts(flat, normal, tissues, field >= 0.5))
        return _Grown(flat, normal, tissues, up_to_cortex(flat, normal, tissues, field), notes)
    except InputRefused:
        even = grown_even(ground, normal)
        patchy = grown_patchy(flat, normal) if even is None else None
        if patchy is not None:
            return _Grown(flat, normal, *patchy, (_TOLD_BY_PATCHES,))
        if even is None:
            raise
    own, field, evidence = even
    note = (
        f"Its HU ({own:.0f}) are nearly those of bone here ({normal.hu:.0f}): it is told by the grain of bone that it "
        "lacks, and its edge is uncertain by about a millimetre. Make sure that it is a lesion and correct it."
    )
    tissues = Tissues(own, None)
    field = up_to_cortex(flat, normal, tissues, field)
    return _Grown(ground, normal, tissues, field, (note,), evidence)


def _competed(ground: Ground, normal: NormalBone, tissues: Tissues, field: Float32Array) -> Float32Array:
    """Return the field of a dark lesion without marrow that is as dark in places, but has the grain of bone."""
    whole = field >= 0.5
    box = bounding_box(whole, math.ceil(_AROUND_MM / float(ground.grid.spacing_kji_mm.min())))
    ground, region = ground.within(box), whole[box]
    near = without_grain(ground, normal, region)
    if near is None:
        return field
    smooth_mm = smoothness_mm(normal, tissues)
    evidence = evidence_of(ground, normal, tissues, region)
    evidence[ground.may_be] += given_back(smooth_mm, ball_radius_mm(region, ground))
    evidence[ground.may_be & ~near] = -1.0
    inside = smooth_region(evidence, ground.grid.spacing_kji_mm, smooth_mm)
    part = part_at_seed(inside >= 0.5, ground)
    if part is None:
        return field
    competed = np.zeros_like(field)
    competed[box] = _about(part, inside)
    return competed


def _at_seed(ground: Ground, field: Float32Array, otherwise: Float32Array) -> Float32Array:
    """Return the field of the part that hangs together with the seed; another one where none does."""
    part = part_at_seed(field >= 0.5, ground)
    return otherwise if part is None else _about(part, field)


def _about(region: MaskArray, inside: Float32Array) -> Float32Array:
    """Return how far voxels lie inside one region: lone specks elsewhere must not be taken for its surface."""
    field = np.where(region, np.maximum(inside, np.float32(0.5)), np.minimum(inside, np.float32(0.49)))
    return np.where(ndimage.binary_dilation(region, iterations=2), field, np.float32(0.0))


def _without_spine(volume: Volume, seed_lps_mm: Vec3, ground: Ground) -> _Grown:
    """Return the lesion in bone whose surface is only guessed: nearer to the seed until it does not run out of it."""
    reach, notes = REACH_MM, []
    while True:
        normal = _normal_about(volume, seed_lps_mm, ground)
        tissues, field = _grown(ground, normal)
        found = field >= 0.5
        far = bool((found & (ground.distance_mm > reach - 2.0)).any())
        if not (far or found.sum() * ground.grid.voxel_volume_mm3 > 1000.0 * _LEAK_ML) or reach < 12.0:
            break
        reach *= 0.7
        ground = ground_at(volume, seed_lps_mm, None, reach)
    if reach < REACH_MM:
        notes.append(f"It runs on into soft tissue: it was cut {reach:.0f} mm from the point. Correct it by hand.")
    notes.append("The spine is not known: the bone's surface was guessed.")
    return _Grown(ground, normal, tissues, field, tuple(notes))


def _normal_about(volume: Volume, seed_lps_mm: Vec3, ground: Ground) -> NormalBone:
    """Return normal bone as the spongy bone in reach looks; its median, since lesion is the smaller part of it."""
    # Soft tissue that lies in the guessed hull is left out; so is lysis, which this must not be read from.
    around = ground.hu[(ground.depth_mm > 3.5) & (ground.distance_mm > 5.0) & (ground.hu > 60.0)]
    if around.size > 500:
        middle = float(np.median(around))
        return NormalBone(middle, 1.4826 * float(np.median(np.abs(around - middle))))
    _, surround, spread = contrast_at(volume, seed_lps_mm)
    if surround is None:
        raise InputRefused("Nothing here differs from its surroundings in HU. Draw the lesion by hand.")
    return NormalBone(surround, spread)


def _doubts(ground: Ground, normal: NormalBone, tissues: Tissues, region: MaskArray) -> list[str]:
    """Return sentences on whether this is a lesion at all.

    Raises
    ------
    InputRefused
        If it differs no more from normal bone than the neighbours' own bone does.
    """
    if ground.vertebra is None:
        return []
    ratio = how_different(ground, normal, tissues, region)
    if ratio is None:
        return ["No neighbour is in view to compare with: normal bone may vary as much. Make sure that it is a lesion."]
    volume_ml = float(region.sum()) * ground.grid.voxel_volume_mm3 / 1000.0
    if ratio < 1.0:
        if ground.eaten is not None and (region & ground.eaten).sum() >= _EATEN_SHARE * region.sum():
            return ["Told by bone that the other side has and this one lacks. Make sure that it is a lesion."]
        raise InputRefused(
            f"Nothing here differs from normal bone ({normal.hu:.0f} HU) more than the neighbours' own bone does. "
            f"{_what_to_do(normal)}"
        )
    if ratio < _SURE or volume_ml < _SMALL_ML:
        return ["It hardly differs more than the neighbours' own bone does. Make sure that it is a lesion."]
    if _is_vein_like(ground, tissues, region) and volume_ml < _VEIN_ML:
        return ["It lies where the basivertebral vein does and may be that."]
    return []


def _what_to_do(normal: NormalBone) -> str:
    """Return what the operator can do where nothing is found, and why nothing may be seen."""
    if normal.hu - least_contrast_hu(normal) < _TUMOUR_HU:
        return (
            f"Tumour of about {_TUMOUR_HU:.0f} HU hardly shows in such bone, which itself varies by "
            f"{normal.spread_hu:.0f} HU: draw a lytic lesion by hand, after MR or PET where there is one."
        )
    return "Click inside the lesion; one that CT does not show is drawn by hand."


def _is_vein_like(ground: Ground, tissues: Tissues, region: MaskArray) -> bool:
    """Return whether a region is dark and in the middle of the body's back, where its vein is."""
    v = ground.vertebra
    if v is None or tissues.bright_hu is not None:
        return False
    off = ground.grid.lps_of(np.argwhere(region).mean(axis=0)) - np.array(v.centre_lps_mm)
    left, back, up = (float(off @ np.array(axis)) for axis in (v.left, v.back, v.up))
    return abs(left) < 0.15 * v.width_mm and back > -0.1 * v.depth_mm and abs(up) < 0.25 * v.height_mm


def _grown(ground: Ground, normal: NormalBone) -> tuple[Tissues, Float32Array]:
    """Return the lesion's tissues and (k, j, i) how far each voxel lies inside it, its surface at 0.5."""
    core = ground.hu[(ground.distance_mm <= _CORE_MM) & ground.may_be]
    if core.size < 4:
        core = ground.hu[ground.distance_mm <= _CORE_MM + float(ground.grid.spacing_kji_mm.max())]
    tissues = tissues_at(core, normal)
    spacing = ground.grid.spacing_kji_mm
    region: MaskArray | None = None
    field = np.zeros(ground.hu.shape, dtype=np.float32)
    first_mm = _FIRST_MM + float(ground.distance_mm[ground.may_be].min(initial=REACH_MM))  # seeds may lie off the bone
    radius = 8.0  # until there is a region to measure
    for _ in range(_ROUNDS):
        evidence = evidence_of(ground, normal, tissues, region)
        smooth_mm = smoothness_mm(normal, tissues)
        evidence[ground.may_be] += given_back(smooth_mm, radius)
        if region is None:
            evidence[ground.distance_mm > first_mm] = OUTSIDE
        else:
            only_about(region, evidence, ground)
        inside = smooth_region(evidence, spacing, smooth_mm)
        part = part_at_seed(inside >= 0.5, ground)
        if part is None:
            if region is None:
                raise InputRefused(
                    f"Nothing at this point differs from normal bone ({normal.hu:.0f} HU). {_what_to_do(normal)}"
                )
            break
        cut = region is None and float(ground.distance_mm[part].max()) > first_mm - 2.0
        whole = closed(part, ground) if tissues.patchy else part
        field = np.where(whole & ~(inside >= 0.5), np.float32(1.0), np.where(whole, inside, np.minimum(inside, 0.49)))
        region = whole
        radius = ball_radius_mm(region, ground)
        after = tissues_of(ground, normal, region, tissues)
        if after == tissues and not cut:
            break
        tissues = after
    # Lone specks elsewhere must not be taken for its surface.
    assert region is not None  # the first round found one or refused
    if tissues.patchy:  # it takes what is little darker than bone: that of coarse marrow beside it too
        region = without_lobes(region, ground, normal, tissues)
        field = np.where(region, field, np.minimum(field, np.float32(0.49)))
    around = ndimage.binary_dilation(region, iterations=2)
    return tissues, np.where(around, field, np.float32(0.0))


def _region(volume: Volume, ground: Ground, field: Float32Array) -> Region:
    """Return the field's inside on the CT's own voxels."""
    inside = field >= 0.5
    box = bounding_box(inside, 3)
    spacing = ground.grid.spacing_kji_mm
    distance = signed_distance_mm(field[box], spacing, 0.5)
    radius = ball_radius_mm(inside, ground)
    # A blurred ball's half-height contour lies sigma^2/R inside its true one.
    distance -= np.float32(DENOISE_SIGMA_MM**2 / max(radius, 2.0))
    factor = np.array(ground.factor_kji)
    first = np.array([s.start for s in box])
    if np.any(factor > 1):
        shape = np.array(distance.shape) * factor
        distance = ndimage.affine_transform(
            distance, 1.0 / factor, -(factor - 1) / 2.0 / factor, tuple(shape), order=1, mode="nearest"
        )
    corner = np.array(ground.first_kji) + first * factor
    grid = volume.grid.crop(index_kji(corner), index_kji(np.array(distance.shape)))
    return Region(ramp_of(distance, widths_mm(distance, grid.spacing_kji_mm)), grid)
