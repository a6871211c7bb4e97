"""Find a lesion from one click: what differs from normal spongy bone, as one smooth region inside its vertebra."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.band import contrast_at
from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.anatomy.lesion.distance import ramp_of, signed_distance_mm, widths_mm
from cvt_planner.anatomy.lesion.evidence import (
    OUTSIDE,
    Tissues,
    evidence_of,
    flat_ground,
    how_different,
    shell_mm,
    tissues_at,
    tissues_of,
)
from cvt_planner.anatomy.lesion.ground import REACH_MM, Ground, ground_at
from cvt_planner.anatomy.lesion.normal import NormalBone, normal_bone
from cvt_planner.anatomy.lesion.surface import smooth_region
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.anatomy.morphology import bounding_box, depth_of, flooded
from cvt_planner.anatomy.neighbourhood import DENOISE_SIGMA_MM, index_kji
from cvt_planner.anatomy.spine.model import Part, Spine
from cvt_planner.base.arrays import Float32Array, MaskArray, Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume

# See `surface.smooth_region`: more where bone varies as much as the lesion differs; assumed.
_SMOOTH_MM, _MOST_SMOOTH_MM = 0.5, 0.8
_CORE_MM = 2.5  # the seed's own tissue
_SEED_REACH_MM = 3.0  # a seed that misses the lesion by so little still counts as inside
_ROUNDS = 4
_AROUND_MM = 8.0  # so far about a region found the next round looks; assumed
_CLOSE_MM = 4.0  # notches of a patchy lesion narrower than twice this belong to it; assumed
_BEYOND_MM = 6.0  # so far beyond the bone a lesion is followed where that is asked for; assumed
_BESIDE_MM = 1.0  # beyond the bone: the labels' edge is off by so much, and cortex blurs; assumed
_NECK_MM = 2.0  # a lobe that hangs on by a neck narrower than twice this is looked at by itself; assumed
_LEAST_RADIUS_MM = 3.0  # of a lesion whose surface is given back what smoothing takes; assumed
_SURE = 1.5  # times what normal bone may come to, from which on there is no doubt; assumed
_SMALL_ML = 0.3  # a focus smaller than that is doubtful; assumed
_EATEN_SHARE = 0.25  # of a region: so much bone that only the other side has is a lesion's doing; assumed
_VEIN_ML = 1.5  # no basivertebral vein looks larger; assumed
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

    Normal bone is read in the bodies of the seed's vertebra and its neighbours. What is darker, brighter or patchier
    by half of the lesion's own difference is lesion; of that the smoothest region (`surface.smooth_region`) that hangs
    together with the seed is taken, inside the vertebra, its cortex and the canal left out. Bone that the labels lack
    since it is eaten is added from the other side. What differs no more than the neighbours' own bone does is refused,
    what hardly does is doubted in the notes.

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
    reach, notes = REACH_MM, []
    while True:
        ground = ground_at(volume, seed_lps_mm, spine, reach)
        inside_bone = spine is not None and ground.vertebra is not None
        normal = normal_bone(volume, spine, ground.vertebra) if spine and ground.vertebra else None
        normal = normal or _normal_about(volume, seed_lps_mm, ground)
        step.report(0.3, "Growing")
        ground = flat_ground(ground, normal)
        tissues, field = _grown(ground, normal)
        found = field >= 0.5
        leaked = not inside_bone and (
            bool((found & (ground.distance_mm > reach - 2.0)).any())
            or found.sum() * ground.grid.voxel_volume_mm3 > 1000.0 * _LEAK_ML
        )
        if not leaked or reach < 12.0:
            break
        reach *= 0.7
    if reach < REACH_MM:
        notes.append(f"It runs on into soft tissue: it was cut {reach:.0f} mm from the point. Correct it by hand.")
    if not inside_bone:
        notes.append("The spine is not known: the bone's surface was guessed.")
    notes += _doubts(ground, normal, tissues, field >= 0.5)
    step.report(0.7, "Growing beyond the bone")
    if beyond and inside_bone and spine is not None:
        field = _followed(ground, normal, tissues, field, spine)
    step.report(0.8, "Measuring")
    number = ground.vertebra.number if ground.vertebra is not None else 0
    region = _region(volume, ground, field)
    step.report(1.0)
    return FoundLesion(region, normal, tissues, number, tuple(notes))


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
            "Click inside the lesion; one that CT does not show is drawn by hand."
        )
    if ratio < _SURE or volume_ml < _SMALL_ML:
        return ["It hardly differs more than the neighbours' own bone does. Make sure that it is a lesion."]
    if _is_vein_like(ground, tissues, region) and volume_ml < _VEIN_ML:
        return ["It lies where the basivertebral vein does and may be that."]
    return []


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
    radius = 8.0  # until there is a region to measure
    for _ in range(_ROUNDS):
        evidence = evidence_of(ground, normal, tissues, region)
        smooth_mm = _smooth_mm(normal, tissues)
        evidence[ground.may_be] += _given_back(smooth_mm, radius)
        if region is not None:  # by now it is known where it lies: the rest need not be looked through
            box = bounding_box(region, math.ceil(_AROUND_MM / float(spacing.min())))
            near, evidence[:] = evidence[box].copy(), OUTSIDE
            evidence[box] = near
        inside = smooth_region(evidence, spacing, smooth_mm)
        part = _part_at_seed(inside >= 0.5, ground)
        if part is None:
            if region is None:
                raise InputRefused(
                    f"Nothing at this point differs from normal bone ({normal.hu:.0f} HU). "
                    "Click inside the lesion, or draw it by hand."
                )
            break
        whole = _closed(part, ground) if tissues.patchy else part
        field = np.where(whole & ~(inside >= 0.5), np.float32(1.0), np.where(whole, inside, np.minimum(inside, 0.49)))
        region = whole
        radius = _radius_mm(region, ground)
        after = tissues_of(ground, normal, region, tissues)
        if after == tissues:
            break
        tissues = after
    # Lone specks elsewhere must not be taken for its surface.
    assert region is not None  # the first round found one or refused
    if tissues.patchy:  # it takes what is little darker than bone: that of coarse marrow beside it too
        region = _without_lobes(region, ground, normal, tissues)
        field = np.where(region, field, np.minimum(field, np.float32(0.49)))
    around = ndimage.binary_dilation(region, iterations=2)
    return tissues, np.where(around, field, np.float32(0.0))


def _given_back(smooth_mm: float, radius_mm: float) -> np.float32:
    """Return what smoothing takes off the evidence on a ball's surface, see the notes of `smooth_region`."""
    return np.float32(2.0 * smooth_mm / max(radius_mm, _LEAST_RADIUS_MM))


