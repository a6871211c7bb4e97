"""The workspace's listener calls as Qt signals."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from cvt_planner.workspace import State, Workspace


class WorkspaceBridge(QObject):
    """Emits what changed in a workspace. `changed` comes first, then the signals of the parts that are other objects.

    Nothing is emitted after `close`.
    """

    changed = Signal(object, object)  # old State, new State
    volume_changed = Signal()
    plan_changed = Signal()
    ice_changed = Signal()
    spine_changed = Signal()
    numbering_changed = Signal()
    organs_changed = Signal()
    history_changed = Signal()
    saved_changed = Signal()  # the file's path, or what was last written

    def __init__(self, workspace: Workspace, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self._forget = workspace.listen(self._tell)
        self._open = True

    def _tell(self, old: State, new: State) -> None:
        self.changed.emit(old, new)
        if old.volume is not new.volume:
            self.volume_changed.emit()
        if old.plan is not new.plan:
            self.plan_changed.emit()
        if old.ice is not new.ice:
            self.ice_changed.emit()
        if old.spine is not new.spine:
            self.spine_changed.emit()
        if old.numbering is not new.numbering:
            self.numbering_changed.emit()
        if old.organs is not new.organs:
            self.organs_changed.emit()
        if old.history is not new.history:
            self.history_changed.emit()
        if old.path != new.path or old.saved_plan is not new.saved_plan or old.saved_ice is not new.saved_ice:
            self.saved_changed.emit()

    def close(self) -> None:
        """Stop listening."""
        if self._open:
            self._open = False
            self._forget()
