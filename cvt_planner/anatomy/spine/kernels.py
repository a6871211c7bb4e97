"""The compiled loops of the search for the spine, in one file: editing another costs no compiling."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvt_planner.base.compiled import kernel, kernels_alone, parallel_kernel, prange


@kernel
def _cast(hu: Any, place: Any, rays: Any, reach: float, hits: Any) -> int:
    """Write how far each ray runs to bone, mm, 0 where it meets none; return how many, -1 if it runs into air."""
    nk, nj, ni = hu.shape
    met, air = 0, 0
    for n in range(rays.shape[0]):
        hits[n] = 0.0
        r = 2.0
        while r <= reach:
            k = int(place[0] + r * rays[n, 0] + 0.5)
            j = int(place[1] + r * rays[n, 1] + 0.5)
            i = int(place[2] + r * rays[n, 2] + 0.5)
            if k < 0 or k >= nk or j < 0 or j >= nj or i < 0 or i >= ni:
                break
            value = hu[k, j, i]
            if value > 160:
                hits[n] = r
                met += 1
                break
            if value < -250:
                air += 1
                break
            r += 0.75
        if air > 2:
            return -1
    return met


@kernel
def _ring(hits: Any, met: int) -> float:
    """Return how much the hits look like a canal's wall: all round, 9 to 30 mm wide, alike on opposite sides."""
    n_rays = hits.shape[0]
    half = n_rays // 2
    near, pairs, bad, off = 0, 0, 0, 0.0
    for n in range(n_rays):
        if 0.0 < hits[n] < 3.5:
            near += 1
    for n in range(half):
        a, b = hits[n], hits[n + half]
        if a > 0.0 and b > 0.0:
            pairs += 1
            if a + b < 9.0 or a + b > 30.0:
                bad += 1
            off += abs(a - b) / (a + b)
    score = 0.75 * (met - near) / n_rays
    if pairs > 0:
        score -= 0.25 * bad / pairs + 0.3 * off / pairs
    return float(score)


@kernel
def _bodyness(hu: Any, place: Any, hits: Any, front: Any, left: Any) -> float:
    """Return how much bone or marrow, and neither fat nor air, lies in front: -1 to 1. Ray 0 runs to the front."""
    nk, nj, ni = hu.shape
    n_rays = hits.shape[0]
    ahead, seen = 0.0, 0
    for n in (n_rays - 1, 0, 1):
        if hits[n] > 0.0:
            ahead += hits[n]
            seen += 1
    ahead = ahead / seen if seen > 0 else 8.0
    bone, soft, all_of = 0, 0, 0
    for a in range(3, 19, 2):
        for b in range(-8, 9, 2):
            k = int(place[0] + (ahead + a) * front[0] + b * left[0] + 0.5)
            j = int(place[1] + (ahead + a) * front[1] + b * left[1] + 0.5)
            i = int(place[2] + (ahead + a) * front[2] + b * left[2] + 0.5)
            all_of += 1
            if k < 0 or k >= nk or j < 0 or j >= nj or i < 0 or i >= ni:
                continue
            if hu[k, j, i] > 75:
                bone += 1
            elif hu[k, j, i] < 20:
                soft += 1
    return (bone - soft) / all_of


@kernel
def _centre(hu: Any, k: int, j: int, i: int) -> float:
    """Return the mean HU of a place and its neighbours in the slice."""
    total = 0.0
    for b in range(-1, 2):
        for c in range(-1, 2):
            total += hu[k, j + b, i + c]
    return total / 9.0


@kernel
def section_score(hu: Any, place: Any, rays: Any, left: Any, hits: Any) -> float:
    """Return 0 to about 1.2, how much a place looks like the middle of a canal in one section.

    `rays` (n, 3) and `left` (3,) are steps in index space per mm; ray 0 runs to the front.
    """
    met = _cast(hu, place, rays, 17.0, hits)
    if met < 0.35 * rays.shape[0]:
        return 0.0
    score = _ring(hits, met) + 0.35 * _bodyness(hu, place, hits, rays[0], left)
    return score * score if score > 0.0 else 0.0


