"""How plan files of past versions become present ones: one function per step of the schema, applied in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 2


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


MIGRATIONS: tuple[Migration, ...] = (Migration(1, _count_of_levels),)


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
