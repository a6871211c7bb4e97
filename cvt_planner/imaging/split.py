"""What is filed under one Series Instance UID but is not one stack: taken apart, never mixed, never dropped unsaid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cvt_planner.imaging.arrangement import arranged, is_even
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.identity import text_of
from cvt_planner.imaging.stack import COSINE_TOLERANCE, Stack, repeated_places, sorted_stack

MIN_SLICES = 3

SamePixels = Callable[[Sequence[SliceHeader]], bool]


@dataclass(frozen=True, eq=False)
class Part:
    """One stack out of a series: its slices without copies, remarks on how it came about, or why it is refused."""

    stack: Stack
    remarks: tuple[str, ...] = ()
    fault: str = ""


def parts_of(images: Sequence[SliceHeader], same_pixels: SamePixels) -> list[Part]:
    """Return the stacks of a series' images, the largest first; stacks of less than three slices only where no
    larger one is there (the larger ones say that they were set aside).

    Parameters
    ----------
    images
        Slices whose place and pixels are known, in any order.
    same_pixels
        Tells whether several images hold the same HU; asked only of images at the same place.
    """
    groups = _by_geometry(images)
    large = [group for group in groups if len(group) >= MIN_SLICES] or groups[:1]
    small = [h for group in groups if group not in large for h in group]
    parts = [part for group in large for part in _by_acquisition(group, same_pixels)]
    parts.sort(key=lambda p: (-len(p.stack.slices), p.stack.slices[0].order))
    if len(groups) == 1:
        return parts
    return [
        Part(p.stack, (_differing(len(images), len(p.stack.slices), small, len(large) > 1), *p.remarks), p.fault)
        for p in parts
    ]


def _differing(total: int, own: int, small: list[SliceHeader], listed: bool) -> str:
    kinds = "differ in orientation, size, spacing or frame of reference"
    where = "they are listed as series of their own" if listed else "they were set aside"
    if listed and small:
        where += f" ({len(small)} of them were set aside, first {small[0].short_name})"
    elif small:
        where += f", first {small[0].short_name}"
    return f"{total - own} of {total} images {kinds}: {where}."


def _by_geometry(images: Sequence[SliceHeader]) -> list[list[SliceHeader]]:
    """Return groups of one size, orientation, spacing and frame of reference, the largest first."""
    groups: list[list[SliceHeader]] = []
    for header in sorted(images, key=lambda h: h.order):
        group = next((g for g in groups if _same_stack(g[0], header)), None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    groups.sort(key=len, reverse=True)
    return groups


def _same_stack(one: SliceHeader, other: SliceHeader) -> bool:
    assert one.pixels is not None and other.pixels is not None
    if (one.pixels.rows, one.pixels.columns) != (other.pixels.rows, other.pixels.columns):
        return False
    if one.frame_of_reference_uid != other.frame_of_reference_uid:
        return False
    assert one.orientation is not None and other.orientation is not None
    assert one.spacing_mm is not None and other.spacing_mm is not None
    if (one.orientation, one.spacing_mm) == (other.orientation, other.spacing_mm):
        return True
    return bool(
        np.allclose(one.orientation, other.orientation, rtol=0, atol=COSINE_TOLERANCE)
        and np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-4, atol=0)
    )


def _by_acquisition(images: Sequence[SliceHeader], same_pixels: SamePixels) -> list[Part]:
    stack = sorted_stack(images)
    repeats = repeated_places(stack)
    conflict = next((g for g in repeats if not same_pixels([stack.slices[n] for n in g])), None)
    if conflict is None:
        single = _without(stack, {n for group in repeats for n in group[1:]})
        told = _told_apart(images, same_pixels) if _is_mixed_up(single) else []
        if told:
            return _acquisitions(told, "whose slices lie between each other")
        copies = (f"Identical copies of slices were left out ({len(stack.slices) - len(single.slices)}).",)
        return [Part(single, copies if repeats else ())]
    told = _told_apart(images, same_pixels)
    if told:
        return _acquisitions(told, "of the same place")
    names = " and ".join(stack.slices[n].short_name for n in conflict[:2])
    fault = (
        f"{names} lie at the same place but show different pictures ({len(repeats)} such places). The series is "
        "mixed up: export it again, each acquisition as a series of its own."
    )
    return [Part(stack, (), fault)]


def _is_mixed_up(stack: Stack) -> bool:
    """Return whether the slices lie unevenly, other than by some that are missing."""
    if len(stack.slices) < 2 * MIN_SLICES or is_even(stack):
        return False
    found = arranged(stack)
    return isinstance(found, str) or not found.gaps


def _without(stack: Stack, dropped: set[int]) -> Stack:
    return sorted_stack([h for n, h in enumerate(stack.slices) if n not in dropped]) if dropped else stack


def _acquisitions(told: list[Stack], how: str) -> list[Part]:
    words = f"The series holds {len(told)} acquisitions {how}"
    return [
        Part(s, (f"{words}; this is the one of {len(s.slices)} slices that begins with {s.slices[0].short_name}.",))
        for s in told
    ]


def _told_apart(images: Sequence[SliceHeader], same_pixels: SamePixels) -> list[Stack]:
    """Return the stacks that one of the headers' values tells apart, each even and without conflict; none if none."""
    for keyword in ("", "ImageType", "SliceThickness"):
        groups: dict[str, list[SliceHeader]] = {}
        for header in images:
            groups.setdefault(_value(header, keyword), []).append(header)
        if len(groups) < 2:
            continue
        stacks = [_one_stack(group, same_pixels) for group in groups.values()]
        clean = [s for s in stacks if s is not None]
        if len(clean) == len(stacks):
            return clean
    return []


def _value(header: SliceHeader, keyword: str) -> str:
    if keyword == "":
        return header.acquisition
    return "/".join(header.image_type) if keyword == "ImageType" else text_of(header.dataset, keyword)


def _one_stack(images: Sequence[SliceHeader], same_pixels: SamePixels) -> Stack | None:
    stack = sorted_stack(images)
    repeats = repeated_places(stack)
    if any(not same_pixels([stack.slices[n] for n in group]) for group in repeats):
        return None
    single = _without(stack, {n for group in repeats for n in group[1:]})
    return None if len(single.slices) < MIN_SLICES or _is_mixed_up(single) else single
