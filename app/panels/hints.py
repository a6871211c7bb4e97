"""What mouse and keys do now, in one line: of the tool in the hand, else of the step that is entered."""

from __future__ import annotations

from app.desk import Desk
from app.panels.rail import Step
from cvt_planner.anatomy.lesion_shape import Ellipsoid

_GAP = "  ·  "
_EMPTY = ("Drop a study, a ZIP, a volume or a plan on this window", "Ctrl+O open", "F1 all keys")
_VIEWS = ("Wheel: slices", "Ctrl + wheel: zoom", "Middle drag: move", "Shift + move: crosshair")
_LEAVE = "Esc leaves the tool"
_SIZE = "Ctrl + wheel or [ ]: size"

_TOOLS: dict[str, tuple[str, ...]] = {
    "sphere": ("Press in the middle of the lesion, drag to its rim", "Wheel: slices", _LEAVE),
    "grow": ("Click into the lesion; the outline appears", "Wheel: slices", _LEAVE),
    "brush": (
        "Drag: draw",
        "Ctrl + drag: erase",
        _SIZE,
        "D: one slice or 3-D",
        "X: eraser",
        _LEAVE,
    ),
    "eraser": ("Drag: erase", _SIZE, "D: one slice or 3-D", "B: brush", _LEAVE),
    "canal": ("Click the middle of the spinal canal in the axial view", "Wheel: slices", _LEAVE),
    "canal_seed": ("Click into the middle of the spinal canal: the spine is looked for again from there", _LEAVE),
    "disc_seed": ("Click where a disc is: the vertebra is parted there", _LEAVE),
    "join_seed": ("Click where a disc was found that is none: the two vertebrae are joined", _LEAVE),
    "spine_brush": ("Left drag: paint", "Ctrl + left drag: erase", "Wheel: slices", _LEAVE),
    "measure": ("Drag from point to point to measure", "Wheel: slices", _LEAVE),
}
_STEPS: dict[Step, tuple[str, ...]] = {
    Step.IMAGES: ("Drag: brightness and contrast", *_VIEWS, "1–5: windows", "Double click: one view"),
    Step.LEVELS: (
        "L: confirm the vertebra under the pointer",
        "Shift + move: crosshair into a vertebra, then confirm it in the panel",
        "Wheel: slices",
    ),
    Step.LESIONS: ("Drag a square: reshape", "Drag the cross: move", "Arrows: 0.5 mm", "Tab: next lesion", *_VIEWS[:2]),
    Step.NEEDLES: (
        "T: target at the pointer",
        "E: entry at the pointer",
        "Drag an end or the shaft",
        "Arrows: 0.5 mm",
        "N: next needle",
        "Space: along the needle",
    ),
    Step.ICE: (
        "K: play or pause",
        "Drag an end or the shaft: preview",
        "Wheel: slices",
        "Tab: next lesion",
        "N: next needle",
        "Space: along the needle",
    ),
    Step.CEMENT: ("Wheel: slices", "Ctrl + wheel: zoom", "Tab: next lesion"),
    Step.SESSION: ("Click a check or a chip to go to its place", "Tab: next lesion", "Ctrl+S: save", "Ctrl+Z: undo"),
}


_DRAWN = ("B: brush", "X: eraser", "Tab: next lesion", *_VIEWS)  # it has no squares to drag


def hint_words(desk: Desk) -> str:
    """Return the hint for the present tool and step."""
    if desk.volume is None:
        return _GAP.join(_EMPTY)
    if desk.tool == "aim":
        at = "entry on the skin and press E" if desk.aim and desk.aim.target_lps_mm else "target and press T"
        return _GAP.join((f"Point at the {at}, or click", "Wheel: slices", _LEAVE))
    words = _TOOLS.get(desk.tool) or (*_of_step(desk), "F1: all keys")
    return _GAP.join(words)


def _of_step(desk: Desk) -> tuple[str, ...]:
    step, lesion = Step(desk.step), desk.lesion
    drawn = lesion is not None and not isinstance(lesion.shape, Ellipsoid)
    return _DRAWN if step is Step.LESIONS and drawn else _STEPS[step]
