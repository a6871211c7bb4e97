"""The plan file (.cvtplan): a ZIP with plan.json, masks, ice and a thumbnail; written whole or not at all.

docs/plan-file.md describes it. Nothing inside a plan file ever names a place that is written to.
"""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import re
import shutil
import uuid
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cvt_planner
from cvt_planner.base.errors import InputRefused, PlannerError
from cvt_planner.plan.model import Plan, VolumeRef
from cvt_planner.plan.results import IceResult
from cvt_planner.storage.ice_json import ice_as_json, ice_from_json
from cvt_planner.storage.migrations import MIGRATIONS, SCHEMA_VERSION, migrated
from cvt_planner.storage.plan_json import plan_as_json, plan_from_json
from cvt_planner.storage.record import Record
from cvt_planner.storage.shape_json import Parts

SUFFIX = ".cvtplan"
FORMAT = "cvtplan"
DOCUMENT = "plan.json"
THUMBNAIL = "thumbnail.png"
LARGEST_DOCUMENT_BYTES = 50_000_000
LARGEST_PART_BYTES = 500_000_000  # packed; what it unpacks to is limited by its own header
MOST_PARTS = 2000
# Points on one line each, for the reader's sake; a line break never stands inside a JSON text, so no text is touched.
_LIST_OF_NUMBERS = re.compile(r"\[\n\s*([-+.,\deE\s]+?)\n\s*\]")
_FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say: the file carries no time of its own


@dataclass(frozen=True, eq=False)
class StoredPlan:
    """What a plan file holds, and sentences the user must see."""

    plan: Plan
    ice: tuple[IceResult, ...]
    notices: tuple[str, ...] = ()
    thumbnail_png: bytes | None = None


def save_plan(plan: Plan, ice: tuple[IceResult, ...], path: Path | str, thumbnail_png: bytes | None = None) -> None:
    """Write a plan file; on any failure the file that was there stays as it was.

    The bytes go to a new file in the same folder, are forced to the disk, and then replace the old one in one step.

    Raises
    ------
    InputRefused
        If the folder is missing or cannot be written, or the disk is full.
    """
    target = Path(path).expanduser()
    try:
        target = target.resolve()
        if target.is_dir():
            raise InputRefused(f"{target} is a folder. Give the plan file a name, for example plan{SUFFIX}.")
        _write_whole(target, _members(plan, ice, target.parent, thumbnail_png))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputRefused(
            f"The plan could not be saved as {target}: {reason}. What was there before is unchanged; "
            "save it in another folder."
        ) from error


