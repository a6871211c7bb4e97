"""How plan files of past versions become present ones: one function per step of the schema, applied in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 3


@dataclass(frozen=True)
class Migration:
    """Turns a plan.json of one schema version into the next one."""

    from_version: int
    apply: Callable[[dict[str, Any]], dict[str, Any]]


def _count_of_levels(document: dict[str, Any]) -> dict[str, Any]:
    """Version 1 did not say how a level was counted, and knew 12 thoracic and 5 lumbar vertebrae only."""
    plan = document.get("plan")
    if not isinstance(plan, dict) or not isinstance(plan.get("levels"), list):
        return document  # it is refused when it is read
    levels = [{"count": None, **level} if isinstance(level, dict) else level for level in plan["levels"]]
    return {**document, "plan": {"scheme": {"thoracic": 12, "lumbar": 5}, **plan, "levels": levels}}


def _origin_of_lesions(document: dict[str, Any]) -> dict[str, Any]:
    """Version 2 did not say where an outline came from, nor how the operator scored a lesion."""
    plan = document.get("plan")
    if not isinstance(plan, dict) or not isinstance(plan.get("lesions"), list):
        return document  # it is refused when it is read
    lesions = [_with_origin(lesion) if isinstance(lesion, dict) else lesion for lesion in plan["lesions"]]
    return {**document, "plan": {**plan, "lesions": lesions}}


def _with_origin(lesion: dict[str, Any]) -> dict[str, Any]:
    shape = lesion.get("shape")
    grown = isinstance(shape, dict) and shape.get("type") == "region"
    return {"origin": "automatic" if grown else "drawn", "scores": {}, **lesion}


MIGRATIONS: tuple[Migration, ...] = (Migration(1, _count_of_levels), Migration(2, _origin_of_lesions))


def migrated(
    document: dict[str, Any], version: int, migrations: tuple[Migration, ...] = MIGRATIONS
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the document in the present schema, and a sentence about it for the user where it was an older one."""
    for migration in migrations:
        if migration.from_version >= version:
            document = migration.apply(document)
    if not migrations or migrations[-1].from_version < version:
        return document, ()
    newest = migrations[-1].from_version + 1
    return document, (f"This plan was saved in format {version}; saving writes it in format {newest}.",)
