"""Reading in a process of its own: a file that crashes, hangs or bloats its reader costs that file, not the program."""

from cvt_planner.imaging.isolation.door import (
    close,
    deidentify,
    find_series,
    identity_of,
    isolated,
    picture,
    read_segmentation,
    read_volume,
    thumbnail,
    warm_up,
)

__all__ = [
    "close",
    "deidentify",
    "find_series",
    "identity_of",
    "isolated",
    "picture",
    "read_segmentation",
    "read_volume",
    "thumbnail",
    "warm_up",
]
