"""Fetching a whole series: asking again for what is missing until all is here; less than all is never called whole."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.pacs.faults import ConnectionBroken, Incomplete, PacsRefused
from cvt_planner.imaging.pacs.found import ImageFound, checked_uid
from cvt_planner.imaging.pacs.patience import Patience, asked
from cvt_planner.imaging.pacs.peer import Peer
from cvt_planner.imaging.pacs.staging import Staging, folder_in_store, staging_of

_LISTED = 0.02  # of the progress: the list of images is known
_MOST_GROWTHS = 20  # how often a series may have grown while it was fetched; assumed


@dataclass(frozen=True)
class Retrieved:
    """A series that is here whole.

    Parameters
    ----------
    resumed
        Images that an earlier attempt had fetched.
    attempts
        How often the PACS was asked in this one.
    """

    folder: Path
    images: int
    resumed: int
    attempts: int
    bytes: int
    seconds: float


def retrieve_series(
    peer: Peer, study_uid: str, series_uid: str, out: Path, progress: Progress | None = None
) -> Retrieved:
    """Return what was fetched: the series' images, all of them, as files in the new folder `out`.

    Raises
    ------
    Incomplete
        If not all came; they are kept beside `out` and the next call goes on from there.
    InputRefused
        If there is no such series, the PACS refuses, or `out` is not new or empty.
    Cancelled
        If `progress` was stopped; what came is kept as well.
    """
    progress = progress or Progress()
    study_uid, series_uid = checked_uid(study_uid, "study"), checked_uid(series_uid, "series")
    images = _images(peer, study_uid, series_uid, progress)
    return _fetch(peer, study_uid, series_uid, images, out, progress)


def retrieve_into_store(
    peer: Peer, study_uid: str, series_uid: str, store: Path, progress: Progress | None = None
) -> Retrieved:
    """Return what was fetched into a folder of its own in `store`; at once where the same images are there already.

    Raises
    ------
    InputRefused, Incomplete, Cancelled
        As `retrieve_series`.
    """
    progress = progress or Progress()
    images = _images(peer, checked_uid(study_uid, "study"), checked_uid(series_uid, "series"), progress)
    out = folder_in_store(store, series_uid, images)
    if not staging_of(out).exists() and out.is_dir() and sum(1 for _ in out.iterdir()) == len(images):
        return Retrieved(out, len(images), len(images), 0, 0, 0.0)
    return _fetch(peer, study_uid, series_uid, images, out, progress)


def _images(peer: Peer, study_uid: str, series_uid: str, progress: Progress) -> tuple[ImageFound, ...]:
    progress.report(0.0, "Asking which images the series has")
    listing = progress.part(0.0, _LISTED)
    images = asked(peer.node, lambda: peer.images(study_uid, series_uid, listing), progress)
    if not images:
        raise PacsRefused(
            f"{peer.node.name} has no images of series {series_uid} in study {study_uid}. "
            "Check both numbers with 'pacs find'; the study may be archived, or not allowed for this workstation."
        )
    return images


def _fetch(
    peer: Peer, study_uid: str, series_uid: str, images: tuple[ImageFound, ...], out: Path, progress: Progress
) -> Retrieved:
    started = time.monotonic()
    staging = Staging(out, peer.node.name, study_uid, series_uid)
    staging.expect(images)
    resumed = staging.have
    attempts, last_look = 0, progress.part(0.99, 1.0)
    try:
        for _ in range(_MOST_GROWTHS):
            attempts += _until_all_here(peer, staging, progress)
            again = asked(peer.node, lambda: peer.images(study_uid, series_uid, last_look), progress, reached=True)
            if {image.sop_uid for image in again} <= set(staging.images):
                break
            staging.expect({image.sop_uid: image for image in (*staging.images.values(), *again)}.values())
        else:
            raise Incomplete(
                staging.have, staging.total, f"The series still grows on {peer.node.name}. Wait, then go on."
            )
    except Cancelled:
        raise Cancelled(f"Stopped. {staging.have} of {staging.total} images are kept; press Resume to go on.") from None
    except Incomplete as error:
        if error.have:
            raise
        staging.discard()
        raise PacsRefused(f"No image came. {error.reason}") from error
    except ConnectionBroken as error:  # at the last look whether the series has grown
        raise Incomplete(staging.have, staging.total, str(error)) from error
    staging.finish()
    progress.report(1.0, f"All {staging.total} images are here")
    return Retrieved(out, staging.total, resumed, attempts, staging.bytes_taken, time.monotonic() - started)


def _until_all_here(peer: Peer, staging: Staging, progress: Progress) -> int:
    """Return how often the PACS was asked until nothing was missing any more."""
    node = peer.node
    attempts, patience = 0, Patience(peer.node, progress, reached=True)

    def take(sop_uid: str, data: bytes) -> bool:
        kept = staging.take(sop_uid, data)
        done = staging.have / max(staging.total, 1)
        progress.report(_LISTED + (0.99 - _LISTED) * done, f"{staging.have} of {staging.total} images")
        return kept

    while missing := staging.missing():
        before = staging.have
        attempts += 1
        try:
            reason = peer.fetch(staging.study_uid, staging.series_uid, missing, before == 0, take, progress)
        except ConnectionBroken as error:
            reason = str(error)
        except (Incomplete, Cancelled):
            raise
        except InputRefused as error:
            if before == 0 and staging.have == 0:
                staging.discard()
                raise
            raise Incomplete(staging.have, staging.total, str(error)) from error
        progress.check()
        if not staging.missing():
            break
        if patience.ends(fruitful=staging.have > before):
            reason = reason or f"{node.name} says that it has sent all, but these did not come."
            raise Incomplete(staging.have, staging.total, reason)
        patience.wait(_LISTED, f"{staging.have} of {staging.total} images")
    return attempts
