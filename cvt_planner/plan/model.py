"""The plan: whose, on which CT, which lesions, which assemblies, how to freeze. Every part is frozen.

An edit is a function ``Plan -> Plan`` (`plan.edits`); undo is a list of plans (`plan.history`).
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.levels import USUAL, LevelScheme, is_level, is_name
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import DEFAULT_BONE_NEEDLE, BoneNeedleModel
from cvt_planner.devices.cryoprobe import DEFAULT_CRYOPROBE, CryoprobeModel
from cvt_planner.imaging.volume import Patient

IDENTITY_4: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
SHORTEST_PATH_MM = 5.0  # an entry nearer than this to its target defines no direction worth drawing


class LesionKind(StrEnum):
    """How the metastasis changes the bone."""

    LYTIC = "lytic"
    MIXED = "mixed"
    BLASTIC = "blastic"


class Side(StrEnum):
    """The patient's side. Left is +x in LPS."""

    LEFT = "left"
    RIGHT = "right"


class VolumeRole(StrEnum):
    """What a CT is used for in this plan."""

    PLANNING = "planning"
    PROCEDURE = "procedure"
    FOLLOW_UP = "follow-up"


class PatientPosition(StrEnum):
    """How the patient lies during the procedure."""

    PRONE = "prone"
    SUPINE = "supine"
    LEFT_DECUBITUS = "left decubitus"
    RIGHT_DECUBITUS = "right decubitus"


def new_id() -> str:
    """Return an identifier for a new part of a plan."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class VolumeRef:
    """Which CT a plan stands on, and where it was last seen.

    `planning_from_this` is the rigid transform (row-major 4x4) from this CT's LPS to the planning CT's LPS.
    """

    role: VolumeRole
    series_uid: str
    study_uid: str
    frame_of_reference_uid: str
    content_hash: str
    description: str
    acquired_at: str
    shape_kji: tuple[int, int, int]
    source: str
    planning_from_this: tuple[float, ...] = IDENTITY_4


@dataclass(frozen=True)
class CanalMark:
    """Where the operator found the spinal canal in one transverse section.

    `wall_lps_mm` is the closed outline of the bony canal (n points, LPS mm) measured around the centre.
    """

    centre_lps_mm: Vec3
    wall_lps_mm: tuple[Vec3, ...]

    def __post_init__(self) -> None:
        if len(self.wall_lps_mm) < 3:
            raise InputRefused("A canal's outline needs three points or more. Mark the canal again.")


@dataclass(frozen=True)
class LevelCount:
    """How a vertebra got its name.

    Parameters
    ----------
    counted_from
        The vertebra that was counted from; its own name where it was recognised by itself.
    picture
        On which picture it was counted, in words.
    by, at
        Who confirmed it, as the computer knows them, and when (ISO date and time).
    content_hash
        Of the CT that was looked at.
    renumbered
        By how many vertebrae towards the feet it was renamed since.
    doubt
        Why the counting may have gone wrong on the way, in words; empty where nothing speaks for that.
    """

    counted_from: str
    picture: str
    by: str
    at: str
    content_hash: str
    renumbered: int = 0
    doubt: str = ""

    def __post_init__(self) -> None:
        if not is_name(self.counted_from):
            raise InputRefused(f"{self.counted_from!r} is not a vertebra that can be counted from.")


@dataclass(frozen=True)
class LevelMark:
    """A vertebra with a name: a point in its body, its canal when marked, and how it was counted.

    A confirmed mark is an anchor: the operator looked at this vertebra and counted. One that is not confirmed, but has
    a count, was named from an anchor over the spine found in the CT; `plan.level_state` tells whether that still holds.
    """

    level: str
    centre_lps_mm: Vec3
    confirmed: bool = False
    canal: CanalMark | None = None
    count: LevelCount | None = None  # None: marked by hand and not counted, or by a version that did not ask

    def __post_init__(self) -> None:
        if not is_name(self.level):
            raise InputRefused(f"{self.level!r} is not a vertebral level.")


@dataclass(frozen=True)
class Lesion:
    """A metastasis to treat."""

    id: str
    name: str
    level: str
    kind: LesionKind
    shape: LesionShape
    vas: int | None = None  # pain on the visual analogue scale, 0 to 10

    def __post_init__(self) -> None:
        if not is_level(self.level):
            raise InputRefused(f"{self.level!r} is not a vertebral level.")
        if self.vas is not None and not 0 <= self.vas <= 10:
            raise InputRefused(f"Pain on the VAS is between 0 and 10, not {self.vas}.")

    @property
    def volume_ml(self) -> float:
        """Return the marked volume, mL."""
        return self.shape.volume_ml

    @property
    def centre_lps_mm(self) -> Vec3:
        """Return the middle of the lesion, LPS mm."""
        return self.shape.centre_lps_mm


@dataclass(frozen=True)
class Assembly:
    """One bone needle with the cryoprobe inside it, on one straight axis.

    Set by two points: the probe's tip (the target) and an entry on the axis. The other named points lie on the axis:
    skin and bone entry are found in the CT when the points are set (None where the CT does not show them); the needle's
    tip lies `needle_retraction_mm` behind the probe's tip; the active zone starts `probe.dead_tip_mm` behind it.
    """

    id: str
    lesion_id: str
    side: Side
    probe_tip_lps_mm: Vec3
    entry_lps_mm: Vec3
    skin_entry_lps_mm: Vec3 | None = None
    bone_entry_lps_mm: Vec3 | None = None
    needle: BoneNeedleModel = DEFAULT_BONE_NEEDLE
    probe: CryoprobeModel = DEFAULT_CRYOPROBE
    needle_retraction_mm: float = 0.0

    def __post_init__(self) -> None:
        points = (*self.probe_tip_lps_mm, *self.entry_lps_mm)
        if not all(math.isfinite(v) for v in points):
            raise InputRefused("A needle's points must be numbers.")
        if math.dist(self.probe_tip_lps_mm, self.entry_lps_mm) < SHORTEST_PATH_MM:
            raise InputRefused(
                f"The entry lies within {SHORTEST_PATH_MM:g} mm of the target, so the needle has no direction. "
                "Choose an entry on the skin."
            )
        if not 0.0 <= self.needle_retraction_mm <= 200.0:
            raise InputRefused("The needle's tip lies between 0 and 200 mm behind the probe's tip.")

    @property
    def outward(self) -> Points:
        """Return (3,) the unit direction from the probe's tip to the hub, LPS."""
        axis = np.array(self.entry_lps_mm) - np.array(self.probe_tip_lps_mm)
        return np.asarray(axis / np.linalg.norm(axis))

    def on_axis(self, behind_tip_mm: float) -> Vec3:
        """Return the point that lies so far behind the probe's tip, LPS mm."""
        return vec3(np.array(self.probe_tip_lps_mm) + behind_tip_mm * self.outward)

    @property
    def needle_tip_lps_mm(self) -> Vec3:
        """Return the tip of the bone needle, LPS mm."""
        return self.on_axis(self.needle_retraction_mm)

    @property
    def active_zone_lps_mm(self) -> tuple[Vec3, Vec3]:
        """Return the two ends of the active zone, the one nearer the tip first, LPS mm."""
        start = self.probe.dead_tip_mm
        return self.on_axis(start), self.on_axis(start + self.probe.active_length_mm)

    @property
    def depth_from_skin_mm(self) -> float | None:
        """Return the distance from the skin to the probe's tip, mm; None where the skin was not found."""
        if self.skin_entry_lps_mm is None:
            return None
        return math.dist(self.skin_entry_lps_mm, self.probe_tip_lps_mm)


