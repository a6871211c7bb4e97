"""Opening and saving: studies, plans, the series of a folder, and what to do with unsaved work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.desk import Desk
from app.dialogs import Answer, Dialogs
from cvt_planner.anatomy.first_look import spine_point_lps_mm
from cvt_planner.base.errors import InputRefused, PlannerError, WrongPlan
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.archives import PasswordNeeded
from cvt_planner.imaging.isolation import find_series, read_volume
from cvt_planner.imaging.series import SeriesInfo, SeriesListing
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan import edits
from cvt_planner.planning.ice_ahead import look_ahead
from cvt_planner.planning.summary import cement_figures
from cvt_planner.storage.find_volume import find_volume
from cvt_planner.storage.plan_file import StoredPlan, load_plan, save_plan

PLAN_SUFFIX = ".cvtplan"
_OPENING = "open"  # one purpose: a newer request to open takes the place of the older


class Documents(QObject):
    """Takes what is open from the disk and back. What is open stays open until something else has been read whole."""

    listed = Signal(object)  # SeriesListing: there is a choice to make
    opened = Signal()

    def __init__(self, desk: Desk, dialogs: Dialogs) -> None:
        super().__init__()
        self.desk = desk
        self.dialogs = dialogs
        self.listing: SeriesListing | None = None
        self.thumbnail: Callable[[], bytes | None] = lambda: None
        self._password = ""  # of a ZIP; in memory only, until something else is opened or all is closed

    # --- opening

    def open_path(self, path: Path) -> None:
        """Open a study or a plan; a study with several usable series asks which."""
        self.open_paths((path,))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open a plan, or the study that files and folders make together."""
        plan = next((path for path in paths if path.suffix.lower() == PLAN_SUFFIX), None)
        if plan is not None:
            self.open_plan(plan)
        elif paths:
            self._password = ""
            self._look_at(tuple(paths))

    def _look_at(self, paths: tuple[Path, ...]) -> None:
        password = self._password
        name = paths[0].name if len(paths) == 1 else f"{len(paths)} files"
        self.desk.run(
            _OPENING,
            f"Looking at {name}",
            lambda progress: find_series(paths[0] if len(paths) == 1 else paths, progress, password),
            lambda listing: self._listed(paths[0] if len(paths) == 1 else Path(listing.path), listing),
            self._asking_for_password(lambda: self._look_at(paths)),
        )

    def _asking_for_password(self, again: Callable[[], None]) -> Callable[[Exception], None]:
        """Return what hears that something could not be opened: it asks for a password where that is why."""

        def failed(error: Exception) -> None:
            if not isinstance(error, PasswordNeeded):
                self.desk.explain(error)
                return
            password = self.dialogs.zip_password(error.zip_name, error.wrong)
            if password is None:
                self.desk.say(f"{error.zip_name} was not opened: it is protected by a password.", "look")
                return
            self._password = password
            again()

        return failed

    @property
    def password(self) -> str:
        """Return the password of the ZIP that was looked at last; empty where none was needed."""
        return self._password

    def open_series(self, info: SeriesInfo) -> None:
        """Read one series of the listing and start a new plan on it."""
        self._after_asking(lambda: self._read_series(info))

    def open_plan(self, path: Path, study: Path | None = None) -> None:
        """Open a plan, and find the CT it belongs to (in `study`, where the user says where it is)."""

        password, levels_c = self._password, self.desk.view_state.isotherms_c

        def read(progress: Progress) -> tuple[StoredPlan, Volume | PlannerError]:
            stored = load_plan(path)
            progress.report(0.1, "finding its CT")
            try:
                volume = find_volume(stored.plan, study, progress.part(0.1, 0.9), password)
            except PasswordNeeded:
                raise
            except (InputRefused, WrongPlan) as error:
                return stored, error
            for lesion in stored.plan.lesions:
                with contextlib.suppress(PlannerError):  # the step that shows it says so
                    cement_figures(stored.plan, lesion, volume)  # remembered: the window asks for it at once
            known = {lesion.id for lesion in stored.plan.lesions}
            for result in stored.ice:
                progress.report(0.95, "reading its ice")
                if result.inputs.lesion_id in known:
                    look_ahead(stored.plan, result, levels_c)
            return stored, volume

        failed = self._asking_for_password(lambda: self.open_plan(path, study))

        def put(both: tuple[StoredPlan, Volume | PlannerError]) -> None:
            self._put_plan(path, *both)

        self._after_asking(lambda: self.desk.run(_OPENING, f"Opening {path.name}", read, put, failed))

    def _listed(self, path: Path, listing: SeriesListing) -> None:
        usable = listing.readable
        if not usable:
            self.desk.say(_nothing_usable(path, listing), "stop")
            if listing.series:
                self._offer(listing)
        elif len(usable) == 1:
            self.listing = listing
            self.open_series(usable[0])
        else:
            self._offer(listing)
            several = f"{len(listing.studies)} studies" if len(listing.studies) > 1 else f"{len(usable)} usable series"
            self.desk.say(f"{path.name} holds {several}. Choose the series to plan on.")

    def _offer(self, listing: SeriesListing) -> None:
        self.listing = listing
        self.listed.emit(listing)

    def _read_series(self, info: SeriesInfo) -> None:
        title = f"Reading {info.description or 'the series'} ({info.slice_count} slices)"
        password = self._password

        def read(progress: Progress) -> Volume:
            volume = read_volume(info, None, progress, password)
            spine_point_lps_mm(volume)  # the window asks for it at once
            return volume

        self.desk.run(_OPENING, title, read, self._put_volume)

    def _put_volume(self, volume: Volume) -> None:
        self.desk.workspace.open_volume(volume)
        self._remember(Path(volume.source), volume)
        self.opened.emit()  # entering a step takes an old sentence away: the notices come after it
        self._show_notices(volume.notices)

    def _put_plan(self, path: Path, stored: StoredPlan, found: Volume | PlannerError) -> None:
        if isinstance(found, PlannerError):
            words = str(found).replace(" (--ct FOLDER)", "")  # the command line's way to say it
            self.desk.say(words, "stop", ("Find the CT…", lambda: self._ask_where(path)))
            return
        self._password = ""
        self.listing = None
        self.desk.workspace.open_plan(stored.plan, found, path, stored.ice)
        if found.source != stored.plan.planning_volume.source:
            self.desk.apply(edits.set_source(found.source), "Remember where the CT is")
        self._remember(path, found)
        QTimer.singleShot(0, self, lambda: self._tell_opened((*stored.notices, *found.notices)))

    def _tell_opened(self, notices: tuple[str, ...]) -> None:
        """Let the window show what is open, in a turn of its own: entering the session computes and fills a lot."""
        self.opened.emit()
        self._show_notices(notices)

    def _ask_where(self, path: Path) -> None:
        study = self.dialogs.study_folder("Where is the CT of this plan?")
        if study is not None:
            self.open_plan(path, study)

    def _remember(self, path: Path, volume: Volume) -> None:
        who = volume.patient.name or volume.patient.patient_id
        self.desk.settings.add_recent(path, f"{who}, {path.name}" if who else path.name)

    def _show_notices(self, notices: tuple[str, ...]) -> None:
        if notices:
            self.desk.say(" ".join(dict.fromkeys(notices)), "look")

    # --- saving and closing

    @property
    def name(self) -> str:
        """Return what to call the open plan; empty when none is open."""
        state = self.desk.workspace.state
        if state.plan is None:
            return ""
        return state.path.stem if state.path else "new plan"

    def save(self, then: Callable[[], object] = lambda: None) -> None:
        """Write the plan to its file; ask where when it has none. `then` runs once it is written."""
        path = self.desk.workspace.state.path
        if path is None:
            self.save_as(then)
        else:
            self._write(path, then)

    def save_as(self, then: Callable[[], object] = lambda: None) -> None:
        """Ask where, and write the plan there."""
        volume = self.desk.volume
        if volume is None:
            return
        who = (volume.patient.patient_id or "plan").replace("/", "-").replace("\\", "-")
        path = self.dialogs.plan_to_write(f"{who}{PLAN_SUFFIX}")
        if path is not None:
            self._write(path, then)

    def close_study(self) -> None:
        """Close what is open, after asking about unsaved work."""
        self._after_asking(self._close)

    def may_close(self, then: Callable[[], object]) -> bool:
        """Return whether the window may close now; where work must be saved first, `then` runs after that."""
        if not self.desk.workspace.state.unsaved:
            return True
        answer = self.dialogs.unsaved(self.name)
        if answer is Answer.SAVE:
            self.save(then)
        return answer is Answer.DISCARD

    def _close(self) -> None:
        self._password = ""
        self.listing = None
        self.desk.workspace.close()
        self.opened.emit()

    def _after_asking(self, go: Callable[[], object]) -> None:
        if not self.desk.workspace.state.unsaved:
            go()
            return
        answer = self.dialogs.unsaved(self.name)
        if answer is Answer.SAVE:
            self.save(go)
        elif answer is Answer.DISCARD:
            go()

    def _write(self, path: Path, then: Callable[[], object]) -> None:
        state = self.desk.workspace.state
        plan, ice, picture = state.plan, state.ice, self.thumbnail()
        if plan is None:
            return

        def written(_nothing: None) -> None:
            self.desk.workspace.mark_saved(plan, ice, path)
            if self.desk.volume is not None:
                self._remember(path, self.desk.volume)
            self.desk.say(f"Saved as {path}.", "done")
            then()

        self.desk.run("save", f"Saving {path.name}", lambda _progress: save_plan(plan, ice, path, picture), written)


def _nothing_usable(path: Path, listing: SeriesListing) -> str:
    """Return one sentence on why nothing of a path can be opened, and what to do."""
    if listing.series:
        reason = " ".join(listing.series[0].reasons)
        more = f" (and {len(listing.series) - 1} more series)" if len(listing.series) > 1 else ""
        return f"No series in {path.name} can be used{more}: {reason}"
    if listing.hint:
        return listing.hint
    if listing.broken_files:
        name, reason = listing.broken_files[0]
        return f"Nothing in {path.name} can be read: {name}: {reason}"
    return f"{path.name} holds no CT images. Drop the folder that holds the DICOM files of a CT series."
