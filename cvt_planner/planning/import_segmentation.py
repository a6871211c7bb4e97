"""From a segmentation made elsewhere to the spine, the levels and the lesions it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvt_planner.anatomy.lesion.figures import lesion_figures
from cvt_planner.anatomy.lesion_shape import Region
from cvt_planner.anatomy.spine.imported import NamedVertebra, spine_from_segments
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.anatomy.structure_names import (
    OTHER,
    Numbering,
    Structure,
    guess_numbering,
    structure_named,
    structure_numbered,
)
from cvt_planner.base.progress import Progress
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.segmentation import Segment, Segmentation
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import LesionKind

Use = Literal["vertebra", "canal", "lesion", "left out"]


@dataclass(frozen=True)
class Meaning:
    """What one structure is taken for; `level` of vertebrae only."""

    use: Use
    level: str = ""


@dataclass(frozen=True, eq=False)
class ImportedSpine:
    """A spine made of a segmentation's vertebrae, and the level that its maker gave each number."""

    spine: Spine
    names: dict[int, str]


def proposed_meanings(
    made: Segmentation, numbering: Numbering | None = None
) -> tuple[dict[int, Meaning], Numbering | None]:
    """Return what each structure probably is, by its number, and the numbering that was used.

    Names say it where the file has any; else the numbers, read in the numbering given, or in the one known numbering
    in which they stand in order along the body. Whatever is neither a vertebra nor the canal is left out; the operator
    may take it for a lesion.
    """
    if numbering is None and any(segment.name for segment in made.segments):
        return {s.number: _meaning(structure_named(s.name)) for s in made.segments}, None
    if numbering is None:
        heights = [float(s.grid.lps_of(np.argwhere(s.mask).mean(axis=0))[2]) for s in made.segments]
        numbering = guess_numbering([s.number for s in made.segments], heights)
    if numbering is None:
        return {s.number: _meaning(OTHER) for s in made.segments}, None
    return {s.number: _meaning(structure_numbered(s.number, numbering)) for s in made.segments}, numbering


def _meaning(structure: Structure) -> Meaning:
    if structure.role == "vertebra":
        return Meaning("vertebra", structure.level)
    return Meaning("canal") if structure.role == "canal" else Meaning("left out")


def imported_spine(
    found: Spine, grid: Grid, made: Segmentation, meanings: Mapping[int, Meaning]
) -> ImportedSpine | None:
    """Return the spine of the structures that are taken for vertebrae; None where there are none.

    Raises
    ------
    InputRefused
        As `spine_from_segments` does.
    """
    vertebrae = [
        NamedVertebra(meanings[s.number].level, s) for s in made.segments if meanings[s.number].use == "vertebra"
    ]
    if not vertebrae:
        return None
    canal = next(iter(used_as("canal", made.segments, meanings)), None)
    spine, names = spine_from_segments(found, grid, vertebrae, canal, made.source)
    return ImportedSpine(spine, names)


@dataclass(frozen=True, eq=False)
class ImportedLesion:
    """A structure that is taken for a lesion: what it is called, its voxels, and what its HU look like."""

    name: str
    region: Region
    kind: LesionKind


def imported_lesions(
    volume: Volume, spine: Spine | None, segments: Sequence[Segment], progress: Progress
) -> tuple[ImportedLesion, ...]:
    """Return structures as lesions; one whose HU do not tell its kind counts as lytic, to be corrected."""
    made = []
    for n, segment in enumerate(segments):
        progress.report(n / len(segments), f"Lesion {n + 1} of {len(segments)}")
        region = Region.of_mask(segment.mask, segment.grid)
        kind = lesion_figures(volume, region, spine).kind
        made.append(ImportedLesion(segment.name, region, LesionKind(kind) if kind else LesionKind.LYTIC))
    return tuple(made)


def used_as(use: Use, segments: Sequence[Segment], meanings: Mapping[int, Meaning]) -> list[Segment]:
    """Return the structures that are taken for something."""
    return [s for s in segments if meanings[s.number].use == use]
