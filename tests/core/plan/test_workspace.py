"""The workspace and the history: undo, redo, gestures, unsaved work, listeners."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvt_planner.anatomy.numbering import Numbering
from cvt_planner.anatomy.spine.model import Spine
from cvt_planner.base.errors import InputRefused, PlannerError
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.plan import edits
from cvt_planner.plan.history import LONGEST, History, Step
from cvt_planner.plan.model import Plan, VolumeRole
from cvt_planner.plan.results import IceInputs, IceResult
from cvt_planner.workspace import State, Workspace, new_plan


def a_volume() -> Volume:
    grid = Grid((3, 4, 5), np.eye(4), "1.2.3")
    series = SeriesIdentity("1.2", "1.1", series_description="CT", acquired_at="2026-01-15")
    return Volume(np.zeros((3, 4, 5), dtype=np.int16), grid, Patient("Doe"), series, "hash", "/ct")


@pytest.fixture
def workspace() -> Workspace:
    workspace = Workspace()
    workspace.open_volume(a_volume())
    return workspace


def ice_of(lesion_id: str) -> IceResult:
    return IceResult(IceInputs(lesion_id, "hash", (), (), 1.0, "1"), ())


def test_a_new_plan_names_its_ct() -> None:
    plan = new_plan(a_volume())
    assert plan.patient.name == "Doe"
    ref = plan.planning_volume
    assert (ref.role, ref.series_uid, ref.content_hash, ref.shape_kji) == (
        VolumeRole.PLANNING,
        "1.2",
        "hash",
        (3, 4, 5),
    )


def test_a_spine_stays_with_the_ct_it_was_found_in(workspace: Workspace) -> None:
    labels = np.zeros((3, 4, 5), dtype=np.uint8)
    spine = Spine(a_volume().grid, labels, labels.copy(), np.zeros((0, 3)), (), "hash")
    workspace.put_spine(spine)
    proposal = Numbering(())
    workspace.put_numbering(spine, proposal)
    workspace.put_numbering(replace(spine), Numbering(()))  # of a spine that is no longer the present one
    workspace.apply(edits.set_notes("x"), "Notes")
    workspace.undo()
    workspace.open_plan(workspace.plan, a_volume(), None)
    assert workspace.state.spine is spine
    assert workspace.state.numbering is proposal
    assert not workspace.state.unsaved
    workspace.open_volume(replace(a_volume(), content_hash="other"))
    assert workspace.state.spine is None
    with pytest.raises(PlannerError, match="another CT"):
        workspace.put_spine(spine)


def test_nothing_is_edited_before_a_ct_is_open() -> None:
    with pytest.raises(PlannerError, match="Open a CT"):
        Workspace().apply(edits.set_notes("x"), "Notes")
    with pytest.raises(PlannerError, match="Open a CT"):
        _ = Workspace().volume


def test_unsaved_follows_plan_and_ice(workspace: Workspace) -> None:
    assert not workspace.state.unsaved
    workspace.apply(edits.set_notes("a"), "Notes")
    assert workspace.state.unsaved
    workspace.undo()
    assert not workspace.state.unsaved
    workspace.put_ice(ice_of("l"))
    assert workspace.state.unsaved
    workspace.mark_saved(workspace.plan, workspace.state.ice, Path("p.cvtplan"))
    assert not workspace.state.unsaved
    assert workspace.state.path == Path("p.cvtplan")


def test_ice_replaces_the_one_of_the_same_lesion(workspace: Workspace) -> None:
    for lesion in ("a", "b", "a"):
        workspace.put_ice(ice_of(lesion))
    assert sorted(r.inputs.lesion_id for r in workspace.state.ice) == ["a", "b"]


def test_a_drag_is_one_step(workspace: Workspace) -> None:
    for n in range(5):
        workspace.apply(edits.set_notes(f"drag {n}"), "Drag", gesture="g1")
    workspace.end_gesture()
    workspace.apply(edits.set_notes("after"), "Drag", gesture="g1")
    workspace.undo()
    assert workspace.plan.notes == "drag 4"
    workspace.undo()
    assert workspace.plan.notes == ""
    workspace.redo()
    assert workspace.plan.notes == "drag 4"


def test_an_edit_that_raises_changes_nothing(workspace: Workspace) -> None:
    before = workspace.state
    with pytest.raises(InputRefused):
        workspace.apply(edits.remove_lesion("gone"), "Remove")
    assert workspace.state is before


def test_listeners_see_old_and_new_until_they_leave(workspace: Workspace) -> None:
    seen: list[tuple[State, State]] = []
    leave = workspace.listen(lambda old, new: seen.append((old, new)))
    workspace.apply(edits.set_notes("a"), "Notes")
    workspace.apply(edits.set_notes("a"), "Notes")  # nothing changes, nobody is told
    leave()
    workspace.undo()
    assert len(seen) == 1
    assert (seen[0][0].plan or workspace.plan).notes == ""
    assert (seen[0][1].plan or workspace.plan).notes == "a"


@given(st.lists(st.sampled_from(["edit", "undo", "redo"]), max_size=40))
def test_undo_and_redo_walk_one_line(moves: list[str]) -> None:
    line, at, made = [""], 0, 0
    history = History(Step(Plan("p", Patient(), ()), ""))
    for move in moves:
        if move == "edit":
            made += 1
            line = [*line[: at + 1], f"{made}"]
            at += 1
            history = history.record(edits.set_notes(f"{made}")(history.plan), "edit")
        elif move == "undo":
            at = max(at - 1, 0)
            history = history.undo()
        else:
            at = min(at + 1, len(line) - 1)
            history = history.redo()
        assert history.plan.notes == line[at]
        assert bool(history.undo_label) == (at > 0)
        assert bool(history.redo_label) == (at < len(line) - 1)


def test_the_history_forgets_the_oldest() -> None:
    history = History(Step(Plan("p", Patient(), ()), ""))
    for n in range(LONGEST + 20):
        history = history.record(edits.set_notes(str(n))(history.plan), "edit")
    assert len(history.past) == LONGEST


def test_the_place_of_the_ct_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that named its CT relative to where the program ran could not find it from elsewhere, or find another."""
    monkeypatch.chdir(tmp_path)
    plan = new_plan(replace(a_volume(), source="study"))
    assert plan.planning_volume.source == str(tmp_path / "study")
    assert edits.set_source("moved")(plan).planning_volume.source == str(tmp_path / "moved")