def _radius_mm(region: MaskArray, ground: Ground) -> float:
    """Return the radius of the ball that is as large."""
    return float((3.0 * region.sum() * ground.grid.voxel_volume_mm3 / (4.0 * math.pi)) ** (1.0 / 3.0))


def _smooth_mm(normal: NormalBone, tissues: Tissues) -> float:
    apart = [abs(hu - normal.hu) for hu in (tissues.dark_hu, tissues.bright_hu) if hu is not None]
    return float(np.clip(1.3 * normal.spread_hu / min(apart), _SMOOTH_MM, _MOST_SMOOTH_MM))


def _part_at_seed(mask: MaskArray, ground: Ground) -> MaskArray | None:
    near = np.flatnonzero(mask & (ground.distance_mm <= _SEED_REACH_MM))
    if near.size == 0:
        return None
    nearest = near[int(np.argmin(ground.distance_mm.ravel()[near]))]
    part = flooded(mask, index_kji(np.array(np.unravel_index(nearest, mask.shape))))
    box = bounding_box(part, 1)
    part[box] = ndimage.binary_fill_holes(part[box])
    return part


def _closed(part: MaskArray, ground: Ground) -> MaskArray:
    """Return the part with its notches closed by a ball, as far as they lie in the bone."""
    spacing = ground.grid.spacing_kji_mm
    pad = [(math.ceil(_CLOSE_MM / s) + 1,) * 2 for s in spacing]
    box = bounding_box(part, 0)
    padded = np.pad(part[box], pad)
    grown = depth_of(~padded, spacing) <= _CLOSE_MM
    closed = depth_of(grown, spacing) > _CLOSE_MM
    inner = tuple(slice(p[0], -p[1]) for p in pad)
    whole = part.copy()
    whole[box] |= closed[inner] & ground.may_be[box] & (ground.depth_mm[box] > shell_mm(ground))
    return whole


