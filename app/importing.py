"""Segmentations made elsewhere: read from a file or made by TotalSegmentator, asked about, and put to use."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.desk import Desk
from app.dialogs import Dialogs
from app.growing import add_lesion
from app.panels.segmentation_dialog import SegmentationDialog
from cvt_planner.anatomy.lesion_shape import Origin
from cvt_planner.anatomy.spine.pipeline import find_spine
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.isolation import read_segmentation
from cvt_planner.imaging.segmentation import Segmentation, Target
from cvt_planner.imaging.segmentation.totalsegmentator import ABSENT, find_totalsegmentator, run_totalsegmentator
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.import_edits import mark_imported
from cvt_planner.planning.import_segmentation import (
    ImportedLesion,
    ImportedSpine,
    Meaning,
    imported_lesions,
    imported_spine,
    used_as,
)

_PURPOSE = "segmentation"


class Importing:
    """The two ways to a segmentation, and what becomes of it."""

    def __init__(self, desk: Desk, dialogs: Dialogs, parent: QWidget) -> None:
        self.desk = desk
        self.dialogs = dialogs
        self._parent = parent

    def from_file(self) -> None:
        """Ask for a file and read it beside the window."""
        volume = self.desk.volume
        path = self.dialogs.segmentation_file() if volume is not None else None
        if volume is None or path is None:
            return
        target = Target(volume.grid, volume.series.series_uid, volume.series.study_uid)
        self.desk.run(
            _PURPOSE,
            f"Reading {path.name}",
            lambda progress: read_segmentation(path, target, progress),
            lambda made: self._ask(volume, made),
        )

    def from_totalsegmentator(self) -> None:
        """Run TotalSegmentator on the open CT beside the window; say so where it is not installed."""
        volume = self.desk.volume
        if volume is None:
            return
        if find_totalsegmentator() is None:
            self.desk.say(ABSENT, "look")
            return
        self.desk.run(
            _PURPOSE,
            "TotalSegmentator",
            lambda progress: run_totalsegmentator(volume, progress),
            lambda made: self._ask(volume, made),
        )

    def _ask(self, volume: Volume, made: Segmentation) -> None:
        if self.desk.volume is not volume:
            return
        dialog = SegmentationDialog(made, self._parent)
        dialog.wanted.connect(lambda meanings: self._use(volume, made, meanings))
        dialog.open()

    def _use(self, volume: Volume, made: Segmentation, meanings: Mapping[int, Meaning]) -> None:
        known = self.desk.workspace.state.spine

        def work(progress: Progress) -> tuple[ImportedSpine | None, tuple[ImportedLesion, ...]]:
            imported, spine = None, known
            if any(meaning.use == "vertebra" for meaning in meanings.values()):
                found = known or find_spine(volume, progress=progress.part(0.0, 0.6))
                imported = imported_spine(found, volume.grid, made, meanings)
                spine = imported.spine if imported is not None else known
            segments = used_as("lesion", made.segments, meanings)
            return imported, imported_lesions(volume, spine, segments, progress.part(0.7, 1.0))

        def done(both: tuple[ImportedSpine | None, tuple[ImportedLesion, ...]]) -> None:
            if self.desk.volume is volume:
                self._put(made, *both)

        self.desk.run(_PURPOSE, f"Taking over {Path(made.source).name}", work, done)

    def _put(self, made: Segmentation, imported: ImportedSpine | None, lesions: tuple[ImportedLesion, ...]) -> None:
        name, said = Path(made.source).name, []
        if imported is not None:
            self.desk.workspace.put_spine(imported.spine)
            self.desk.apply(mark_imported(imported.spine, imported.names), "Import vertebrae")
            names = list(imported.names.values())
            said.append(f"{names[0]} to {names[-1]} from {name}. Confirm one level before you rely on the names.")
        for lesion in lesions:
            add_lesion(self.desk, lesion.region, lesion.kind, Origin.IMPORTED, lesion.name)
        if lesions:
            said.append(f"{len(lesions)} lesion{'s' if len(lesions) > 1 else ''} from {name}: look at the outline.")
        self.desk.say(" ".join(said), "done")
