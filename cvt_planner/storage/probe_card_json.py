"""Probe cards and fitted probes as JSON files, read strictly. docs/probe-card.md describes every key."""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cvt_planner
from cvt_planner.base.errors import InputRefused, PlannerError
from cvt_planner.base.fields import field_infos
from cvt_planner.bioheat.scene import Phase
from cvt_planner.devices.cryoprobe import CryoprobeModel
from cvt_planner.planning.probe_card import (
    CardBench,
    CardIsotherm,
    CardOrigin,
    CardProbe,
    CustomMedium,
    MediumKind,
    ProbeCard,
    check_protocol,
)
from cvt_planner.planning.probe_fit import ProbeFit
from cvt_planner.storage.plan_json import probe_as_json, probe_from_json
from cvt_planner.storage.record import Record

CARD_FORMAT, PROBE_FORMAT = "cvt-probe-card", "cvt-probe"
SCHEMA_VERSION = 1
LARGEST_BYTES = 1_000_000
_MAY_BE_LEFT_OUT = ("dead_tip_mm", "shaft_length_mm", "cooldown_s")
_HELP = "Correct it there; docs/probe-card.md describes every key"

# --- reading


def read_card(path: Path | str) -> ProbeCard:
    """Return the card of a file; raise `InputRefused` naming the file, the key and what to do."""
    source = Path(path).expanduser()
    document = _document(source, "probe card")
    try:
        return card_from_json(document)
    except PlannerError as error:
        raise InputRefused(f"The probe card {source} cannot be used: {str(error).rstrip('.')}. {_HELP}.") from error


def read_probe(path: Path | str) -> CryoprobeModel:
    """Return the fitted probe of a file; raise `InputRefused` naming the file and what to do."""
    source = Path(path).expanduser()
    document = _document(source, "probe")
    try:
        _is_of(document, PROBE_FORMAT)
        return probe_from_json(document.record("probe"))
    except PlannerError as error:
        raise InputRefused(
            f"The probe {source} cannot be used: {str(error).rstrip('.')}. Fit its card again, or delete the file."
        ) from error


