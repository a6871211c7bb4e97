"""Every command of the window: its words, its keys, its menu. Menus and the list of keys are made from this table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app import theme

FILE, EDIT, VIEW, TOOLS, GO, HELP = "&File", "&Edit", "&View", "&Tools", "&Go", "&Help"
MENUS: tuple[str, ...] = (FILE, EDIT, VIEW, TOOLS, GO, HELP)


@dataclass(frozen=True)
class ActionSpec:
    """One command."""

    key: str
    menu: str
    text: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    needs_study: bool = True  # dimmed until a study is open
    separator_before: bool = False


@dataclass(frozen=True)
class Preset:
    """A grey window on a number key."""

    name: str
    centre_hu: float
    width_hu: float


# Usual windows of the trade; assumed, since each department has its own.
PRESETS: tuple[Preset, ...] = (
    Preset("Bone", 300.0, 1500.0),
    Preset("Soft tissue", 40.0, 400.0),
    Preset("Lung", -600.0, 1500.0),
    Preset("Spine, soft", 60.0, 800.0),
    Preset("Metal", 1000.0, 4000.0),
)

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_study", FILE, "Open study folder…", ("Ctrl+O",), "open", needs_study=False),
    ActionSpec("open_file", FILE, "Open plan, ZIP or volume…", ("Ctrl+Shift+O",), needs_study=False),
    ActionSpec("fetch_pacs", FILE, "Fetch from PACS…", ("Ctrl+Shift+F",), needs_study=False),
    ActionSpec("open_sample", FILE, "Open the sample case", needs_study=False),
    ActionSpec("import_segmentation", FILE, "Import a segmentation…", ("Ctrl+I",), separator_before=True),
    ActionSpec("save", FILE, "Save", ("Ctrl+S",), "save", separator_before=True),
    ActionSpec("save_as", FILE, "Save as…", ("Ctrl+Shift+S",)),
    ActionSpec("deidentify", FILE, "Export de-identified…", separator_before=True),
    ActionSpec("close_study", FILE, "Close study", ("Ctrl+W",), separator_before=True),
    ActionSpec("quit", FILE, "Quit", ("Ctrl+Q",), needs_study=False),
    ActionSpec("undo", EDIT, "Undo", ("Ctrl+Z",), "undo"),
    ActionSpec("redo", EDIT, "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo"),
    ActionSpec("delete", EDIT, "Delete the chosen needle or lesion", ("Del",), "trash", separator_before=True),
    *(
        ActionSpec(f"preset_{n}", VIEW, f"{p.name} (centre {p.centre_hu:g}, width {p.width_hu:g} HU)", (str(n),))
        for n, p in enumerate(PRESETS, start=1)
    ),
    ActionSpec("invert", VIEW, "Invert greys", ("I",), "invert", checkable=True, separator_before=True),
    ActionSpec("procedure_view", VIEW, "Procedure view (back up)", ("P", "V"), "procedure", checkable=True),
    ActionSpec("needle_views", VIEW, "Needle views: along the chosen needle", ("Space",), "needle", checkable=True),
    ActionSpec("fit", VIEW, "Fit pictures to the views", ("F",)),
    ActionSpec("straight", VIEW, "Spine straight along the canal", ("S",), checkable=True),
    ActionSpec("show_anatomy", VIEW, "Anatomy on the slices", ("O",), checkable=True, separator_before=True),
    ActionSpec("show_vertebrae", VIEW, "Vertebrae", checkable=True),
    ActionSpec("show_canal", VIEW, "Canal", checkable=True),
    ActionSpec("show_pedicles", VIEW, "Pedicles", checkable=True),
    ActionSpec("show_discs", VIEW, "Discs", checkable=True),
    ActionSpec("show_skin", VIEW, "Skin", checkable=True),
    ActionSpec("show_lungs", VIEW, "Lungs", checkable=True),
    ActionSpec("show_air", VIEW, "Air: airways, bowel gas", checkable=True),
    ActionSpec("show_aorta", VIEW, "Aorta", checkable=True),
    ActionSpec("show_surfaces", VIEW, "3-D: vertebrae", checkable=True),
    ActionSpec("show_bone", VIEW, "3-D: bone", checkable=True),
    ActionSpec("layout", VIEW, "All four views", ("G",), "layout", separator_before=True),
    ActionSpec("full_screen", VIEW, "Full screen", ("F11",), checkable=True, needs_study=False),
    ActionSpec("measure", TOOLS, "Measure a distance", ("M",), "measure", checkable=True),
    ActionSpec("brush", TOOLS, "Brush: draw on the chosen lesion", ("B",), "brush", checkable=True),
    ActionSpec("eraser", TOOLS, "Eraser: take away from the chosen lesion", ("X",), "eraser", checkable=True),
    ActionSpec("brush_smaller", TOOLS, "Smaller brush", ("[",)),
    ActionSpec("brush_larger", TOOLS, "Larger brush", ("]",)),
    ActionSpec("brush_3d", TOOLS, "Brush in one slice or in 3-D", ("D",), checkable=True),
    ActionSpec("leave_tool", TOOLS, "Leave the tool", ("Esc",), needs_study=False),
    ActionSpec("play_ice", TOOLS, "Play or pause the ice", ("K",), "play"),
    ActionSpec("target", TOOLS, "Set the target at the pointer", ("T",), "target", separator_before=True),
    ActionSpec("entry", TOOLS, "Set the entry at the pointer", ("E",)),
    ActionSpec("confirm_level", TOOLS, "Confirm the level of the vertebra at the pointer", ("L",)),
    ActionSpec("find_spine", TOOLS, "Find the spine now", separator_before=True),
    ActionSpec("finds_spine", TOOLS, "Find the spine when a CT is opened", checkable=True, needs_study=False),
    ActionSpec("totalsegmentator", TOOLS, "Segment with TotalSegmentator", separator_before=True),
    ActionSpec("probe_card", TOOLS, "Probe card…", needs_study=False, separator_before=True),
    ActionSpec("next_needle", GO, "Next needle", ("N",)),
    ActionSpec("next_lesion", GO, "Next lesion", ("Tab",)),
    ActionSpec("nudge_left", GO, "Nudge 0.5 mm to the left of the picture", ("Left",), separator_before=True),
    ActionSpec("nudge_right", GO, "Nudge 0.5 mm to the right of the picture", ("Right",)),
    ActionSpec("nudge_up", GO, "Nudge 0.5 mm up", ("Up",)),
    ActionSpec("nudge_down", GO, "Nudge 0.5 mm down", ("Down",)),
    ActionSpec("slice_back", GO, "Previous slice", ("PgUp",), separator_before=True),
    ActionSpec("slice_on", GO, "Next slice", ("PgDown",)),
    *(
        ActionSpec(f"step_{n}", GO, f"Step {n}: {name}", (f"Alt+{n}",), needs_study=False, separator_before=n == 1)
        for n, name in enumerate(("Images", "Levels", "Lesions", "Needles", "Ice", "Cement", "Session"), start=1)
    ),
    ActionSpec("panel", GO, "Fields of the step, by keyboard", ("F6",), needs_study=False, separator_before=True),
    ActionSpec("keys", HELP, "All keys", ("F1",), needs_study=False),
    ActionSpec("about", HELP, "About CVT Planner", needs_study=False),
)

# What the mouse does, for the key list; the views themselves do it.
MOUSE: tuple[tuple[str, str], ...] = (
    ("Left drag", "the active tool; brightness and contrast when none is chosen"),
    ("Wheel", "through the slices"),
    ("Ctrl + wheel, right drag", "zoom; with the brush in the hand Ctrl + wheel changes its size"),
    ("Middle drag", "move the picture"),
    ("Shift + move", "crosshair in all views"),
    ("Double click", "one view fills the window, and back"),
)

Handlers = Mapping[str, Callable[[], None]]


def make_actions(window: QWidget, handlers: Handlers) -> dict[str, QAction]:
    """Return the actions by key, on the window, each calling its handler; every action must have one."""
    made: dict[str, QAction] = {}
    for spec in ACTIONS:
        action = QAction(spec.text, window)
        action.setShortcuts([QKeySequence(keys) for keys in spec.shortcuts])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(spec.checkable)
        if spec.icon:
            action.setIcon(theme.icon(spec.icon))
        handler = handlers[spec.key]
        action.triggered.connect(lambda _checked=False, run=handler: run())
        window.addAction(action)
        made[spec.key] = action
    return made


_GATHERED = (
    ("Arrows", "nudge what is chosen by 0.5 mm"),
    ("Alt+1 to Alt+7", "the seven steps"),
    ("1 to 5", "grey windows: " + ", ".join(preset.name.lower() for preset in PRESETS)),
)


def key_rows() -> list[tuple[str, str]]:
    """Return (keys, what they do) for the list behind F1."""
    rows = [
        (" or ".join(_native(keys) for keys in spec.shortcuts), spec.text.rstrip("…"))
        for spec in ACTIONS
        if spec.shortcuts and not spec.key.startswith(("nudge_", "step_", "preset_"))
    ]
    return [*rows, *_GATHERED, *MOUSE]


def _native(keys: str) -> str:
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
