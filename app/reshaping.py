"""Reshaping the chosen lesion: one step of `anatomy.lesion.reshape`, beside the window, as one undo step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from app.desk import Desk
from cvt_planner.anatomy.lesion import reshape
from cvt_planner.anatomy.lesion.box import labels_on
from cvt_planner.anatomy.lesion.ground import nearest_vertebra
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.anatomy.spine.model import Part
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan import lesion_edits
from cvt_planner.plan.model import Lesion

_T = TypeVar("_T")
_JOB = "reshape lesion"
Reshape = Callable[[Region], Region]
NORMALS = {"axial": (0.0, 0.0, 1.0), "coronal": (0.0, 1.0, 0.0), "sagittal": (1.0, 0.0, 0.0)}


def change(desk: Desk, step: Reshape, words: str) -> None:
    """Give the chosen lesion another outline."""
    _with_region(
        desk,
        words,
        step,
        lambda lesion, region: desk.apply(lesion_edits.correct_lesion(lesion.id, region), f"{words}: {lesion.name}"),
    )


def split(desk: Desk) -> None:
    """Make lesions of their own of the parts that do not hang together."""

    def done(lesion: Lesion, parts: tuple[Region, ...]) -> None:
        if len(parts) < 2:
            desk.say(f"{lesion.name} hangs together. Cut it at the crosshair instead, or erase a gap.", "look")
            return
        desk.apply(lesion_edits.split_lesion(lesion.id, parts), f"Split {lesion.name}")

    _with_region(desk, "Split", reshape.parts, done)


def cut(desk: Desk, orientation: str) -> None:
    """Cut the chosen lesion in two along a plane through the crosshair."""
    at, normal = desk.view_state.crosshair_lps_mm, np.array(NORMALS[orientation])
    _with_region(
        desk,
        "Cut",
        lambda region: reshape.cut(region, at, normal),
        lambda lesion, halves: desk.apply(lesion_edits.split_lesion(lesion.id, halves), f"Cut {lesion.name}"),
    )


def join(desk: Desk, other_id: str) -> None:
    """Put another lesion into the chosen one; its needles come with it."""
    volume, plan = desk.volume, desk.plan
    if volume is None or plan is None:
        return
    other = plan.lesion(other_id)
    _with_region(
        desk,
        "Join",
        lambda region: reshape.joined(region, reshape.region_on(other.shape, volume.grid), volume.grid),
        lambda lesion, both: desk.apply(
            lesion_edits.join_lesions(lesion.id, other_id, both), f"Join {lesion.name} and {other.name}"
        ),
    )


def keep_in_bone(desk: Desk) -> None:
    """Take away what of the chosen lesion lies beyond its vertebra."""
    spine, lesion = desk.workspace.state.spine, desk.lesion
    vertebra = None if spine is None or lesion is None else nearest_vertebra(spine, lesion.centre_lps_mm)
    if spine is None or vertebra is None:
        desk.say("The spine is not found yet, so the bone's surface is not known. Find the spine first.", "look")
        return

    def inside(region: Region) -> Region:
        own = labels_on(spine, spine.vertebrae, region.grid) == vertebra.number
        return reshape.within(region, own & (labels_on(spine, spine.parts, region.grid) != Part.CANAL))

    change(desk, inside, "Keep to the bone")


def _with_region(desk: Desk, words: str, step: Callable[[Region], _T], done: Callable[[Lesion, _T], object]) -> None:
    """Run a step on the chosen lesion as a region of the CT's voxels, and hand over what it makes."""
    lesion, volume = desk.lesion, desk.volume
    if lesion is None or volume is None:
        return
    open_volume: Volume = volume

    def work(progress: Progress) -> _T:
        progress.report(0.0, words)
        return step(reshape.region_on(lesion.shape, open_volume.grid))

    def apply(result: _T) -> None:
        now = desk.plan.lesions if desk.plan is not None else ()
        if any(x.id == lesion.id and x.shape is lesion.shape for x in now):  # else it was changed in the meantime
            done(lesion, result)

    desk.run(_JOB, words, work, apply, shown=False)
