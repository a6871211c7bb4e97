"""Small pictures of the series of a listing, as PNG files."""

from __future__ import annotations

from pathlib import Path

from cvt_planner.base.errors import InputRefused
from cvt_planner.imaging.isolation import thumbnail
from cvt_planner.imaging.series import SeriesListing
from cvt_planner.storage.png import png_bytes

LONGEST_PX = 256


def write_thumbnails(listing: SeriesListing, folder: Path, password: str = "") -> list[str | None]:
    """Return the file of each series' picture, in the order of the listing; None where a series has no picture.

    Raises
    ------
    InputRefused
        If `folder` is a file, or its parent does not exist.
    """
    if folder.exists() and not folder.is_dir():
        raise InputRefused(f"{folder} is a file. Give --thumbnails a folder.")
    if not folder.parent.is_dir():
        raise InputRefused(f"The folder {folder.parent} does not exist. Make it first, or choose another.")
    folder.mkdir(exist_ok=True)
    written: list[str | None] = []
    for n, info in enumerate(listing.series, start=1):
        made = thumbnail(info, LONGEST_PX, password=password)
        path = folder / f"series_{n:03d}.png"
        if made is not None:
            path.write_bytes(png_bytes(made.grey))
        written.append(None if made is None else str(path))
    return written
