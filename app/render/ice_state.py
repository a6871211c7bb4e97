"""Which ice is drawn, of which moment, and whether it still belongs to the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.render.view_state import ViewState
from cvt_planner.plan.results import IceField, IceResult, is_current, stand_in
from cvt_planner.plan.timeline import frozen_at_s, moment_words
from cvt_planner.planning.ice import asked_again
from cvt_planner.planning.ice_drawn import DrawnIce, drawn_at, drawn_at_the_end
from cvt_planner.planning.ice_preview import IcePreview
from cvt_planner.workspace import State


@dataclass(frozen=True, eq=False)
class IceView:
    """What of the ice is looked at: the part of the view state that overlays and 3-D actors draw from."""

    tissue: str
    isotherms_c: tuple[float, ...]
    time_s: float | None
    preview: IcePreview | None = field(repr=False)

    @staticmethod
    def of(view: ViewState) -> IceView:
        """Return what the view state says now."""
        return IceView(view.ice_tissue, view.isotherms_c, view.ice_time_s, view.ice_preview)

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells this from another, for caches."""
        return (self.tissue, self.isotherms_c, self.time_s, self.preview)


@dataclass(frozen=True, eq=False)
class ShownIce:
    """The ice of one lesion as it is drawn."""

    lesion_id: str
    drawn: DrawnIce
    stale: bool
    words: str  # what the picture says of it: "preview", "out of date", its moment; empty: nothing


def shown_field(result: IceResult, tissue: str) -> IceField:
    """Return the temperatures in the chosen tissue; those of the nearest to it where the result has none for it."""
    for wanted in (tissue, stand_in(tissue)):
        for one in result.fields:
            if one.tissue == wanted:
                return one
    return result.fields[0]


def still_holds(state: State, result: IceResult) -> bool:
    """Return whether the ice was computed from what the plan says now."""
    plan = state.plan
    if plan is None or all(lesion.id != result.inputs.lesion_id for lesion in plan.lesions):
        return False
    content_hash = state.volume.content_hash if state.volume is not None else plan.planning_volume.content_hash
    return is_current(result, plan, asked_again(plan, result.inputs, content_hash))


def shown_ice(state: State, view: IceView) -> Iterator[ShownIce]:
    """Return the ice of every lesion: a preview in place of what was computed, and the moment that is looked at.

    Ice without frames is not drawn at another moment than the end of the last freeze: it is not known there.
    """
    preview = view.preview
    if preview is not None and preview.drawn.tissue != stand_in(view.tissue):
        preview = None
    if preview is not None:
        words = ["preview", *_other_tissue(preview.drawn.tissue, view.tissue)]
        yield ShownIce(preview.lesion_id, preview.drawn, False, ", ".join(words))
    for result in state.ice:
        lesion_id, one = result.inputs.lesion_id, shown_field(result, view.tissue)
        if preview is not None and lesion_id == preview.lesion_id:
            continue
        at_the_end = is_at_the_end(result, view.time_s)
        drawn = drawn_at_the_end(one) if at_the_end else drawn_at(one, view.time_s or 0.0)
        if drawn is None:
            continue
        stale = not still_holds(state, result)
        words = [*(["out of date"] if stale else []), *_other_tissue(one.tissue, view.tissue)]
        if not at_the_end and view.time_s is not None:
            words.insert(0, moment_words(result.inputs.protocol, view.time_s))
        yield ShownIce(lesion_id, drawn, stale, ", ".join(words))


def _other_tissue(shown: str, wanted: str) -> tuple[str, ...]:
    return () if shown == wanted else (f"in {shown}",)


def is_at_the_end(result: IceResult, time_s: float | None) -> bool:
    """Return whether a moment is the one that the figures of record speak of."""
    return time_s is None or abs(time_s - frozen_at_s(result.inputs.protocol)) < 0.5


def notice_words(state: State, view: IceView, lesion_id: str | None) -> str:
    """Return what every view says while other ice is drawn than that of record: "Ice: preview", or its moment."""
    if view.preview is not None:
        return "Ice: preview"
    of_lesion = [r for r in state.ice if lesion_id in (None, r.inputs.lesion_id)] or list(state.ice)
    if view.time_s is None or not of_lesion or is_at_the_end(of_lesion[0], view.time_s):
        return ""
    return f"Ice: {moment_words(of_lesion[0].inputs.protocol, view.time_s)}"
