"""Where the spinal canal runs: candidates in every slice, and the best path through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cvt_planner.anatomy.spine.coarse import Coarse
from cvt_planner.anatomy.spine.follow import follow_down
from cvt_planner.anatomy.spine.kernels import best_path, score_sections
from cvt_planner.anatomy.spine.symmetry import symmetry_about
from cvt_planner.base.arrays import Float32Array, FloatArray, Points, Vec3
from cvt_planner.base.progress import Progress

# All figures here are assumed and were set on real CTs of 0.8 to 5 mm.
_RAYS = 24
_LATERAL_SIGMA_MM, _LATERAL_FLOOR = 35.0, 0.15
_STEEPEST = 1.2  # mm in the slice per mm across slices: the sacral canal
_STEEP_COST = 0.10
_RUNNING_MM = 30.0
_TRIM_BELOW = 0.10
_LONGEST_GAP_MM = 80.0  # erased levels must not split the spine
_BEYOND_MM = 45.0
_CORRIDOR_MM = 6.0
_LEAST_LENGTH_MM = 18.0
_SEED_MM = 6.0
_ALIKE = 0.25  # about false paths it is 0.2 at most, about true ones 0.28 even in scoliosis: those have no rivals
_RIVALS, _APART_MM = 2, 12.0  # each so far from the ones before
_LEAST_MEAN, _LEAST_EVIDENCE_MM = 0.16, 10.0  # real canals have 0.3 to 1.0, 0.2 with all bodies gone; a skull 0.12


@dataclass(frozen=True, eq=False)
class CanalPath:
    """Where the canal runs, and how well it was seen.

    Parameters
    ----------
    points_lps_mm
        (n, 3) from feet to head, 2 to 5 mm apart.
    scores
        (m,) 0 to about 1, how much each transverse section looks like a canal, averaged over 30 mm.
    """

    points_lps_mm: Points
    scores: FloatArray

    @property
    def is_likely(self) -> bool:
        """Return whether this is a canal rather than some other ring of bone: a pelvis, a skull."""
        length_mm = float(np.linalg.norm(np.diff(self.points_lps_mm, axis=0), axis=1).sum())
        mean = float(self.scores.mean())
        return mean >= _LEAST_MEAN and mean * length_mm >= _LEAST_EVIDENCE_MM


def find_canal(coarse: Coarse, seeds: tuple[Vec3, ...] = (), progress: Progress | None = None) -> CanalPath | None:
    """Return where the spinal canal runs; None where there is none in view.

    Parameters
    ----------
    seeds
        LPS mm points that lie in the canal, given by the operator; the path passes them.

    Notes
    -----
    In each slice a place scores by how well bone surrounds it and whether a body lies in front of it. The path
    through all slices is the best there is (dynamic programming); its ends are cut where they do not look like a canal.
    Where the body to its left and its right differ, as about a path in the muscle beside the arch, it is held against
    others farther off. A second search within a corridor about it carries it through the sacrum and past erased levels.
    """
    progress = progress or Progress()
    scores = _scores(coarse, seeds)
    progress.check()
    dz = float(coarse.grid.spacing_kji_mm[0])
    likeliest = _likeliest(scores, coarse, 0 if seeds else _RIVALS)
    if likeliest is None:
        return None
    first, ends = likeliest
    progress.check()
    beyond = round(_BEYOND_MM / dz)
    wide = slice(max(ends.start - beyond, 0), min(ends.stop + beyond, len(scores)))
    guided = scores[wide] * _corridor(first, ends, wide, coarse)
    path = _path_through(guided, coarse, slice(0, len(guided)))
    along = _along(scores[wide], path)
    kept = _trimmed(along, dz)
    if kept is None:
        return None
    index = np.concatenate([np.arange(wide.start, wide.stop)[:, None], path], axis=1)[kept]
    points = coarse.grid.lps_of(index.astype(np.float64))
    progress.check()
    return CanalPath(follow_down(points, coarse), _running(along, dz)[kept])


def _likeliest(scores: Float32Array, coarse: Coarse, rivals: int) -> tuple[FloatArray, slice] | None:
    """Return the path through all slices and which part of it looks like a canal; None where none does.

    With the bodies gone, a ring of arch and muscle scores as high as the canal, but only about the canal are left and
    right alike: of the best path and its rivals, the one with the most evidence times symmetry. A path with enough
    symmetry has no rivals.
    """
    dz = float(coarse.grid.spacing_kji_mm[0])
    found: list[tuple[float, FloatArray, slice]] = []
    for _ in range(1 + rivals):
        path = _path_through(scores, coarse, slice(0, len(scores)))
        along = _along(scores, path)
        ends = _trimmed(along, dz)
        if ends is None:
            break
        index = np.concatenate([np.arange(len(path))[:, None], path], axis=1)
        alike = symmetry_about(coarse, index[ends])
        found.append((float(along[ends].sum()) * max(alike, 0.0), path, ends))
        if len(found) == 1 and alike >= _ALIKE:
            break
        scores = _without(scores, path, coarse)
    return max(found, key=lambda one: one[0])[1:] if found else None


def _without(scores: Float32Array, path: FloatArray, coarse: Coarse) -> Float32Array:
    """Return the scores with those about a path set to 0."""
    _, dj, di = (float(v) for v in coarse.grid.spacing_kji_mm)
    rows, columns = np.arange(scores.shape[1])[:, None], np.arange(scores.shape[2])
    out = scores.copy()
    for section, (j, i) in zip(out, path, strict=True):
        section[np.hypot((rows - j) * dj, (columns - i) * di) < _APART_MM] = 0.0
    return out


def _scores(coarse: Coarse, seeds: tuple[Vec3, ...]) -> Float32Array:
    dz, dj, di = (float(v) for v in coarse.grid.spacing_kji_mm)
    turn = 2.0 * np.pi * np.arange(_RAYS) / _RAYS
    out: Float32Array = np.zeros(coarse.hu.shape, dtype=np.float32)
    rays = np.stack([np.zeros(_RAYS), -np.cos(turn) / dj, np.sin(turn) / di], axis=1)
    score_sections(coarse.hu, rays, np.array([0.0, 0.0, 1.0 / di]), out)
    out *= _lateral(coarse)
    size = max(round(6.0 / dz), 1)
    mean: Float32Array = np.asarray(ndimage.uniform_filter1d(out, size, axis=0, mode="nearest"), dtype=np.float32)
    out = np.asarray(0.5 * out + 0.5 * mean, dtype=np.float32)
    for seed in seeds:
        k, j, i = (float(v) for v in coarse.grid.index_of(np.array(seed)))
        n = int(np.clip(round(k), 0, len(out) - 1))
        rows, columns = np.arange(mean.shape[1])[:, None], np.arange(mean.shape[2])
        near = np.hypot((rows - j) * dj, (columns - i) * di)
        out[n] = np.where(near <= _SEED_MM, 5.0 * (1.0 - near / (2.0 * _SEED_MM)), 0.0)
    return out


def _lateral(coarse: Coarse) -> Float32Array:
    """Return (k, 1, i) weights that favour the middle of the patient."""
    di = float(coarse.grid.spacing_kji_mm[2])
    body = np.count_nonzero(coarse.hu[:, ::2] > -200, axis=1).astype(np.float64)
    column = np.arange(coarse.hu.shape[2])
    middle = (body * column).sum(axis=1) / np.maximum(body.sum(axis=1), 1.0)
    middle = ndimage.median_filter(middle, size=15, mode="nearest")
    away = (column[None, :] - middle[:, None]) * di
    weight = np.maximum(np.exp(-0.5 * (away / _LATERAL_SIGMA_MM) ** 2), _LATERAL_FLOOR)
    return np.asarray(weight[:, None, :], dtype=np.float32)


def _path_through(scores: Float32Array, coarse: Coarse, part: slice) -> FloatArray:
    dz, dj, di = (float(v) for v in coarse.grid.spacing_kji_mm)
    # Only the box that holds any candidate needs to be searched.
    seen = scores[part].max(axis=0) > 0.0
    if not seen.any():
        return np.zeros((len(scores[part]), 2))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    box = np.ascontiguousarray(scores[part, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    path = np.empty((len(box), 2))
    reach = max(round(_STEEPEST * dz / dj), 1)
    best_path(box, reach, dz, dj, di, _STEEP_COST, path)
    return np.asarray(path + np.array([rows[0], columns[0]]))


def _along(scores: Float32Array, path: FloatArray) -> FloatArray:
    j, i = path.astype(int).T
    return np.asarray(scores[np.arange(len(path)), j, i], dtype=np.float64)


def _running(along: FloatArray, dz: float) -> FloatArray:
    return np.asarray(ndimage.uniform_filter1d(along, max(round(_RUNNING_MM / dz), 1), mode="nearest"))


def _trimmed(along: FloatArray, dz: float) -> slice | None:
    """Return the part of a path that looks like a canal: the longest, gaps up to 80 mm closed."""
    good = np.flatnonzero(_running(along, dz) >= _TRIM_BELOW)
    if good.size == 0:
        return None
    parts = np.split(good, np.flatnonzero(np.diff(good) * dz > _LONGEST_GAP_MM) + 1)
    best = max(parts, key=lambda part: float(along[part].sum()))
    if (best[-1] - best[0] + 1) * dz < min(_LEAST_LENGTH_MM, 0.9 * len(along) * dz):
        return None
    return slice(int(best[0]), int(best[-1]) + 1)


def _corridor(path: FloatArray, ends: slice, wide: slice, coarse: Coarse) -> Float32Array:
    """Return (k, 1, i) weights about the path's middle line, carried straight on beyond its ends."""
    dz, _, di = (float(v) for v in coarse.grid.spacing_kji_mm)
    z = np.arange(ends.start, ends.stop) * dz
    reach = min(60.0, float(z[-1] - z[0]))
    column = ndimage.gaussian_filter1d(path[ends, 1], max(8.0 / dz, 0.5), mode="nearest")
    at = np.arange(wide.start, wide.stop) * dz
    middle = np.interp(at, z, column)
    for sign, edge in ((-1.0, z[0]), (1.0, z[-1])):
        near = np.abs(z - edge) <= reach
        if near.sum() >= 3:
            slope, _ = np.polyfit(z[near] - edge, column[near], 1)
            beyond = sign * (at - edge) > 0
            middle[beyond] = column[0 if sign < 0 else -1] + np.clip(slope, -0.3, 0.3) * (at[beyond] - edge)
    away = (np.arange(coarse.hu.shape[2])[None, :] - middle[:, None]) * di
    return np.exp(-0.5 * (away / _CORRIDOR_MM) ** 2)[:, None, :].astype(np.float32)
