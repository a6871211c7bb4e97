"""Body, lungs and air of a CT, at once; and the aorta, once the spine is found."""

from __future__ import annotations

from dataclasses import replace

from cvt_planner.anatomy.organs import aorta
from cvt_planner.anatomy.organs.air import air_labels
from cvt_planner.anatomy.organs.body import body_of
from cvt_planner.anatomy.organs.model import Organs
from cvt_planner.anatomy.organs.rims import rims_of
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.progress import Progress
from cvt_planner.base.remembered import Remembered
from cvt_planner.imaging.volume import Volume

_KNOWN: Remembered[Organs] = Remembered(1)


def find_organs(volume: Volume, progress: Progress | None = None) -> Organs:
    """Return body, lungs and air of a CT, kept as long as the CT is; the aorta is not looked for yet.

    Raises
    ------
    Cancelled
        If `progress` was stopped.
    """
    progress = progress or Progress()
    progress.report(0.0, "Finding the skin")

    def make() -> Organs:
        body = body_of(volume)
        progress.report(0.8, "Finding the lungs")
        words = aorta.NOT_YET if aorta.may_be_seen(volume) else aorta.NO_CONTRAST
        found = Organs(body.grid, air_labels(body), volume.content_hash, None, words)
        rims_of(found)  # here and not at the first needle, whose drag must not wait
        return found

    return _KNOWN.get(volume, "organs", make)


def with_aorta(organs: Organs, volume: Volume, spine: Spine, progress: Progress | None = None) -> Organs:
    """Return the same with the aorta along a found spine, where contrast medium shows it; `aorta_words` says how.

    Raises
    ------
    Cancelled
        If `progress` was stopped.
    """
    if not aorta.may_be_seen(volume):
        return organs
    if not spine.found:
        return replace(organs, aorta=None, aorta_words=aorta.NO_SPINE)
    found = aorta.find_aorta(volume, spine, progress)
    if found is None:
        return replace(organs, aorta=None, aorta_words=aorta.NOT_SEEN)
    z = found.centres_lps_mm[:, 2]
    words = (
        f"The aorta was followed over {abs(float(z[-1] - z[0])):.0f} mm beside the spine (blood {found.hu:.0f} HU); "
        "beyond, distances to it are not known."
    )
    return replace(organs, aorta=found, aorta_words=words)