@parallel_kernel
def _score_sections(hu: Any, rays: Any, left: Any, out: Any) -> None:
    nk, nj, ni = hu.shape
    for k in prange(nk):
        hits = np.empty(rays.shape[0])
        place = np.empty(3)
        for j in range(2, nj - 2, 2):
            for i in range(2, ni - 2, 2):
                centre = _centre(hu, k, j, i)
                if centre < -60.0 or centre > 160.0:
                    continue
                place[0], place[1], place[2] = k, j, i
                # Marrow of a body eaten thin is as well surrounded, but brighter than what a canal holds.
                bright = min(max((centre - 60.0) / 60.0, 0.0), 1.0)
                out[k, j, i] = section_score(hu, place, rays, left, hits) * (1.0 - 0.5 * bright)
        # Every second place was looked at: the others lie between.
        for j in range(2, nj - 2, 2):
            for i in range(3, ni - 3, 2):
                out[k, j, i] = 0.5 * (out[k, j, i - 1] + out[k, j, i + 1])
        for j in range(3, nj - 3, 2):
            for i in range(2, ni - 2):
                out[k, j, i] = 0.5 * (out[k, j - 1, i] + out[k, j + 1, i])


@kernel
def score_places(hu: Any, places: Any, rays: Any, left: Any, out: Any) -> None:
    """Write the section score of (m, 3) places, each with its own (m, n, 3) rays and (m, 3) left."""
    hits = np.empty(rays.shape[1])
    nk, nj, ni = hu.shape
    for m in range(places.shape[0]):
        out[m] = 0.0
        k, j, i = int(places[m, 0] + 0.5), int(places[m, 1] + 0.5), int(places[m, 2] + 0.5)
        if 1 <= k < nk - 1 and 1 <= j < nj - 1 and 1 <= i < ni - 1:
            centre = _centre(hu, k, j, i)
            if -145.0 < centre < 160.0:  # the sacral canal is full of fat
                bright = min(max((centre - 50.0) / 50.0, 0.0), 1.0)
                out[m] = section_score(hu, places[m], rays[m], left[m], hits) * (1.0 - 0.7 * bright)


@kernel
def _best_before(total: Any, j: int, i: int, reach: int, cost_j: float, cost_i: float) -> tuple[float, int]:
    """Return the best of the places a path may come from, and which it is."""
    nj, ni = total.shape
    side = 2 * reach + 1
    best, where = -1e30, 0
    for b in range(max(-reach, -j), min(reach, nj - 1 - j) + 1):
        for c in range(max(-reach, -i), min(reach, ni - 1 - i) + 1):
            value = total[j + b, i + c] - cost_j * b * b - cost_i * c * c
            if value > best:
                best = value
                where = (b + reach) * side + c + reach
    return best, where


@kernel
def best_path(scores: Any, reach: int, dz: float, dj: float, di: float, steep_cost: float, path: Any) -> None:
    """Write the (k, 2) row and column of the path through all slices with the best sum of scores, less its slopes."""
    nk, nj, ni = scores.shape
    cost_j, cost_i = steep_cost * dj * dj / dz, steep_cost * di * di / dz
    total = scores[0] * np.float32(dz)
    came = np.zeros((nk, nj, ni), dtype=np.int16)
    side = 2 * reach + 1
    for k in range(1, nk):
        new = np.empty((nj, ni), dtype=np.float32)
        for j in range(nj):
            for i in range(ni):
                best, where = _best_before(total, j, i, reach, cost_j, cost_i)
                new[j, i] = best + scores[k, j, i] * dz
                came[k, j, i] = where
        total = new
    at = int(np.argmax(total))
    j, i = at // ni, at % ni
    for k in range(nk - 1, -1, -1):
        path[k, 0], path[k, 1] = j, i
        where = came[k, j, i]
        if k > 0:
            j, i = j + where // side - reach, i + where % side - reach


