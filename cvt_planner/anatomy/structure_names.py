"""What a structure of a segmentation made elsewhere is: a vertebra with its level, the canal, or something else."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Role = Literal["vertebra", "canal", "sacrum", "other"]
Numbering = Literal["TotalSegmentator 2", "TotalSegmentator 1", "VerSe"]
NUMBERINGS: tuple[Numbering, ...] = ("TotalSegmentator 2", "TotalSegmentator 1", "VerSe")

_HEAD_TO_FEET = (*(f"C{n}" for n in range(1, 8)), *(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)))


@dataclass(frozen=True)
class Structure:
    """The meaning of one structure; `level` is empty for what is no vertebra."""

    role: Role
    level: str = ""


OTHER = Structure("other")
CANAL = Structure("canal")


def _table(numbering: Numbering) -> dict[int, Structure]:
    """Return label -> structure.

    TotalSegmentator 2 and 1: class maps "total" of those versions (github.com/wasserth/TotalSegmentator). VerSe: the
    labels of the VerSe challenge (Sekuboyina et al., Med Image Anal 2021;73:102166).
    """
    if numbering == "VerSe":
        named = {n: Structure("vertebra", level) for n, level in enumerate(_HEAD_TO_FEET, 1)}
        return named | {
            25: Structure("vertebra", "L6"),
            26: Structure("sacrum", "S1"),
            28: Structure("vertebra", "T13"),
        }
    first_l5, cord = (27, 79) if numbering == "TotalSegmentator 2" else (18, 0)
    named = {first_l5 + n: Structure("vertebra", level) for n, level in enumerate(reversed(_HEAD_TO_FEET))}
    if numbering == "TotalSegmentator 2":
        named |= {25: Structure("sacrum", "S1"), 26: Structure("vertebra", "S1"), cord: CANAL}
    return named


_TABLES = {numbering: _table(numbering) for numbering in NUMBERINGS}
_LEVEL = re.compile(r"(?<![a-z0-9])([ctls])[ _-]?(1[0-3]|[1-9])(?![0-9a-z])")
_WORDS = re.compile(r"(?:vertebrae?|vertebra|wirbel)[ _-]*", re.IGNORECASE)
_CANAL_WORDS = (
    "spinal canal",
    "spinal cord",
    "spinal_cord",
    "spinal_canal",
    "spinalcanal",
    "spinalcord",
    "thecal",
    "myelon",
)


def structure_named(name: str) -> Structure:
    """Return what a structure's name says it is: "vertebrae_L3", "L3", "T 12", "SpinalCanal"; else `OTHER`.

    A name that says more than the vertebra ("GTV L3", "L3 lesion", "L3/L4 disc", "rib T7") is not one.
    """
    plain = name.strip().lower()
    if any(word in plain for word in _CANAL_WORDS) or plain in ("canal", "cord"):
        return CANAL
    bare = _WORDS.sub("", plain).strip(" _-")
    if bare in ("sacrum", "os sacrum"):
        return Structure("sacrum", "S1")
    match = _LEVEL.fullmatch(bare)
    if match is None:
        return OTHER
    level = f"{match[1].upper()}{match[2]}"
    return Structure("sacrum" if level.startswith("S") and level != "S1" else "vertebra", level)


def structure_numbered(number: int, numbering: Numbering) -> Structure:
    """Return what a label is in a known numbering; else `OTHER`."""
    return _TABLES[numbering].get(number, OTHER)


def order_of(level: str) -> int:
    """Return the place of a level from head to feet; transitional ones lie behind the last of their region."""
    region, number = level[0], int(level[1:])
    return {"C": 0, "T": 10, "L": 30, "S": 40}[region] + number


def guess_numbering(numbers: Sequence[int], heights_mm: Sequence[float]) -> Numbering | None:
    """Return the one numbering in which labels stand in the order of levels along the body; None where none fits.

    Parameters
    ----------
    numbers, heights_mm
        Labels and how far their middles lie towards the head, LPS z.

    Notes
    -----
    TotalSegmentator counts towards the head, VerSe towards the feet. Its versions 1 and 2 differ by nine: with both
    possible the newer is taken, which the confirmed level then proves or not.
    """
    by_height = [n for _, n in sorted(zip(heights_mm, numbers, strict=True), reverse=True)]
    for numbering in NUMBERINGS:
        levels = [order_of(s.level) for n in by_height if (s := structure_numbered(n, numbering)).role == "vertebra"]
        known = len(levels) >= max(0.5 * len(numbers), 1)
        if known and all(a < b for a, b in itertools.pairwise(levels)):
            return numbering
    return None
