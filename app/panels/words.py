"""Figures as words: always with their unit, a dash where nothing is known."""

from __future__ import annotations

from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.figures import AssemblyFigures, WayFigures
from cvt_planner.plan.level_state import level_words
from cvt_planner.plan.model import Assembly, Lesion, Plan
from cvt_planner.planning.ways import REACH_MM

UNKNOWN = "—"


def minus(text: str) -> str:
    """Return a figure with a minus sign in place of the hyphen."""
    return text.replace("-", "−") if text.strip("-0. °") else text.replace("-", "")


def mm(value: float | None, decimals: int = 0) -> str:
    """Return a length."""
    return UNKNOWN if value is None else minus(f"{value:.{decimals}f} mm")


def gap(value: float | None) -> str:
    """Return a distance to something, and in words that it is negative: how deep inside."""
    if value is not None and value < 0:
        return f"{-value:.1f} mm inside it"
    return mm(value, 1)


def ml(value: float | None) -> str:
    """Return a volume."""
    return UNKNOWN if value is None else f"{value:.1f} mL"


def degrees(value: float | None) -> str:
    """Return an angle."""
    return UNKNOWN if value is None else minus(f"{round(value):d}°")


def celsius(value: float | None) -> str:
    """Return a temperature."""
    return UNKNOWN if value is None else minus(f"{round(value):d} °C")


def percent(value: float | None) -> str:
    """Return a share."""
    return UNKNOWN if value is None else f"{value:.0f} %"


def span(low: float, high: float, unit: str, decimals: int = 0) -> str:
    """Return a range, or one value where both ends read the same."""
    one, other = (minus(f"{value:.{decimals}f}") for value in (min(low, high), max(low, high)))
    between = " to " if "−" in one else "–"
    return f"{one} {unit}" if one == other else f"{one}{between}{other} {unit}"


def lesion_words(plan: Plan | None, lesion: Lesion) -> str:
    """Return "Lesion 1, L2", with a question mark while the level is not established."""
    return f"{lesion.name}, {level_words(plan, lesion.level) if plan is not None else lesion.level}"


def level_first_words(plan: Plan | None, lesion: Lesion) -> str:
    """Return "L2 Lesion 1", for where a long name may be cut; a question mark while the level is not established."""
    return f"{level_words(plan, lesion.level) if plan is not None else lesion.level} {lesion.name}"


def needle_name(assembly: Assembly) -> str:
    """Return "Left 13 G"."""
    return f"{assembly.side.value.capitalize()} {assembly.needle.gauge}"


def needle_rows(figures: AssemblyFigures) -> list[tuple[str, str]]:
    """Return (what, figure with unit) of one needle."""
    outside = figures.needle_outside_mm
    short = outside is not None and outside < 0
    return [
        ("Depth from skin", mm(figures.depth_from_skin_mm)),
        ("Depth from bone entry", mm(figures.depth_from_bone_mm)),
        ("Needle length needed", mm(figures.needle_needed_mm)),
        ("Needle too short by" if short else "Needle left outside", mm(abs(outside) if outside is not None else None)),
        ("In-plane angle", degrees(figures.in_plane_deg)),
        ("Cranio-caudal angle", degrees(figures.cranio_caudal_deg)),
        ("Distance between probes", mm(figures.partner_distance_mm, 1)),
        ("Between the tips", mm(figures.partner_tip_distance_mm, 1)),
    ]


def way_rows(way: WayFigures | None) -> list[tuple[str, str]]:
    """Return (what, figure with unit) of what lies beside a needle's way."""
    if way is None:
        return [("To lung or gas", UNKNOWN), ("To the aorta", UNKNOWN)]
    air, aorta = way.air, way.aorta
    far = f"over {REACH_MM:g} mm"
    lung = far if air is None else mm(air.gap_mm) if air.gap_mm >= 0.0 else f"crosses {mm(air.through_mm)}"
    beside = UNKNOWN if aorta is None else mm(aorta.gap_mm) if aorta.gap_mm >= 0.0 else "enters it"
    return [("To lung or gas", lung), ("To the aorta", beside)]


def thick_rows(volume: Volume | None) -> list[tuple[str, str]]:
    """Return what slices that lie far apart take from a needle's figures; nothing where they lie near."""
    if volume is None or not volume.is_thick:
        return []
    apart = volume.slice_distance_mm
    return [(f"Pedicle on {apart:.1f} mm slices", "not judged"), ("Clearances along body", f"± {apart / 2.0:.1f} mm")]
