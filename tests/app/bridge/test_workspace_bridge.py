"""The bridge tells what changed, and only that."""

from __future__ import annotations

from dataclasses import replace

from app.bridge.workspace_bridge import WorkspaceBridge
from cvt_planner.imaging.volume import Volume
from cvt_planner.workspace import Workspace


def test_signals_follow_the_parts_that_changed(qapp: object, small_volume: Volume) -> None:
    workspace = Workspace()
    bridge = WorkspaceBridge(workspace)
    heard: list[str] = []
    bridge.changed.connect(
        lambda old, new: heard.append("changed" if new is workspace.state and old is not new else "?")
    )
    for name in ("volume", "plan", "ice", "spine", "history", "saved"):
        getattr(bridge, f"{name}_changed").connect(lambda name=name: heard.append(name))
    workspace.open_volume(small_volume)
    assert heard[:4] == ["changed", "volume", "plan", "history"]
    heard.clear()
    workspace.apply(lambda plan: replace(plan, notes="x"), "note", gesture="typing")
    assert heard == ["changed", "plan", "history"]
    heard.clear()
    workspace.end_gesture()
    assert heard == ["changed", "history"]
    bridge.close()
    bridge.close()
    workspace.undo()
    assert heard == ["changed", "history"]