@kernel
def _edge(hu: Any, first: int, inner: float, bone: float, peak_reach: int) -> float:
    """Return where one ray enters bone, in steps: half-way between what is inside and the wall's peak; else NaN."""
    for r in range(first, hu.shape[0] - peak_reach):
        if hu[r] > bone:
            at = r + int(np.argmax(hu[r : r + peak_reach]))
            half = 0.5 * (inner + hu[at])
            while at > 0 and hu[at - 1] > half:
                at -= 1
            if at == 0:
                return np.nan
            return float(at - 1 + (half - hu[at - 1]) / max(hu[at] - hu[at - 1], 1e-3))
    return np.nan


@kernel
def ray_edges(hu: Any, step: float, bone: float, first: int, out: Any) -> None:
    """Write the distances (n, rays) to bone, mm, NaN where there is none."""
    ns, nr, _ = hu.shape
    peak_reach = int(3.0 / step)
    for n in range(ns):
        inner = hu[n, :, :first].mean()
        for ray in range(nr):
            out[n, ray] = step * _edge(hu[n, ray], first, inner, bone, peak_reach)


@kernel
def smooth_path(value: Any, cost: float, path: Any) -> None:
    """Fill `path` with the row of every column whose values sum highest, steps costing `cost` for each row."""
    m, n = value.shape
    total = value[:, 0].copy()
    came = np.zeros((n, m), dtype=np.int64)
    for s in range(1, n):
        new = np.empty(m)
        for a in range(m):
            best, where = -1e30, 0
            for b in range(max(a - 1, 0), min(a + 2, m)):
                here = total[b] - cost * abs(a - b)
                if here > best:
                    best, where = here, b
            new[a] = best + value[a, s]
            came[s, a] = where
        total = new
    at = 0
    for a in range(m):
        if total[a] > total[at]:
            at = a
    for s in range(n - 1, -1, -1):
        path[s] = at
        at = came[s, at]


@kernel
def _best_below(total: Any, gap: int, shortest: int, ratio: float) -> tuple[float, int]:
    """Return the best way to the disc below, by that disc's own distance to the next; -2 where there is none."""
    m = total.shape[0] - 1
    best, where = -1e30, -2
    for e in range(m + 1):
        if total[e] < -1e29:
            continue
        jump = 0.0 if e == m else 0.5 * (np.log(gap / (e + shortest)) / ratio) ** 2
        value = total[e] - 0.25 * jump
        if value > best:
            best, where = value, e
    return best, where


@kernel
def _trace_discs(came: Any, s: int, d: int, shortest: int, chosen: Any) -> int:
    """Write the places from low to high that end at a disc, and return how many."""
    none = came.shape[1] - 1
    count = 0
    while True:
        chosen[count] = s
        count += 1
        if d == none:
            break
        before = came[s, d]
        s -= d + shortest
        d = before
    chosen[:count] = chosen[:count][::-1].copy()
    return count


@kernel
def choose_discs(
    score: Any, period: Any, shortest: int, longest: int, sigma: float, ratio: float, empty: float, chosen: Any
) -> int:
    """Write where the discs lie, from low to high, and return how many.

    The sum of their scores, less what their distances depart from the period and from their neighbours', is largest.
    """
    n = len(score)
    m = longest - shortest + 1
    # total[s, d]: the best with a disc at s whose neighbour below lies d + shortest farther down; d = m: it has none.
    total = np.full((n, m + 1), -1e30)
    came = np.full((n, m + 1), -2, dtype=np.int64)
    best, bs, bd = -1e30, 0, m
    for s in range(n):
        total[s, m] = score[s] - empty * max(s - 1.1 * period[s], 0.0) / period[s]
        for d in range(min(m, s - shortest + 1)):
            p = s - d - shortest
            cost = 0.5 * ((d + shortest - 0.5 * (period[s] + period[p])) / sigma) ** 2
            if cost > 2.0:
                cost = 2.0 + 0.5 * (cost - 2.0) ** 0.5
            below, where = _best_below(total[p], d + shortest, shortest, ratio)
            if where > -2:
                total[s, d] = below - 0.25 * cost + score[s]
                came[s, d] = where
        above = empty * max(n - 1 - s - 1.1 * period[s], 0.0) / period[s]
        d = int(np.argmax(total[s]))
        if total[s, d] - above > best:
            best, bs, bd = total[s, d] - above, s, d
    return _trace_discs(came, bs, bd, shortest, chosen) if n > 0 else 0