def load_plan(path: Path | str) -> StoredPlan:
    """Return what a plan file holds.

    Where the CT is no longer at its stored place but lies where it did as seen from the plan file (both were moved
    together), the plan says the new place.

    Raises
    ------
    InputRefused
        If the file is missing, damaged, of a newer version or no plan file; the sentence names it and what to do.
    """
    source = Path(path).expanduser()
    try:
        with zipfile.ZipFile(source) as archive:
            return _read(archive, source)
    except FileNotFoundError:
        raise InputRefused(f"There is no plan file {source}. Check the name, or choose the plan again.") from None
    except InputRefused as error:
        if isinstance(error, _Newer):
            raise
        raise _damaged(source, str(error).rstrip(".")) from error
    except PlannerError as error:
        raise _damaged(source, str(error).rstrip(".")) from error
    except OSError as error:
        raise InputRefused(
            f"The plan file {source} could not be read: {error.strerror or error}. "
            "Choose a .cvtplan file that you may read."
        ) from error
    except zipfile.BadZipFile as error:
        raise _damaged(source, "it is cut short or no plan file at all") from error
    except (RuntimeError, NotImplementedError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise _damaged(source, f"its parts cannot be unpacked ({error})") from error


class _Newer(InputRefused):
    """The file was written by a newer version."""


def _damaged(path: Path, reason: str) -> InputRefused:
    return InputRefused(
        f"The plan file {path} is damaged or not a plan: {reason}. Open another copy of it; nothing was changed."
    )


# --- writing


def _members(plan: Plan, ice: tuple[IceResult, ...], folder: Path, thumbnail: bytes | None) -> Parts:
    parts: Parts = {}
    kept = {lesion.id for lesion in plan.lesions}
    values = plan_as_json(plan, parts)
    for volume, entry in zip(plan.volumes, values["volumes"], strict=True):
        entry["source_relative"] = _relative(volume.source, folder)
    document = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "written_by": f"CVT Planner {cvt_planner.__version__}",
        "notice": "For planning, research and training; not a cleared medical device.",
        "plan": values,
        "ice": ice_as_json(tuple(r for r in ice if r.inputs.lesion_id in kept), parts),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    text = _LIST_OF_NUMBERS.sub(lambda found: "[" + " ".join(found[1].split()) + "]", text)
    members = {DOCUMENT: text.encode("utf-8", "surrogatepass"), **parts}
    return members if thumbnail is None else {**members, THUMBNAIL: thumbnail}


def _plain(value: Any) -> Any:
    """Return a numpy number as Python's."""
    return value.item()


def _relative(source: str, folder: Path) -> str | None:
    """Return where the CT lies as seen from the plan's folder; None where it is not there or on another drive."""
    if not source or not Path(source).exists():
        return None
    try:
        return Path(os.path.relpath(Path(source).resolve(), folder)).as_posix()
    except ValueError:
        return None


def _write_whole(target: Path, members: Parts) -> None:
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("xb") as stream:
            with zipfile.ZipFile(stream, "w") as archive:
                for name, content in members.items():
                    info = zipfile.ZipInfo(name, _FIRST_DATE)
                    info.compress_type = zipfile.ZIP_DEFLATED if name == DOCUMENT else zipfile.ZIP_STORED
                    info.external_attr = 0o644 << 16
                    archive.writestr(info, content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Force the folder's entry to the disk; some file systems cannot, and the plan is written all the same."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# --- reading


def _read(archive: zipfile.ZipFile, source: Path) -> StoredPlan:
    infos = {info.filename: info for info in archive.infolist()}
    if len(infos) != len(archive.infolist()) or len(infos) > MOST_PARTS:
        raise InputRefused("it has too many parts or two of the same name")

    def part(name: str, largest: int = LARGEST_PART_BYTES) -> bytes:
        info = infos.get(name)
        if info is None:
            raise InputRefused(f"its part {name!r} is missing")
        if info.file_size > largest:
            raise InputRefused(f"its part {name!r} is too large")
        with archive.open(info) as stream:
            content = stream.read(largest + 1)
        if len(content) != info.file_size:
            raise InputRefused(f"its part {name!r} is cut short")
        return content

    document, notices = _document(part(DOCUMENT, LARGEST_DOCUMENT_BYTES), source)
    entries = document.record("plan")
    plan = plan_from_json(entries, part)
    relative = [r.values.get("source_relative") for r in entries.records("volumes")]
    volumes = tuple(_found(v, beside, source) for v, beside in zip(plan.volumes, relative, strict=True))
    plan = plan if volumes == plan.volumes else replace(plan, volumes=volumes)
    thumbnail = part(THUMBNAIL, LARGEST_DOCUMENT_BYTES) if THUMBNAIL in infos else None
    return StoredPlan(plan, ice_from_json(document, part), notices, thumbnail)


def _document(content: bytes, source: Path) -> tuple[Record, tuple[str, ...]]:
    try:
        values = json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise InputRefused(f"its {DOCUMENT} is not readable") from None
    record = Record.of(values, DOCUMENT)
    if record.text("format") != FORMAT:
        raise InputRefused(f"its {DOCUMENT} is of another kind")
    version = record.whole("schema_version")
    if version > SCHEMA_VERSION:
        raise _Newer(
            f"The plan file {source} was written by a newer version of CVT Planner (format {version}; this one reads "
            f"up to {SCHEMA_VERSION}). Open it with that version or update this one; nothing was changed."
        )
    if version < 1:
        raise InputRefused(f"its format {version} does not exist")
    present, notices = migrated(record.values, version, MIGRATIONS)
    return Record.of(present, DOCUMENT), notices


def _found(volume: VolumeRef, beside: object, plan_file: Path) -> VolumeRef:
    """Return the reference with its new place where only plan and CT together were moved."""
    if not isinstance(beside, str) or not beside or (volume.source and Path(volume.source).exists()):
        return volume
    moved = (plan_file.resolve().parent / beside).resolve()
    return replace(volume, source=str(moved)) if moved.exists() else volume
