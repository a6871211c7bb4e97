"""The cryoprobes to choose from, the hospital's own among them, and the slow work on probe cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.desk import Desk
from cvt_planner.base.errors import Cancelled
from cvt_planner.base.progress import Progress
from cvt_planner.devices.cryoprobe import CRYOPROBES, CryoprobeModel
from cvt_planner.planning.probe_card import ProbeCard
from cvt_planner.planning.probe_fit import ProbeFit, fit_card
from cvt_planner.planning.probe_isotherms import DEFAULT_BENCHES, Bench, IsothermSize, isotherm_sizes
from cvt_planner.storage.probe_folder import HospitalProbes, add_probe, load_probes, remove_probe

FIT_JOB = "fit probe card"
_SIZES_JOB, _FOLDER_JOB = "probe isotherms", "hospital probes"
DefaultSizes = tuple[tuple[Bench, tuple[IsothermSize, ...]], ...]


class Probes(QObject):
    """Knows every cryoprobe; asks for fits, default isotherms and the folder of hospital probes beside the window."""

    changed = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._hospital: tuple[CryoprobeModel, ...] = ()
        self._read()

    @property
    def all(self) -> tuple[CryoprobeModel, ...]:
        """Return the catalogue, then the hospital's own."""
        return (*CRYOPROBES, *self._hospital)

    def choices(self, also: Iterable[CryoprobeModel] = ()) -> list[tuple[str, str]]:
        """Return (words, key) of every probe; `also` are those of a plan that may have come from elsewhere."""
        known = {probe.key: probe.choice_text for probe in (*also, *self.all)}
        order = [*(probe.key for probe in self.all), *(key for key in known)]
        return [(known[key], key) for key in dict.fromkeys(order)]

    def find(self, key: str, also: Iterable[CryoprobeModel] = ()) -> CryoprobeModel | None:
        """Return the probe of a key; None when it is gone."""
        return next((probe for probe in (*self.all, *also) if probe.key == key), None)

    # --- slow work

    def fit(
        self, card: ProbeCard, done: Callable[[ProbeFit], object], failed: Callable[[Exception], object]
    ) -> Callable[[], None]:
        """Fit a card beside the window; return what stops it."""

        def ended(error: Exception) -> None:
            failed(error)
            if not isinstance(error, Cancelled):
                self.desk.explain(error)

        return self.desk.run(FIT_JOB, f"Fitting {card.probe.name}", partial(fit_card, card), done, ended).cancel

    def sizes(self, probe: CryoprobeModel, done: Callable[[DefaultSizes], object]) -> None:
        """Compute a probe's isotherms in the default media; only the newest request is answered."""

        def work(progress: Progress) -> DefaultSizes:
            return tuple((bench, isotherm_sizes(probe, bench, progress=progress)) for bench in DEFAULT_BENCHES)

        self.desk.run(_SIZES_JOB, "Isotherms", work, done, lambda _error: None, shown=False)

    def add(self, fit: ProbeFit) -> None:
        """Keep a fitted probe in the hospital's folder."""
        folder = self.desk.settings.probe_folder

        def work(_progress: Progress) -> HospitalProbes:
            add_probe(fit, folder)
            return load_probes(folder)

        def done(found: HospitalProbes) -> None:
            self._put(found)
            self.desk.say(f"{fit.probe.choice_text} is in the catalogue now. Choose it in step 4.", "done")

        self.desk.run(_FOLDER_JOB, f"Adding {fit.probe.name}", work, done, shown=False)

    def remove(self, key: str) -> None:
        """Take a hospital probe out of the folder; plans keep their own record of it."""
        folder = self.desk.settings.probe_folder
        probe = self.find(key)
        name = probe.name if probe else key

        def work(_progress: Progress) -> HospitalProbes:
            remove_probe(key, folder)
            return load_probes(folder)

        def done(found: HospitalProbes) -> None:
            self._put(found)
            self.desk.say(f"{name} is no longer in the catalogue. Plans that use it keep it.", "done")

        self.desk.run(_FOLDER_JOB, f"Removing {name}", work, done, shown=False)

    def _read(self) -> None:
        folder = self.desk.settings.probe_folder
        self.desk.run(_FOLDER_JOB, "Hospital probes", lambda _p: load_probes(folder), self._put, shown=False)

    def _put(self, found: HospitalProbes) -> None:
        self._hospital = found.probes
        if found.notices:
            self.desk.say(" ".join(found.notices), "look")
        self.changed.emit()
        self.desk.tell()