def _without_lobes(region: MaskArray, ground: Ground, normal: NormalBone, tissues: Tissues) -> MaskArray:
    """Return the region without lobes that a thin neck joins to the seed's and that differ no more than normal bone."""
    spacing = ground.grid.spacing_kji_mm
    box = bounding_box(region, 1)
    part = region[box]
    cores, count = ndimage.label(depth_of(part, spacing) > _NECK_MM)
    if count < 2:
        return region
    nearest = ndimage.distance_transform_edt(cores == 0, sampling=spacing, return_distances=False, return_indices=True)
    lobes = np.zeros(region.shape, dtype=cores.dtype)
    lobes[box] = np.where(part, cores[tuple(nearest)], 0)
    own = lobes.ravel()[np.argmin(np.where(region, ground.distance_mm, np.inf))]
    rest = region.copy()
    for lobe in (lobes == n for n in range(1, count + 1) if n != own):
        ratio = how_different(ground, normal, tissues, lobe)
        rest &= ~lobe | (ratio is None or ratio >= 1.0)
    kept = _part_at_seed(rest, ground)
    return region if kept is None else kept


def _followed(ground: Ground, normal: NormalBone, tissues: Tissues, field: Float32Array, spine: Spine) -> Float32Array:
    """Return the field with what of the lesion lies beyond the bone: dark tissue whose nearest bone is lesion.

    Muscle and organs have the lesion's HU: the farther from the lesion in the bone, the less HU count.
    """
    if tissues.dark_hu is None:
        return field
    spacing = ground.grid.spacing_kji_mm
    inside = field >= 0.5
    box = bounding_box(inside, math.ceil(2.0 * _BEYOND_MM / float(spacing.min())))
    bone = labels_on(spine, spine.vertebrae, ground.grid)[box] > 0
    bone |= ground.depth_mm[box] > 0.0
    to_bone, to_lesion = depth_of(~bone, spacing), depth_of(~inside[box], spacing)
    behind = np.zeros_like(inside)
    behind[box] = ~bone & (to_lesion <= np.minimum(to_bone + np.float32(_BESIDE_MM), np.float32(_BEYOND_MM)))
    behind &= labels_on(spine, spine.parts, ground.grid) != Part.DISC
    farther = np.where(behind[box], to_lesion / np.float32(_BEYOND_MM), np.float32(0.0))
    wider = replace(ground, may_be=ground.may_be | behind)
    evidence = evidence_of(wider, normal, tissues, inside)
    smooth_mm = _smooth_mm(normal, tissues)
    evidence[wider.may_be] += _given_back(smooth_mm, _radius_mm(inside, ground))
    evidence[inside] = 1.0
    evidence[box] -= farther
    new = smooth_region(evidence, spacing, smooth_mm)
    allowed = inside | behind
    allowed[box] |= to_lesion <= _BESIDE_MM  # what is left of the cortex between the two
    part = _part_at_seed((new >= 0.5) & allowed, wider)
    return field if part is None else np.where(part & ~inside, np.maximum(new, 0.51), field)


def _region(volume: Volume, ground: Ground, field: Float32Array) -> Region:
    """Return the field's inside on the CT's own voxels."""
    inside = field >= 0.5
    box = bounding_box(inside, 3)
    spacing = ground.grid.spacing_kji_mm
    distance = signed_distance_mm(field[box], spacing, 0.5)
    radius = _radius_mm(inside, ground)
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
