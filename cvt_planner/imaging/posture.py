"""Does the picture agree with the header on how the patient lies? Couch, spine, lungs and liver against the header.

Only what can be seen reliably counts. What cannot be seen at all: whether the header's head-first and feet-first are
exchanged while its axes are right (left and right are then right as well), and an exchanged left and right where the
picture shows neither lung bases nor liver.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvt_planner.base.arrays import FloatArray, HuArray, MaskArray
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.flat import grown
from cvt_planner.imaging.posture_organs import liver_side, lung_ends, lungs_of
from cvt_planner.imaging.posture_sample import Sample, sampled

Verdict = Literal["agrees", "contradicts", "cannot tell"]

# The side that is down, as the DICOM term's last letters say (PS3.3 C.7.3.1.1.2).
_DOWN = {"S": "posterior", "P": "anterior", "DL": "left", "DR": "right"}
_LIES = {"S": "supine", "P": "prone", "DL": "on the left side", "DR": "on the right side"}
_ENDS = {"HF": "head first", "FF": "feet first"}

COUCH_PART = 0.4  # of the body's width that the couch must underlie; assumed
COUCH_LEAD = 2.0  # times more than on any other side; assumed
COUCH_THICK_MM = 35.0  # of its shells on one ray: more is an arm, not a couch; assumed
COUCH_STEADY = 0.7  # of the slices that show it at the same place; assumed
SPINE_PART = 0.75  # of the slices that must agree; assumed
SPINE_OFF = 0.12  # of half the body's depth or width by which the bones' centre lies off the middle; assumed


@dataclass(frozen=True)
class Posture:
    """What the picture shows of how the patient lies, against the header.

    `evidence` says in words what was seen; `contradictions` are those of its sentences that speak against the header.
    """

    verdict: Verdict
    evidence: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()


def is_known_position(patient_position: str) -> bool:
    """Return whether a Patient Position (0018,5100) is one of the eight for a lying patient."""
    word = patient_position.strip().upper()
    return word[:2] in _ENDS and word[2:] in _DOWN


def position_words(patient_position: str) -> str:
    """Return "head first, supine" of HFS; the term itself where it is not known."""
    word = patient_position.strip().upper()
    return f"{_ENDS[word[:2]]}, {_LIES[word[2:]]}" if is_known_position(word) else patient_position


def posture_of(hu: HuArray, grid: Grid, patient_position: str) -> Posture:
    """Return whether couch, spine, lungs and liver lie where the header's position and axes put them.

    Parameters
    ----------
    hu, grid
        (k, j, i) int16 HU and their places; axes canonical (k to the head, j to the back, i to the left).
    patient_position
        Patient Position as the header says; empty or unknown: the couch then says nothing.
    """
    sample = sampled(hu, grid)
    if sample is None:
        return Posture("cannot tell", ("The picture shows no whole body outline.",))
    seen: list[tuple[str, bool]] = []
    _judge_couch(sample, patient_position, seen)
    spine = spine_side(sample)
    if spine:
        seen.append((f"The spine lies at what the header calls the patient's {_BACK[spine]}.", spine == "posterior"))
    lungs = lungs_of(sample)
    ends = lung_ends(lungs)
    if ends:
        words = "The lungs taper towards what the header calls the"
        seen.append((f"{words} {'feet as bases do' if ends == 'right way' else 'wrong end'}.", ends == "right way"))
    liver = liver_side(sample, lungs)
    if liver:
        seen.append((f"The liver lies on what the header calls the patient's {liver}.", liver == "right"))
    against = tuple(text for text, fits in seen if not fits)
    verdict: Verdict = "contradicts" if against else "agrees" if seen else "cannot tell"
    return Posture(verdict, tuple(text for text, _ in seen), against)


_BACK = {"posterior": "back", "anterior": "front", "left": "left", "right": "right"}


def _judge_couch(sample: Sample, patient_position: str, seen: list[tuple[str, bool]]) -> None:
    side = couch_side(sample)
    if not side or not is_known_position(patient_position):
        return
    expected = _DOWN[patient_position.strip().upper()[2:]]
    seen.append((f"The couch lies at the patient's {_BACK[side]}; the header says {position_words(patient_position)}.",
                 side == expected))  # fmt: skip


def couch_side(sample: Sample) -> str:
    """Return at which side of the body the couch lies: "posterior", "anterior", "left", "right"; empty if not seen.

    A couch is what lies outside the body at the same place in most slices, thin along the ray and wide across it.
    """
    steady: MaskArray = ((sample.brightest > -600) & ~grown(sample.body, 2)).mean(axis=0) >= COUCH_STEADY
    body: MaskArray = sample.body.mean(axis=0) >= 0.3
    if not body.any() or not steady.any():
        return ""
    step = sample.pixel_mm
    widths = {
        "posterior": _underlay_mm(body, steady, step),
        "anterior": _underlay_mm(body[::-1], steady[::-1], step),
        "left": _underlay_mm(body.T, steady.T, step),
        "right": _underlay_mm(body[:, ::-1].T, steady[:, ::-1].T, step),
    }
    (side, most), (_, next_most) = sorted(widths.items(), key=lambda item: -item[1])[:2]
    across = float(body.any(axis=0 if side in ("posterior", "anterior") else 1).sum()) * step
    return side if most >= COUCH_PART * across and most >= COUCH_LEAD * next_most else ""


def _underlay_mm(body: MaskArray, steady: MaskArray, step_mm: float) -> float:
    """Return across how many mm something thin lies beyond the last body pixel of a column."""
    last = body.shape[0] - 1 - np.argmax(body[::-1], axis=0)
    beyond = steady & (np.arange(body.shape[0])[:, None] > last) & body.any(axis=0)
    thick = beyond.sum(axis=0) * step_mm
    under = (thick > 0) & (thick <= COUCH_THICK_MM)
    return float(under.sum()) * step_mm


def spine_side(sample: Sample) -> str:
    """Return at which side of the body the bones' centre lies, if most slices agree; empty if not.

    "posterior" is where it belongs, whichever way the patient lies.
    """
    offsets = np.array([found for n in range(len(sample.hu)) if (found := _bone_offset(sample, n)) is not None])
    if len(offsets) < 4:
        return ""
    sides = {
        "posterior": offsets[:, 0] > SPINE_OFF,
        "anterior": offsets[:, 0] < -SPINE_OFF,
        "left": (offsets[:, 1] > SPINE_OFF) & (np.abs(offsets[:, 0]) < SPINE_OFF),
        "right": (offsets[:, 1] < -SPINE_OFF) & (np.abs(offsets[:, 0]) < SPINE_OFF),
    }
    return next((side for side, there in sides.items() if there.mean() >= SPINE_PART), "")


def _bone_offset(sample: Sample, n: int) -> FloatArray | None:
    """Return how far the bones' centre lies off the body's middle, (back, left), in halves of its depth and width."""
    body = sample.body[n]
    rows, columns = np.flatnonzero(body.any(axis=1)), np.flatnonzero(body.any(axis=0))
    if not sample.is_whole(n) or len(rows) < 2:
        return None
    bone = np.argwhere(body & (sample.hu[n] > 250))
    if len(bone) * sample.pixel_mm**2 < 300.0:
        return None
    middle = np.array([(rows[0] + rows[-1]) / 2.0, (columns[0] + columns[-1]) / 2.0])
    half = np.array([(rows[-1] - rows[0]) / 2.0, max((columns[-1] - columns[0]) / 2.0, 1.0)])
    return np.asarray((bone.mean(axis=0) - middle) / half)
