"""What the images of a series are: slices, slices computed from others, a localiser, a captured screen, a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from cvt_planner.imaging.headers import SliceHeader

IMAGE, DERIVED, LOCALISER, CAPTURE, REPORT, OTHER = "image", "derived", "localiser", "capture", "report", "other"
KINDS = (IMAGE, DERIVED, LOCALISER, CAPTURE, REPORT, OTHER)

# SOP classes by their beginning (DICOM PS3.6).
_CAPTURES = ("1.2.840.10008.5.1.4.1.1.7",)
_REPORTS = ("1.2.840.10008.5.1.4.1.1.88", "1.2.840.10008.5.1.4.1.1.104")
_SCREENS = frozenset({"SCREEN SAVE", "DOSE_INFO"})
# Third and later values of ImageType, which say that slices were computed from others.
_COMPUTED = frozenset(
    ("REFORMATTED", "MPR", "MIP", "MIN_IP", "MINIP", "PROJECTION IMAGE", "RESAMPLED", "CSA MPR", "CPR", "CURVED",
     "SUBTRACTION", "MULTIPLANAR")
)  # fmt: skip


def kind_of(header: SliceHeader) -> str:
    """Return what one object is: one of `KINDS`."""
    return _kind_of(header.sop_class, header.image_type, header.modality == "CT" and header.pixels is not None)


@lru_cache(maxsize=256)  # the slices of a series are of one kind
def _kind_of(sop_class: str, image_type: tuple[str, ...], is_ct_picture: bool) -> str:
    terms = set(image_type)
    if _is_of(sop_class, _REPORTS):
        return REPORT
    if _is_of(sop_class, _CAPTURES) or terms & _SCREENS:
        return CAPTURE
    if not is_ct_picture:
        return OTHER
    if "LOCALIZER" in terms:
        return LOCALISER
    return DERIVED if image_type[:1] == ("DERIVED",) or terms & _COMPUTED else IMAGE


def kind_of_images(headers: Sequence[SliceHeader]) -> str:
    """Return what most objects of a series are; slices win over what lies beside them, such as one localiser."""
    counts = Counter(kind_of(header) for header in headers)
    for kind in (IMAGE, DERIVED):
        if counts[kind] >= 3:
            return kind
    return min(counts, key=lambda kind: (-counts[kind], KINDS.index(kind)))


def _is_of(sop_class: str, beginnings: Sequence[str]) -> bool:
    return any(sop_class == one or sop_class.startswith(f"{one}.") for one in beginnings)
