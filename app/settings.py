"""What the window remembers between two starts: recent files, its place on the screen, the grey window, the view."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from cvt_planner.imaging.pacs.nodes import FILE_NAME, nodes_file
from cvt_planner.plan.results import ISOTHERMS_C

RECENT_KEPT = 8
DEFAULT_WINDOW_HU = (300.0, 1500.0)  # centre and width: bone


@dataclass(frozen=True)
class Recent:
    """One file that was open lately."""

    path: Path
    label: str  # what to call it: the patient and the study, or the file's name


class Settings:
    """Reads and writes the remembered values; what is missing or damaged gives the default."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or _default_store()

    @property
    def recent(self) -> tuple[Recent, ...]:
        """Return the files opened last, newest first; those that are gone are left out."""
        try:
            rows = json.loads(str(self._store.value("recent", "[]")))
            found = tuple(Recent(Path(str(row[0])), str(row[1])) for row in rows)
        except (ValueError, IndexError, TypeError):
            return ()
        return tuple(item for item in found if item.path.exists())

    def add_recent(self, path: Path, label: str) -> None:
        """Put a file at the head of the recent ones."""
        path = path.resolve()
        others = [item for item in self.recent if item.path != path]
        rows = [(str(item.path), item.label) for item in (Recent(path, label), *others)][:RECENT_KEPT]
        self._store.setValue("recent", json.dumps(rows))

    @property
    def geometry(self) -> QByteArray:
        """Return the window's place and size as Qt packs them; empty at the first start."""
        value = self._store.value("geometry")
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("geometry", value)

    @property
    def window_hu(self) -> tuple[float, float]:
        """Return centre and width of the grey window used last, HU."""
        try:
            centre, width = json.loads(str(self._store.value("window_hu", "")))
            return float(centre), max(float(width), 1.0)
        except (ValueError, TypeError):
            return DEFAULT_WINDOW_HU

    @window_hu.setter
    def window_hu(self, value: tuple[float, float]) -> None:
        self._store.setValue("window_hu", json.dumps(list(value)))

    @property
    def isotherms_c(self) -> tuple[float, ...]:
        """Return the isotherms that were drawn last, degC."""
        try:
            levels = tuple(float(level) for level in json.loads(str(self._store.value("isotherms_c", ""))))
        except (ValueError, TypeError):
            return ISOTHERMS_C
        return levels or ISOTHERMS_C

    @isotherms_c.setter
    def isotherms_c(self, value: tuple[float, ...]) -> None:
        self._store.setValue("isotherms_c", json.dumps(list(value)))

    @property
    def ct_tissues(self) -> bool:
        """Return whether ice is also computed in the tissues of the CT."""
        return str(self._store.value("ct_tissues", "false")).lower() == "true"

    @ct_tissues.setter
    def ct_tissues(self, value: bool) -> None:
        self._store.setValue("ct_tissues", "true" if value else "false")

    @property
    def procedure_view(self) -> bool:
        """Return whether axials were last shown as the prone patient lies."""
        return str(self._store.value("procedure_view", "false")).lower() == "true"

    @procedure_view.setter
    def procedure_view(self, value: bool) -> None:
        self._store.setValue("procedure_view", "true" if value else "false")

    @property
    def finds_spine(self) -> bool:
        """Return whether the spine is looked for by itself when a CT is opened."""
        return str(self._store.value("finds_spine", "true")).lower() == "true"

    @finds_spine.setter
    def finds_spine(self, value: bool) -> None:
        self._store.setValue("finds_spine", "true" if value else "false")

    @property
    def probe_folder(self) -> Path:
        """Return the folder of the hospital's own probes, beside the settings; it need not exist yet."""
        return self._beside("probes")

    @property
    def pacs_file(self) -> Path:
        """Return the file of the remembered PACS, beside the settings; it need not exist yet."""
        return nodes_file() if os.environ.get("CVT_PLANNER_CONFIG") else self._beside(FILE_NAME)

    @property
    def pacs_store(self) -> Path:
        """Return the folder into which series are fetched from a PACS; it need not exist yet."""
        return Path(str(self._store.value("pacs_store", str(Path.home() / "CVT Planner" / "from PACS"))))

    @pacs_store.setter
    def pacs_store(self, value: Path) -> None:
        self._store.setValue("pacs_store", str(value))

    def _beside(self, name: str) -> Path:
        return Path(self._store.fileName()).parent / name

    @property
    def last_folder(self) -> str:
        """Return the folder of the last dialog; the home folder at first."""
        return str(self._store.value("last_folder", str(Path.home())))

    @last_folder.setter
    def last_folder(self, value: str) -> None:
        self._store.setValue("last_folder", value)


def _default_store() -> QSettings:
    given = os.environ.get("CVT_PLANNER_SETTINGS")  # a file instead of the user's own place, for tests and trials
    if given:
        return QSettings(given, QSettings.Format.IniFormat)
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "CVT Planner", "cvt-planner")
