"""Whether the images of one series make a volume that can be planned on, and if not, why: in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydicom import uid

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.arrangement import Arrangement, arranged
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.pixels import LOSSY, layout_fault, padding_hu
from cvt_planner.imaging.series import REFUSED, USABLE, WARNING
from cvt_planner.imaging.split import MIN_SLICES, Part, SamePixels, parts_of
from cvt_planner.imaging.stack import Stack, cosine_fault, orientation_name

THICK_MM = 1.5  # planning threshold: above it a pedicle's isthmus is a voxel or two high; assumed
MAX_VOXELS = 2_000_000_000  # 4 GB of HU; assumed
MIN_SPACING_MM, MAX_SPACING_MM = 0.005, 10.0  # between pixels; assumed, beyond any CT, also of a specimen
MIN_SLOPE, MAX_SLOPE = 1e-3, 100.0  # of HU against stored values, which are 12 to 16 bits; assumed
MAX_INTERCEPT = 1e5  # assumed
MAX_POSITION_MM = 20_000.0  # of a slice from the frame's origin; assumed, a couch travels 2 m

MULTI_FRAME = (
    "a multi-frame image that does not say where each of its frames lies: ask for the series as single-frame (classic) "
    "CT images"
)
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
    """A verdict, its reasons, and, unless refused, the slices in order and how they make a volume.

    `headers` are all images it speaks of; `suffix` tells the stacks of one series apart ("" for the main one).
    """

    verdict: str
    reasons: tuple[str, ...]
    headers: tuple[SliceHeader, ...] = ()
    slices: tuple[SliceHeader, ...] = ()
    arrangement: Arrangement | None = None
    slice_distance_mm: float | None = None
    orientation: str = ""
    suffix: str = ""

    @property
    def grid(self) -> Grid | None:
        """Return where the volume's voxels lie, axes as stored."""
        return self.arrangement.grid if self.arrangement else None


