"""Finding the CT of a plan again, and refusing every other one."""

from __future__ import annotations

from pathlib import Path

from cvt_planner.base.errors import InputRefused, WrongPlan
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.content import known_as
from cvt_planner.imaging.isolation import find_series, read_volume
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import Plan, VolumeRef


def find_volume(
    plan: Plan, given_path: Path | str | None = None, progress: Progress | None = None, password: str = ""
) -> Volume:
    """Return the planning CT of a plan, proved to be the very one: same series, same geometry, same voxels.

    Parameters
    ----------
    given_path
        Where to look; without it, where the plan last saw it (`load_plan` has followed a CT that was moved with the
        plan file).
    password
        Of a protected ZIP; it is kept nowhere.

    Raises
    ------
    InputRefused
        If nothing is there or it cannot be read; the text asks for the CT's folder.
    WrongPlan
        If what is there is another series, or the same one with other pixels; the text names both.
    """
    progress = progress or Progress()
    wanted = plan.planning_volume
    path = _place(wanted, given_path)
    listing = find_series(path, progress.part(0.0, 0.2), password)
    if not listing.series:
        raise InputRefused(listing.hint or f"{path} holds no CT. Give the folder of the plan's CT (--ct FOLDER).")
    candidates = _candidates(listing, wanted)
    if not candidates:
        raise WrongPlan(
            f"The plan belongs to the series {_name(wanted)}, but {path} holds "
            f"{'; '.join(_found(s) for s in listing.series[:4])}. Give the folder of the plan's CT (--ct FOLDER)."
        )
    part = 0.8 / len(candidates)
    for number, candidate in enumerate(candidates):
        reading = progress.part(0.2 + number * part, 0.2 + (number + 1) * part)
        volume = known_as(read_volume(candidate, progress=reading, password=password), wanted.content_hash)
        if volume is not None:
            return volume
    raise WrongPlan(
        f"The plan belongs to the series {_name(wanted)} as it was when the plan was made, but the files of "
        f"{_found(candidates[0])} in {path} hold other slices or pixels: some are missing, were added or were changed. "
        "Give the folder of the unchanged CT (--ct FOLDER)."
    )


def _place(wanted: VolumeRef, given_path: Path | str | None) -> Path:
    if given_path is not None:
        path = Path(given_path).expanduser()
        if not path.exists():
            raise InputRefused(f"{path} does not exist. Give the folder of the plan's CT.")
        return path
    if not wanted.source or not Path(wanted.source).exists():
        place = f"was last seen at {wanted.source} and is not there" if wanted.source else "has no known place"
        raise InputRefused(
            f"The CT of this plan ({_name(wanted)}) {place}. Give the folder that holds it (--ct FOLDER)."
        )
    return Path(wanted.source)


def _candidates(listing: SeriesListing, wanted: VolumeRef) -> list[SeriesInfo]:
    """Return the series that may be the wanted one; a research volume has no UID, so all without one may be it."""
    same = [s for s in listing.series if s.identity.series_uid == wanted.series_uid]
    return sorted(same, key=lambda s: not s.can_be_read)


def _name(wanted: VolumeRef) -> str:
    return _name_of(wanted.description, wanted.acquired_at, wanted.series_uid)


def _found(info: SeriesInfo) -> str:
    return _name_of(info.description, info.identity.acquired_at, info.identity.series_uid or info.uid)


def _name_of(description: str, acquired_at: str, uid: str) -> str:
    return " ".join(part for part in (f"'{description or 'without description'}'", acquired_at[:10], uid) if part)
