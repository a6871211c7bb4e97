"""Finding and reading series as the window and the command line do: in the reading process."""

from __future__ import annotations

import atexit
import os
from dataclasses import replace
from pathlib import Path

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.deidentify import DeidOptions, DeidReport
from cvt_planner.imaging.deidentify import deidentify as deidentify_here
from cvt_planner.imaging.fill import Means
from cvt_planner.imaging.find import Place
from cvt_planner.imaging.find import find_series as find_here
from cvt_planner.imaging.headers import SliceHeader
from cvt_planner.imaging.isolation.reader import NO_ISOLATION, Reader
from cvt_planner.imaging.isolation.requests import Copy, Find, Identify, Look, Read, Segments
from cvt_planner.imaging.pacs.outgoing import identity_of as identity_here
from cvt_planner.imaging.read import read_volume as read_here
from cvt_planner.imaging.segmentation import Segmentation, Target
from cvt_planner.imaging.segmentation import read_segmentation as segmentation_here
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import Opener
from cvt_planner.imaging.thumbnails import THUMBNAIL_PX, Picture, pictured, window_of
from cvt_planner.imaging.thumbnails import picture as picture_here
from cvt_planner.imaging.volume import Volume

_READER = Reader()
atexit.register(_READER.close)


def isolated() -> bool:
    """Return whether images are read in a process of their own: always, unless the operator asked otherwise."""
    return os.environ.get(NO_ISOLATION, "") not in ("1", "true", "yes")


def warm_up() -> None:
    """Start the reading process, so that the first study opens at once; does not wait for it."""
    if isolated():
        _READER.warm_up()


def close() -> None:
    """End the reading process; the next request starts it again."""
    _READER.close()


def find_series(path: Place, progress: Progress | None = None, password: str = "") -> SeriesListing:
    """Return what `imaging.find.find_series` returns, found in the reading process.

    The slices of the listing carry what is needed to read them, not the other values of their headers.

    Parameters
    ----------
    password
        Of a protected ZIP; it is kept nowhere.
    """
    progress = progress or Progress()
    if not isolated():
        return find_here(path, progress, Opener(password))
    listing: SeriesListing = _READER.ask(Find(password, path=path), progress)
    return listing


def read_volume(
    source: Place | SeriesInfo,
    series_uid: str | None = None,
    progress: Progress | None = None,
    password: str = "",
) -> Volume:
    """Return what `imaging.read.read_volume` returns, read in the reading process.

    The voxels lie in memory that was filled there and is only handed over. `password` as in `find_series`.
    """
    progress = progress or Progress()
    if not isolated():
        return read_here(source, series_uid, progress, Means(lambda: Opener(password)))
    parts, voxels = _READER.ask(Read(password, source=source, series_uid=series_uid), progress)
    hu: HuArray = voxels.array
    voxels.release()
    # Made anew, so that its arrays are read-only as they were.
    parts["grid"] = replace(parts["grid"])
    return Volume(hu=hu, **parts)


def deidentify(
    path: str | Path,
    out: str | Path,
    options: DeidOptions | None = None,
    progress: Progress | None = None,
    password: str = "",
) -> DeidReport:
    """Return what `imaging.deidentify.deidentify` returns; the files are read and the copies written apart."""

    def apart(path: str | Path, folder: Path, options: DeidOptions, progress: Progress) -> DeidReport:
        report: DeidReport = _READER.ask(Copy(password, path=path, folder=folder, options=options), progress)
        return report

    return deidentify_here(path, out, options, progress, password, apart if isolated() else None)


def identity_of(data: bytes) -> tuple[str, str]:
    """Return what `imaging.pacs.outgoing.identity_of` returns, parsed in the reading process."""
    if not isolated():
        return identity_here(data)
    found: tuple[str, str] = _READER.ask(Identify(data=data), Progress())
    return found


def read_segmentation(path: Path | str, target: Target, progress: Progress | None = None) -> Segmentation:
    """Return what `imaging.segmentation.read_segmentation` returns, read in the reading process."""
    progress = progress or Progress()
    if not isolated():
        return segmentation_here(path, target, progress)
    made: Segmentation = _READER.ask(Segments(path=path, target=target), progress)
    # Made anew, so that their arrays are read-only as they were.
    return replace(made, segments=tuple(replace(s, grid=replace(s.grid)) for s in made.segments))


def picture(
    header: SliceHeader,
    longest_px: int,
    window_hu: tuple[float, float] | None,
    progress: Progress | None = None,
    password: str = "",
) -> Picture:
    """Return what `imaging.thumbnails.picture` returns, decoded in the reading process."""
    progress = progress or Progress()
    if not isolated():
        with Opener(password) as opener:
            return picture_here(opener, header, longest_px, window_hu)
    request = Look(password, header=header, longest_px=longest_px, window_hu=window_hu)
    made: Picture = _READER.ask(request, progress)
    return made


def thumbnail(
    info: SeriesInfo, longest_px: int = THUMBNAIL_PX, progress: Progress | None = None, password: str = ""
) -> Picture | None:
    """Return the small picture of a series, from one image's pixels; None where it has none that can be shown."""
    for header in pictured(info)[:1]:
        try:
            return picture(header, longest_px, window_of(info), progress, password)
        except InputRefused:
            return None
    return None