def judge(headers: Sequence[SliceHeader], same_pixels: SamePixels) -> tuple[Judgement, ...]:
    """Return the verdicts on the images of one series: one per stack that it holds, the largest first.

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
        faults = [f"{h.short_name} is {kinds[id(h)]}." for h in headers]
        return (Judgement(REFUSED, _distinct(faults, len(headers)), tuple(headers)),)
    damaged = [f"{h.name} {fault}" for h in images if (fault := image_fault(h))]
    if damaged:
        return (Judgement(REFUSED, _distinct(damaged, len(damaged)), tuple(headers)),)
    set_aside = Counter(kind for kind in kinds.values() if kind)
    aside = tuple(f"{n} image{'s' if n > 1 else ''} set aside: {kind}." for kind, n in set_aside.items())
    parts = parts_of(images, same_pixels)
    sizes = [len(part.stack.slices) for part in parts]
    main = len(parts) == 1 or sizes[0] > sizes[1]
    return tuple(_judged_part(part, aside, "" if main and n == 0 else f"#{n + 1}") for n, part in enumerate(parts))


def _distinct(sentences: list[str], count: int) -> tuple[str, ...]:
    """Return the first sentence, and how many more files there are like it."""
    more = f" The same or similar holds for {count - 1} more of its files." if count > 1 else ""
    return (sentences[0] + more,)


def is_multiframe(header: SliceHeader) -> bool:
    """Return whether a file holds several pictures and has not been taken apart into its frames."""
    layout = header.pixels
    return not header.frame and layout is not None and (header.sop_class in _ENHANCED or layout.frames > 1)


def kind_fault(header: SliceHeader) -> str:
    """Return what the image is, when it is no slice of a CT volume; else an empty string."""
    if kind := _object_words(header.sop_class):
        return kind
    if header.modality != "CT":
        return f"an image of modality {header.modality or 'unknown'}, not CT"
    if header.pixels is None:  # a slice cut off before its picture is damaged, which is judged later
        return "" if header.sop_class in ("", uid.CTImageStorage) else "an object without a picture"
    if "LOCALIZER" in header.image_type:
        return "a localiser (scout view), not a slice"
    if _SCREENS & set(header.image_type):
        return "a derived picture (projection or screen page), not a slice"
    if is_multiframe(header):
        return MULTI_FRAME
    if header.pixels.samples != 1:
        return f"a {header.pixels.photometric or 'colour'} picture, not a CT slice in HU"
    return ""


@lru_cache(maxsize=256)  # the slices of a series share theirs
def _object_words(sop_class: str) -> str:
    return next((kind for prefix, kind in _OBJECTS.items() if f"{sop_class}.".startswith(f"{prefix}.")), "")


def image_fault(header: SliceHeader) -> str:
    """Return why a CT slice cannot be used, as the end of a sentence beginning with its name; else an empty string."""
    layout = header.pixels
    if layout is None:
        return "is truncated: its header ends before the picture. Copy or export the series again."
    return layout_fault(layout) or _rescale_fault(header) or _place_fault(header)


def _rescale_fault(header: SliceHeader) -> str:
    if header.slope is None or header.intercept is None or header.slope == 0:
        return "has no rescale slope and intercept that can be used: its HU are unknown. Export the original series."
    if header.slope < 0:
        return f"has a negative rescale slope ({header.slope:g}), as if bone were darker than air. Export it again."
    if not MIN_SLOPE <= header.slope <= MAX_SLOPE or not abs(header.intercept) <= MAX_INTERCEPT:
        rule = f"{header.slope:g} times the stored value plus {header.intercept:g}"
        return f"has an implausible rescale ({rule}), which gives no HU. Export the original series."
    if header.rescale_type not in ("", "HU", "HU_MOD", "US"):
        return f"is not in Hounsfield units but in {header.rescale_type}. Choose the series in HU."
    return ""


def _place_fault(header: SliceHeader) -> str:
    if header.spacing_mm is None or not all(MIN_SPACING_MM <= s <= MAX_SPACING_MM for s in header.spacing_mm):
        return "has no usable pixel spacing, so that nothing can be measured. Export the original series."
    if header.orientation is None or header.position is None:
        return "has no orientation or no position in the patient that can be used. Export the original series."
    if not all(abs(p) <= MAX_POSITION_MM for p in header.position):
        return "lies at an implausible place, metres away from any scanner. Export the original series."
    if cosine_fault(header.orientation):
        return "has direction cosines that are not two perpendicular unit vectors. Export the original series."
    return ""


def _judged_part(part: Part, aside: tuple[str, ...], suffix: str) -> Judgement:
    stack, remarks = part.stack, (*aside, *part.remarks)
    count, first = len(stack.slices), stack.slices[0]
    assert first.pixels is not None
    orientation = orientation_name(stack.normal)
    fault, arrangement = part.fault, None
    if not fault and count < MIN_SLICES:
        fault = f"It has only {count} of the {MIN_SLICES} or more slices of a volume ({first.short_name})."
    if not fault:
        found = arranged(stack)
        fault, arrangement = (found, None) if isinstance(found, str) else ("", found)
    if arrangement is not None and _voxels(arrangement) > MAX_VOXELS:
        fault = f"The series has over {MAX_VOXELS:.0e} voxels, which is implausible. Choose a smaller field of view."
    if fault or arrangement is None:
        return Judgement(REFUSED, (fault, *remarks), stack.slices, orientation=orientation, suffix=suffix)
    remarks += (*arrangement.remarks, *_remarks(stack, arrangement))
    return Judgement(
        WARNING if remarks else USABLE,
        remarks,
        stack.slices,
        stack.slices,
        arrangement,
        arrangement.widest_step_mm,
        orientation,
        suffix,
    )


def _voxels(arrangement: Arrangement) -> int:
    depth, rows, columns = arrangement.grid.shape_kji
    return depth * rows * columns


def thick_remark(slice_distance_mm: float) -> list[str]:
    """Return the sentence for slices over `THICK_MM` apart, or nothing."""
    if slice_distance_mm <= THICK_MM:
        return []
    return [
        f"Slices lie {slice_distance_mm:.1f} mm apart: pedicle widths are not judged, and clearances are uncertain by "
        f"{slice_distance_mm / 2:.1f} mm along the body axis."
    ]


def _remarks(stack: Stack, arrangement: Arrangement) -> list[str]:
    remarks = thick_remark(arrangement.widest_step_mm)
    layouts = [h.pixels for h in stack.slices if h.pixels is not None]
    if any(h.lossy for h in stack.slices) or any(p.transfer_syntax in LOSSY for p in layouts):
        remarks.append("The pictures were compressed with loss: HU values and edges are approximate.")
    if any(h.rescale_type == "HU_MOD" for h in stack.slices):
        remarks.append("The header calls its values modified Hounsfield units: thresholds in HU may not hold.")
    first = stack.slices[0]
    outside = padding_hu(first)
    if outside is not None:
        remarks.append(
            f"Voxels outside the scanned circle carry {outside:.0f} HU in the files; they were taken as air."
        )
    if not first.series_uid:
        remarks.append("The header names no series: its images were put together by their geometry.")
    return remarks