@kernel
def fan(flat: Any, v0: float, u0: float, axis: Any, cosines: Any, sines: Any, step: float, out: Any) -> None:
    """Fill `out` with the values along rays about an axis of its own in every section."""
    ns, nv, nu = flat.shape
    for n in range(ns):
        for ray in range(cosines.shape[0]):
            for r in range(out.shape[2]):
                a = min(max(axis[n] + r * step * cosines[ray] - v0, 0.0), nv - 1.001)
                b = min(max(r * step * sines[ray] - u0, 0.0), nu - 1.001)
                a0, b0 = int(a), int(b)
                fa, fb = a - a0, b - b0
                out[n, ray, r] = (1.0 - fa) * ((1.0 - fb) * flat[n, a0, b0] + fb * flat[n, a0, b0 + 1]) + fa * (
                    (1.0 - fb) * flat[n, a0 + 1, b0] + fb * flat[n, a0 + 1, b0 + 1]
                )


@kernel
def best_outlines(gain: Any, limit: Any, prior: Any, pull: float, near: float, steep: int, out: Any) -> None:
    """Write the best closed outline of each section, in steps; it starts and ends at the ray towards the canal."""
    ns, nr, nn = gain.shape
    start = nr // 2
    value = np.empty((nr, nn))
    came = np.zeros((nr + 1, nn), dtype=np.int64)
    for n in range(ns):
        for ray in range(nr):
            for r in range(nn):
                if r < near or r > limit[n, ray]:
                    value[ray, r] = -1.0
                else:
                    value[ray, r] = gain[n, ray, r] - pull * (r - prior[n, ray]) ** 2
        first = int(limit[n, start])
        total = np.full(nn, -1e9)
        total[first] = 0.0
        for step in range(1, nr + 1):
            ray = (start + step) % nr
            new = np.full(nn, -1e9)
            for r in range(nn):
                best, where = -1e9, r
                for m in range(max(r - steep, 0), min(r + steep + 1, nn)):
                    here = total[m] - 0.02 * abs(m - r)
                    if here > best:
                        best, where = here, m
                new[r] = best + value[ray, r]
                came[step, r] = where
            total = new
        at = first
        for step in range(nr, 0, -1):
            out[n, (start + step) % nr] = at
            at = came[step, at]


@kernel
def plane_means(box: Any, lean: Any, first: float, out: Any) -> None:
    """Write the mean over a tilted plane through (s, v, u) values at each offset from `first` on; `lean` is (v, u)."""
    last = box.shape[0] - 1.001
    for n in range(out.shape[0]):
        total = 0.0
        for a in range(box.shape[1]):
            for b in range(box.shape[2]):
                s = min(max(first + n + lean[a, b], 0.0), last)
                s0 = int(s)
                f = s - s0
                total += (1.0 - f) * box[s0, a, b] + f * box[s0 + 1, a, b]
        out[n] = total / (box.shape[1] * box.shape[2])


def score_sections(hu: Any, rays: Any, left: Any, out: Any) -> None:
    """Write (k, j, i) how much each place looks like the middle of a canal; rays as for `section_score`."""
    with kernels_alone():
        _score_sections(hu, rays, left, out)