# The needle's metal stays this far behind the active zone; assumed (5 to 10 mm is advised).
DEFAULT_RETRACTION_GAP_MM = 5.0


def default_retraction_mm(probe: CryoprobeModel) -> float:
    """Return how far the needle is drawn back from the probe's tip, so that the active zone is free, mm."""
    return probe.dead_tip_mm + probe.active_length_mm + DEFAULT_RETRACTION_GAP_MM


@dataclass(frozen=True)
class FreezePhase:
    """One phase of the protocol."""

    kind: str  # "freeze" or "thaw"
    seconds: float

    def __post_init__(self) -> None:
        if self.kind not in ("freeze", "thaw"):
            raise InputRefused(f"A protocol is made of freeze and thaw, not {self.kind!r}.")
        if not 1.0 <= self.seconds <= 3600.0:
            raise InputRefused("A phase of the protocol lasts between 1 s and 3600 s.")


# 10 min freeze, 5 min thaw, 10 min freeze: Open Biomed Eng J 2016;10:62, doi 10.2174/1874120701610010062
PROTOCOL_10_5_10: tuple[FreezePhase, ...] = (
    FreezePhase("freeze", 600.0),
    FreezePhase("thaw", 300.0),
    FreezePhase("freeze", 600.0),
)


@dataclass(frozen=True)
class SidesMark:
    """What an operator found out about left and right of the planning CT.

    `as_header` is false where the sides were found turned: the CT is then not to be planned on. Confirming changes no
    picture and no axis.
    """

    as_header: bool
    by: str  # who, as the computer knows them
    at: str  # ISO date and time
    content_hash: str  # of the CT that was looked at


@dataclass(frozen=True)
class Plan:
    """Everything that was decided, and nothing that can be computed from it."""

    id: str
    patient: Patient
    volumes: tuple[VolumeRef, ...]
    levels: tuple[LevelMark, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    assemblies: tuple[Assembly, ...] = ()
    protocol: tuple[FreezePhase, ...] = PROTOCOL_10_5_10
    patient_position: PatientPosition = PatientPosition.PRONE
    notes: str = ""
    sides: SidesMark | None = None
    scheme: LevelScheme = USUAL  # how many vertebrae this person has

    @property
    def planning_volume(self) -> VolumeRef:
        """Return the CT that the plan's points live on."""
        return next(v for v in self.volumes if v.role is VolumeRole.PLANNING)

    def lesion(self, lesion_id: str) -> Lesion:
        """Return the lesion of that id; raise `InputRefused` when the plan has none."""
        for lesion in self.lesions:
            if lesion.id == lesion_id:
                return lesion
        raise InputRefused("This lesion is no longer in the plan.")

    def assembly(self, assembly_id: str) -> Assembly:
        """Return the assembly of that id; raise `InputRefused` when the plan has none."""
        for assembly in self.assemblies:
            if assembly.id == assembly_id:
                return assembly
        raise InputRefused("This needle is no longer in the plan.")

    def assemblies_of(self, lesion_id: str) -> tuple[Assembly, ...]:
        """Return the assemblies that treat a lesion, in the order they were laid."""
        return tuple(a for a in self.assemblies if a.lesion_id == lesion_id)
