"""How plan files of past versions become present ones: one function per step of the schema, applied in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Migration:
    """Turns a plan.json of one schema version into the next one."""

    from_version: int
    apply: Callable[[dict[str, Any]], dict[str, Any]]


MIGRATIONS: tuple[Migration, ...] = ()  # version 1 is the first


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
