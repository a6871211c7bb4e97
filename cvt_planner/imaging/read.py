"""Reading one series into a `Volume`."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from cvt_planner.base.arrays import HuArray
from cvt_planner.base.errors import InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging import compose
from cvt_planner.imaging.canonical import Turn
from cvt_planner.imaging.compose import gaps_of
from cvt_planner.imaging.fill import Means
from cvt_planner.imaging.find import Place, find_series
from cvt_planner.imaging.first_look import FirstLook
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.posture import Posture, is_known_position, position_words, posture_of
from cvt_planner.imaging.research import PLACE_UNKNOWN, read_research
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.sources import FileRef, Opener, patience_s
from cvt_planner.imaging.volume import Gap, Volume


def read_volume(
    source: Place | SeriesInfo,
    series_uid: str | None = None,
    progress: Progress | None = None,
    means: Means | None = None,
) -> Volume:
    """Return a series as a volume in HU, axes canonical (see `Volume`).

    No voxel is resampled unless slices lie unevenly or sheared, which the notices then say.

    Parameters
    ----------
    source
        A series of a listing, or a path as `find_series` takes it.
    series_uid
        Which series of the path; where it is not given, the one best for planning is taken, if all belong to one study.
    means
        What opens the files, where the voxels are put and who decodes them, if not the usual.

    Raises
    ------
    InputRefused
        If nothing readable is there, if several patients or studies are there and none was chosen, or if the series
        cannot be used; the text names the file or folder and says what to do.
    Cancelled
        If `progress` was stopped.
    """
    progress, means = progress or Progress(), means or Means()
    notices: tuple[str, ...] = ()
    if isinstance(source, SeriesInfo):
        info = source
    else:
        listing = find_series(source, progress.part(0.0, 0.3), means.opener())
        info, notices = choose(listing, series_uid)
    if not info.can_be_read:
        raise InputRefused(f"The series {info.label} of {info.source} cannot be used. {' '.join(info.reasons)}")
    reading = progress.part(0.0 if isinstance(source, SeriesInfo) else 0.3, 1.0)
    if info.is_research:
        place = Path(info.files[0])
        means.opener().enter(FileRef(place), patience_s(place.stat().st_size))
        hu, grid, remarks = read_research(place, reading)
        gaps: tuple[Gap, ...] = ()
        notices = (*info.reasons, *remarks, *notices)
        look = FirstLook(hu, grid)
    else:
        hu, grid, gaps, look = _read_slices(info, reading, means)
        notices = (*info.reasons, *notices)
    with ThreadPoolExecutor(1) as beside:  # it leaves the interpreter to what looks at the picture
        looking = beside.submit(look.finish, progress)
        posture = posture_of(hu, grid, info.identity.patient_position)
    content_hash, saturation = looking.result()
    if saturation is not None:
        notices = (*notices, saturation.words)
    if info.identity.contrast_agent:
        notices = (*notices, info.identity.contrast_words)
    sides = sides_of(info, posture)
    return Volume(
        hu=hu,
        grid=grid,
        patient=info.patient,
        series=replace(info.identity, modality=info.identity.modality or "CT"),
        content_hash=content_hash,
        source=info.source,
        notices=notices,
        gaps=gaps,
        measured_distance_mm=0.0 if info.is_research else info.slice_distance_mm or 0.0,
        saturation=saturation,
        posture=sides.posture,
        sides_confirmed=not sides.doubt,
        sides_reason=sides.doubt,
    )


@dataclass(frozen=True)
class Sides:
    """What the picture shows of how the patient lies, and why left and right may not be named (empty: they may)."""

    posture: Posture
    doubt: str


def sides_of(info: SeriesInfo, posture: Posture) -> Sides:
    """Return whether left and right of a series may be named from header and picture."""
    position = info.identity.patient_position
    if posture.verdict == "contradicts":
        return Sides(posture, f"Header and picture contradict each other. {' '.join(posture.contradictions)}")
    if info.is_research:
        return Sides(posture, PLACE_UNKNOWN if PLACE_UNKNOWN in info.reasons else "")
    if is_known_position(position):
        return Sides(posture, "")
    if position:
        return Sides(posture, f"The header's patient position is none of a lying patient: {position_words(position)}.")
    return Sides(posture, "The header does not say how the patient lies (no patient position).")


def choose(listing: SeriesListing, series_uid: str | None) -> tuple[SeriesInfo, tuple[str, ...]]:
    """Return the series to read and sentences about the choice.

    Raises
    ------
    InputRefused
        If there is none, or if it is not clear which patient or study is meant.
    """
    if series_uid:
        return _named(listing, series_uid), ()
    if not listing.series:
        raise InputRefused(listing.hint or f"{listing.path} holds no DICOM images. Choose the folder of a CT series.")
    best = listing.preferred
    if best is None:
        why = " ".join(f"{s.label}: {' '.join(s.reasons)}" for s in listing.series[:3])
        more = f" And {len(listing.series) - 3} more." if len(listing.series) > 3 else ""
        raise InputRefused(f"No series of {listing.path} can be used. {why}{more}")
    if len(listing.studies) > 1:
        raise InputRefused(
            f"{listing.path} holds CTs of {len(listing.studies)} patients or studies: {'; '.join(listing.studies)}. "
            f"Choose one series: {'; '.join(s.label for s in listing.readable[:6])}."
        )
    if len(listing.readable) == 1:
        return best, ()
    return best, (f"Of {len(listing.readable)} usable series this one was chosen: {best.label}.",)


def _named(listing: SeriesListing, series_uid: str) -> SeriesInfo:
    matches = [s for s in listing.series if s.uid == series_uid]
    if not matches:
        there = "; ".join(s.label for s in listing.series[:6]) or "none"
        raise InputRefused(f"{listing.path} holds no series {series_uid}. Series there: {there}.")
    if len(matches) > 1:
        raise InputRefused(
            f"{listing.path} holds series {series_uid} {len(matches)} times, of different patients or studies: "
            f"{'; '.join(s.owner for s in matches)}. Open the folder of one of them."
        )
    return matches[0]


def _read_slices(
    info: SeriesInfo, progress: Progress, means: Means
) -> tuple[HuArray, Grid, tuple[Gap, ...], FirstLook]:
    arrangement = info.arrangement
    assert arrangement is not None
    turn = Turn.of(arrangement.grid.lps_from_index)
    grid = turn.grid(arrangement.grid)
    try:
        hu = means.empty(grid.shape_kji)
    except MemoryError as fault:
        raise InputRefused(
            f"{info.source} does not fit into the memory of this computer. Choose a smaller series."
        ) from fault
    look = FirstLook(hu, grid)
    with means.opener() as opener:
        if arrangement.is_plain and not arrangement.gaps and not any(header.frame for header in info.slices):
            means.fill(opener, info.slices, hu, turn, progress, look.filled)
        else:
            kept = _KeepingOpener(opener)
            kept.open(info.slices[0].ref).close()
            compose.fill(turn.stored_view(hu), arrangement, lambda n: hu_slice(kept, info.slices[n]), progress)
    return hu, grid, gaps_of(arrangement, turn, grid), look


class _KeepingOpener(Opener):
    """Keeps the bytes of one ZIP member, so that a file of many frames is unpacked once and not for every frame."""

    def __init__(self, inner: Opener) -> None:
        super().__init__()
        self._inner = inner
        self._kept: tuple[FileRef, bytes] | None = None

    def open(self, ref: FileRef) -> BinaryIO:
        """Return a seekable stream of the file's bytes."""
        if not ref.member:
            return self._inner.open(ref)
        kept = self._kept
        if kept is None or kept[0] != ref:
            with self._inner.open(ref) as stream:
                kept = (ref, stream.read())
            self._kept = kept
        return io.BytesIO(kept[1])
