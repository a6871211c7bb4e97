"""Corrections of the found spine as JSON and back, exactly."""

from __future__ import annotations

from typing import Any, get_args

from cvt_planner.anatomy.spine.corrections import AnatomyEdits, BoundaryMove, Seed, SeedKind, Stroke
from cvt_planner.base.arrays import Vec3
from cvt_planner.base.errors import InputRefused
from cvt_planner.storage.record import Record

_SEEDS = get_args(SeedKind)
_STRUCTURES = ("vertebra", "canal", "nothing")


def anatomy_as_json(edits: AnatomyEdits) -> dict[str, Any]:
    """Return the corrections as JSON values."""
    return {
        "seeds": [{"kind": seed.kind, "lps_mm": list(seed.lps_mm)} for seed in edits.seeds],
        "boundaries": [
            {
                "found_lps_mm": list(move.found_lps_mm),
                "centre_lps_mm": list(move.centre_lps_mm),
                "normal": list(move.normal),
            }
            for move in edits.boundaries
        ],
        "strokes": [
            {
                "structure": stroke.structure,
                "vertebra_lps_mm": list(stroke.vertebra_lps_mm) if stroke.vertebra_lps_mm is not None else None,
                "radius_mm": stroke.radius_mm,
                "points_lps_mm": [list(point) for point in stroke.points_lps_mm],
            }
            for stroke in edits.strokes
        ],
    }


def anatomy_from_json(plan: Record) -> AnatomyEdits:
    """Return the corrections under the key ``anatomy`` of a plan; none where the plan has no such key."""
    record = plan.record_or_none("anatomy") if plan.has("anatomy") else None
    if record is None:
        return AnatomyEdits()
    moves = tuple(
        BoundaryMove(r.point("found_lps_mm"), r.point("centre_lps_mm"), r.point("normal"))
        for r in record.records("boundaries")
    )
    seeds = tuple(Seed(_one_of(r, "kind", _SEEDS), r.point("lps_mm")) for r in record.records("seeds"))
    return AnatomyEdits(seeds, moves, tuple(_stroke(r) for r in record.records("strokes")))


def _stroke(r: Record) -> Stroke:
    structure = _one_of(r, "structure", _STRUCTURES)
    return Stroke(structure, _points(r), r.number("radius_mm"), r.point_or_none("vertebra_lps_mm"))


def _points(r: Record) -> tuple[Vec3, ...]:
    where = f"{r.where}.points_lps_mm"
    return tuple(Record({"point": point}, where).point("point") for point in r.items("points_lps_mm"))


def _one_of(r: Record, key: str, words: tuple[str, ...]) -> Any:
    word = r.text(key)
    if word not in words:
        raise InputRefused(f"{key!r} of {r.where} is not one of {', '.join(words)}")
    return word
