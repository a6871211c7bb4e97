"""Whether the images of one series make a volume that can be planned on, and if not, why: in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom import uid

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.pixels import LOSSY, layout_fault
from cvt_planner.imaging.series import REFUSED, USABLE, WARNING
from cvt_planner.imaging.stack import (
    COSINE_TOLERANCE,
    Stack,
    cosine_fault,
    orientation_name,
    repeated_places,
    sorted_stack,
    spacing_fault,
)

MIN_SLICES = 3
THICK_MM = 1.5  # planning threshold: above it a pedicle's isthmus is a voxel or two high; assumed
MAX_VOXELS = 2_000_000_000  # 4 GB of HU; assumed
MAX_SPACING_MM = 10.0  # between pixels; assumed, beyond any CT

_ENHANCED = {uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage}
_OBJECTS = {
    "1.2.840.10008.5.1.4.1.1.7": "a secondary capture (a screen picture), not a CT slice",
    "1.2.840.10008.5.1.4.1.1.88": "a structured report (a dose report or findings), not a CT slice",
    "1.2.840.10008.5.1.4.1.1.66": "a registration or segmentation, not a CT slice",
    "1.2.840.10008.5.1.4.1.1.481": "a radiotherapy object, not a CT slice",
    "1.2.840.10008.5.1.4.1.1.11": "a presentation state, not a CT slice",
    "1.2.840.10008.5.1.4.1.1.104": "a document, not a CT slice",
}
_SCREENS = {"SCREEN SAVE", "DOSE_INFO", "PROJECTION IMAGE"}


@dataclass(frozen=True, eq=False)
class Judgement:
    """A verdict, its reasons, and, unless refused, the slices in order and where they lie."""

    verdict: str
    reasons: tuple[str, ...]
    slices: tuple[SliceHeader, ...] = ()
    grid: Grid | None = None
    slice_distance_mm: float | None = None
    orientation: str = ""


@dataclass
class _Reasons:
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def judge(headers: Sequence[SliceHeader], same_pixels: Callable[[Sequence[SliceHeader]], bool]) -> Judgement:
    """Return the verdict on the images of one series.

    Parameters
    ----------
    headers
        All images under one Series Instance UID, in any order; at least one.
    same_pixels
        Tells whether several images hold the same HU; asked only of images at the same place.
    """
    kinds = {id(h): kind_fault(h) for h in headers}
    images = [h for h in headers if not kinds[id(h)]]
    if not images:
        return Judgement(REFUSED, _distinct([f"{h.ref.short_name} is {kinds[id(h)]}." for h in headers], len(headers)))
    reasons = _Reasons()
    set_aside = Counter(kind for kind in kinds.values() if kind)
    reasons.warnings.extend(f"{n} image{'s' if n > 1 else ''} set aside: {kind}." for kind, n in set_aside.items())
    damaged = [f"{h.ref.name} {fault}" for h in images if (fault := image_fault(h))]
    if damaged:
        return Judgement(REFUSED, _distinct(damaged, len(damaged)))
    stack = _single_stack(images, reasons)
    if stack is not None:
        stack = _without_repeats(stack, same_pixels, reasons)
    if stack is None:
        return Judgement(REFUSED, tuple(reasons.refused))
    return _judged_stack(stack, reasons)


def _distinct(sentences: list[str], count: int) -> tuple[str, ...]:
    """Return the first sentence, and how many more files there are like it."""
    more = f" The same or similar holds for {count - 1} more of its files." if count > 1 else ""
    return (sentences[0] + more,)


def kind_fault(header: SliceHeader) -> str:
    """Return what the image is, when it is no slice of a CT volume; else an empty string."""
    for prefix, kind in _OBJECTS.items():
        if header.sop_class == prefix or header.sop_class.startswith(prefix + "."):
            return kind
    if header.modality != "CT":
        return f"an image of modality {header.modality or 'unknown'}, not CT"
    if header.pixels is None:  # a slice cut off before its picture is damaged, which is judged later
        return "" if header.sop_class in ("", uid.CTImageStorage) else "an object without a picture"
    if "LOCALIZER" in header.image_type:
        return "a localiser (scout view), not a slice"
    if _SCREENS & set(header.image_type):
        return "a derived picture (projection or screen page), not a slice"
    if header.sop_class in _ENHANCED or header.pixels.frames > 1:
        return "a multi-frame image, which is not read yet: ask for the series as single-frame (classic) CT images"
    if header.pixels.samples != 1:
        return f"a {header.pixels.photometric or 'colour'} picture, not a CT slice in HU"
    return ""


def image_fault(header: SliceHeader) -> str:
    """Return why a CT slice cannot be used, as the end of a sentence beginning with its name; else an empty string."""
    layout = header.pixels
    if layout is None:
        return "is truncated: its header ends before the picture. Copy or export the series again."
    return layout_fault(layout) or _rescale_fault(header) or _place_fault(header)


def _rescale_fault(header: SliceHeader) -> str:
    if header.slope is None or header.intercept is None or header.slope == 0:
        return "has no rescale slope and intercept, so that its HU are unknown. Export the original series."
    if header.rescale_type not in ("", "HU", "HU_MOD", "US"):
        return f"is not in Hounsfield units but in {header.rescale_type}. Choose the series in HU."
    return ""


def _place_fault(header: SliceHeader) -> str:
    if header.spacing_mm is None or not all(0 < s <= MAX_SPACING_MM for s in header.spacing_mm):
        return "has no usable pixel spacing, so that nothing can be measured. Export the original series."
    if header.orientation is None or header.position is None:
        return "has no orientation or no position in the patient. Export the original series."
    if cosine_fault(header.orientation):
        return "has direction cosines that are not two perpendicular unit vectors. Export the original series."
    return ""


def _single_stack(images: Sequence[SliceHeader], reasons: _Reasons) -> Stack | None:
    """Return the largest stack of one size, orientation, spacing and frame of reference; None where there are two."""
    groups: list[list[SliceHeader]] = []
    for header in sorted(images, key=lambda h: h.ref):
        group = next((g for g in groups if _same_stack(g[0], header)), None)
        if group is None:
            groups.append([header])
        else:
            group.append(header)
    groups.sort(key=len, reverse=True)
    if len(groups) > 1:
        others = sum(len(g) for g in groups[1:])
        if len(groups[1]) == len(groups[0]) >= MIN_SLICES:
            reasons.refused.append(
                f"The series mixes {len(groups)} stacks of different orientation, size, spacing or frame of reference; "
                f"two have {len(groups[0])} slices each, and it is not clear which is meant. "
                "Export them as series of their own."
            )
            return None
        reasons.warnings.append(
            f"{others} of {len(images)} images differ in orientation, size, spacing or frame of reference: "
            "they were set aside."
        )
    return sorted_stack(groups[0])


def _same_stack(one: SliceHeader, other: SliceHeader) -> bool:
    assert one.pixels is not None and other.pixels is not None
    if (one.pixels.rows, one.pixels.columns) != (other.pixels.rows, other.pixels.columns):
        return False
    if one.frame_of_reference_uid != other.frame_of_reference_uid:
        return False
    assert one.orientation is not None and other.orientation is not None
    assert one.spacing_mm is not None and other.spacing_mm is not None
    return bool(
        np.allclose(one.orientation, other.orientation, rtol=0, atol=COSINE_TOLERANCE)
        and np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-4, atol=0)
    )


def _without_repeats(
    stack: Stack, same_pixels: Callable[[Sequence[SliceHeader]], bool], reasons: _Reasons
) -> Stack | None:
    repeats = repeated_places(stack)
    if not repeats:
        return stack
    conflict = next((g for g in repeats if not same_pixels([stack.slices[n] for n in g])), None)
    if conflict is None:
        dropped = {n for group in repeats for n in group[1:]}
        reasons.warnings.append(f"Identical copies of slices were left out ({len(dropped)}).")
        return sorted_stack([h for n, h in enumerate(stack.slices) if n not in dropped])
    parts: dict[str, list[SliceHeader]] = {}
    for header in stack.slices:
        parts.setdefault(header.acquisition, []).append(header)
    clean = [part for part in parts.values() if not repeated_places(sorted_stack(part))]
    if len(parts) > 1 and len(clean) == len(parts):
        largest = max(clean, key=len)
        reasons.warnings.append(
            f"The series holds {len(parts)} acquisitions of the same place; the one of {len(largest)} slices "
            f"that begins with {largest[0].ref.short_name} was taken."
        )
        return sorted_stack(largest)
    names = " and ".join(stack.slices[n].ref.short_name for n in conflict[:2])
    reasons.refused.append(
        f"{names} lie at the same place but show different pictures ({len(repeats)} such places). The series is "
        "mixed up: export it again, each acquisition as a series of its own."
    )
    return None


def _judged_stack(stack: Stack, reasons: _Reasons) -> Judgement:
    count, first = len(stack.slices), stack.slices[0]
    assert first.pixels is not None
    orientation = orientation_name(stack.normal)
    if count < MIN_SLICES:
        few = f"It has only {count} of the {MIN_SLICES} or more slices of a volume ({first.ref.short_name})."
        return Judgement(REFUSED, (few, *reasons.warnings), orientation=orientation)
    fault = spacing_fault(stack)
    if not fault and count * first.pixels.rows * first.pixels.columns > MAX_VOXELS:
        fault = f"The series has over {MAX_VOXELS:.0e} voxels, which is implausible. Choose a smaller field of view."
    if fault:
        return Judgement(REFUSED, (fault, *reasons.warnings), orientation=orientation)
    reasons.warnings.extend(_remarks(stack))
    verdict = WARNING if reasons.warnings else USABLE
    return Judgement(verdict, tuple(reasons.warnings), stack.slices, stack.grid(), stack.step_mm, orientation)


def thick_remark(slice_distance_mm: float) -> list[str]:
    """Return the sentence for slices over `THICK_MM` apart, or nothing."""
    if slice_distance_mm <= THICK_MM:
        return []
    return [
        f"Slices lie {slice_distance_mm:.1f} mm apart: pedicle widths are not judged, and clearances are uncertain by "
        f"{slice_distance_mm / 2:.1f} mm along the body axis."
    ]


def _remarks(stack: Stack) -> list[str]:
    remarks = thick_remark(stack.step_mm)
    layouts = [h.pixels for h in stack.slices if h.pixels is not None]
    if any(h.lossy for h in stack.slices) or any(p.transfer_syntax in LOSSY for p in layouts):
        remarks.append("The pictures were compressed with loss: HU values and edges are approximate.")
    if any(h.rescale_type == "HU_MOD" for h in stack.slices):
        remarks.append("The header calls its values modified Hounsfield units: thresholds in HU may not hold.")
    first = stack.slices[0]
    if first.padding is not None and first.slope is not None and first.intercept is not None:
        outside = first.padding * first.slope + first.intercept
        if outside > -900:
            remarks.append(f"Voxels outside the scanned circle carry {outside:.0f} HU, which looks like tissue.")
    if not first.series_uid:
        remarks.append("The header names no series: its images were put together by their geometry.")
    return remarks