def _document(source: Path, what: str) -> Record:
    try:
        if source.stat().st_size > LARGEST_BYTES:
            raise InputRefused(f"{source} is too large for a {what}. Choose the right file.")
        values = json.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputRefused(f"There is no {what} {source}. Check the name.") from None
    except OSError as error:
        raise InputRefused(f"The {what} {source} could not be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputRefused(f"The {what} {source} is not JSON: {error}. Correct it there.") from error
    try:
        return Record.of(values, "the file")
    except InputRefused as error:
        raise InputRefused(f"The {what} {source} cannot be used: {error}. {_HELP}.") from error


def _is_of(document: Record, wanted: str) -> None:
    if document.text("format") != wanted:
        raise InputRefused(f"'format' is {document.text('format')!r} and not {wanted!r}: it is another kind of file")
    version = document.whole("schema_version")
    if version != SCHEMA_VERSION:
        raise InputRefused(
            f"'schema_version' is {version}, and this program reads {SCHEMA_VERSION}: use a program of that version, "
            "or type the card again"
        )


def card_from_json(document: Record) -> ProbeCard:
    """Return the card of a parsed file; raise `InputRefused` naming the key."""
    _is_of(document, CARD_FORMAT)
    document.only(
        "format", "schema_version", "written_by", "probe", "medium", "start_c", "protocol", "duty_percent", "isotherms",
        "source", "date", "typed_by",
    )  # fmt: skip
    protocol = tuple(_phase(r) for r in document.records("protocol"))
    check_protocol(protocol)
    frozen_s = sum(phase.seconds for phase in protocol)
    kind, custom = _medium(document)
    bench = {"start_c": _number(document, "start_c", CardBench)}
    if document.has("duty_percent"):
        bench["duty_percent"] = _number(document, "duty_percent", CardBench)
    return ProbeCard(
        probe=_probe(document.record("probe")),
        bench=CardBench(medium=kind, **bench),
        protocol=protocol,
        isotherms=tuple(_isotherm(r, frozen_s) for r in document.records("isotherms")),
        origin=CardOrigin(document.text("source"), document.text("date"), document.text("typed_by")),
        custom=custom,
    )


def _probe(r: Record) -> CardProbe:
    infos = field_infos(CardProbe)
    r.only(*infos, "assumed")
    left_out = tuple(name for name in _MAY_BE_LEFT_OUT if not r.has(name))
    assumed = r.texts("assumed") if r.has("assumed") else ()
    for name in assumed:
        if infos.get(name) is None or infos[name].minimum is None:
            raise InputRefused(f"'assumed' of {r.where} names {name!r}, which is no number of the probe")
    values = {n: _number(r, n, CardProbe) for n, i in infos.items() if i.minimum is not None and n not in left_out}
    return CardProbe(name=r.text("name"), gauge=r.text("gauge"), assumed=(*assumed, *left_out), **values)


def _medium(document: Record) -> tuple[MediumKind, CustomMedium]:
    if isinstance(document.values.get("medium"), dict):
        r = document.record("medium")
        r.only(*field_infos(CustomMedium))
        values = {name: _number(r, name, CustomMedium) for name in field_infos(CustomMedium)}
        return MediumKind.CUSTOM, CustomMedium(**values)
    kind = document.choice("medium", MediumKind)
    if kind is MediumKind.CUSTOM:
        raise InputRefused("'medium' is custom: give an object with its thermal properties in place of the word")
    return kind, CustomMedium()


def _phase(r: Record) -> Phase:
    r.only("kind", "seconds")
    kind = r.text("kind")
    if kind not in ("freeze", "thaw"):
        raise InputRefused(f"'kind' of {r.where} is {kind!r}; give freeze or thaw")
    return Phase("freeze" if kind == "freeze" else "thaw", r.number("seconds"))


def _isotherm(r: Record, end_s: float) -> CardIsotherm:
    r.only(*field_infos(CardIsotherm))
    beyond = r.number_or_none("beyond_tip_mm") if r.has("beyond_tip_mm") else None
    return CardIsotherm(
        temperature_c=_number(r, "temperature_c", CardIsotherm),
        width_mm=_number(r, "width_mm", CardIsotherm),
        length_mm=_number(r, "length_mm", CardIsotherm),
        at_s=_number(r, "at_s", CardIsotherm) if r.has("at_s") else end_s,
        beyond_tip_mm=None if beyond is None else _number(r, "beyond_tip_mm", CardIsotherm),
    )


def _number(r: Record, key: str, kind: type) -> float:
    """Return a number within the limits that the record's field names; the refusal names the key."""
    info, value = field_infos(kind)[key], r.number(key)
    low = float("-inf") if info.minimum is None else info.minimum
    high = float("inf") if info.maximum is None else info.maximum
    if not low <= value <= high:
        raise InputRefused(f"{key!r} of {r.where} is {value:g}; it must lie between {low:g} and {high:g} {info.unit}")
    return value


# --- writing


def card_as_json(card: ProbeCard) -> dict[str, Any]:
    """Return a card as JSON values, whole."""
    custom = card.bench.medium is MediumKind.CUSTOM
    probe = {**asdict(card.probe), "assumed": list(card.probe.assumed)}
    return {
        "format": CARD_FORMAT,
        "schema_version": SCHEMA_VERSION,
        "probe": probe,
        "medium": asdict(card.custom) if custom else card.bench.medium.value,
        "start_c": card.bench.start_c,
        "protocol": [{"kind": phase.kind, "seconds": phase.seconds} for phase in card.protocol],
        "duty_percent": card.bench.duty_percent,
        "isotherms": [asdict(row) for row in card.isotherms],
        **asdict(card.origin),
    }


def fit_as_json(fit: ProbeFit) -> dict[str, Any]:
    """Return a fit as JSON values: the probe, its card, and what is left between the two."""
    return {
        "format": PROBE_FORMAT,
        "schema_version": SCHEMA_VERSION,
        "written_by": f"CVT Planner {cvt_planner.__version__}",
        "probe": probe_as_json(fit.probe),
        "card": card_as_json(fit.card),
        "fit": {
            "fitted": list(fit.fitted),
            "reproduced": fit.reproduced,
            "rms_mm": fit.rms_mm,
            "worst_mm": fit.worst_mm,
            "worst": fit.worst,
            "notes": list(fit.notes),
            "misfits": [
                {
                    "temperature_c": misfit.card.temperature_c,
                    "at_s": misfit.card.at_s,
                    "figure": what,
                    "card_mm": card,
                    "computed_mm": computed,
                    "difference_mm": computed - card,
                }
                for misfit in fit.misfits
                for what, card, computed in misfit.figures
            ],
        },
    }


def write_probe(fit: ProbeFit, path: Path | str) -> Path:
    """Return where a fitted probe was written, with its card and misfit; what was there stays on any failure."""
    return _write(fit_as_json(fit), Path(path).expanduser())


def _write(values: dict[str, Any], target: Path) -> Path:
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    new = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise InputRefused(
            f"{target} could not be written: {error.strerror or error}. Choose a folder that you may write."
        ) from error
    return target
