"""What all views share and the plan does not know: crosshair, window, orientation, zoom, what is chosen and shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from app.render.turns import Turns
from cvt_planner.anatomy.lesion_shape import LesionShape
from cvt_planner.anatomy.spine.curved import CurvedFrame
from cvt_planner.base.arrays import Points, Vec3, vec3
from cvt_planner.geometry.frames import Grid
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE
from cvt_planner.planning.ice_preview import IcePreview

ORIENTATIONS: tuple[str, ...] = ("axial", "sagittal", "coronal")
ANATOMY: tuple[str, ...] = ("vertebrae", "canal", "pedicles", "discs")  # structures of a found spine
ORGANS: tuple[str, ...] = ("skin", "lungs", "air", "aorta")  # what lies around it
_AT_FIRST_HIDDEN = ("skin", "lungs", "air")  # seen well enough in the CT itself
OVERLAYS: tuple[str, ...] = (
    *("crosshair", "letters", "scale", "corners", "lesions", "needles", "levels", "ice", "bone"),
    *("anatomy", *ANATOMY, *ORGANS, "surfaces"),  # all structures on slices at once, each of them, and the 3-D surfaces
)
MOST_ISOTHERMS = 5
COLDEST_ISOTHERM_C, WARMEST_ISOTHERM_C = -150.0, 35.0
MIN_MM_PER_PX, MAX_MM_PER_PX = 0.02, 5.0


@dataclass(frozen=True)
class Window:
    """The Hounsfield units that are shown: middle grey, and the span from black to white."""

    centre_hu: float = 400.0
    width_hu: float = 2000.0

    def clamped(self) -> Window:
        """Return the window within what a CT holds."""
        return Window(min(max(self.centre_hu, -1500.0), 4000.0), min(max(self.width_hu, 2.0), 8000.0))


@dataclass(frozen=True)
class Frame:
    """How one view is zoomed and where it looks."""

    mm_per_px: float | None = None  # mm per logical pixel; None: the whole volume fits, or `extent_mm`
    centre_lps_mm: Vec3 | None = None  # the point in the widget's middle, taken onto the plane; None: the volume's
    extent_mm: float | None = None  # without a zoom: so much is seen along the view's shorter edge


@dataclass(frozen=True)
class Axes:
    """The LPS directions of a view's right and downward edges, for a view turned along a needle."""

    right: Vec3
    down: Vec3


@dataclass(frozen=True)
class Annotation:
    """A mark that belongs to no plan: a pending target, a measured distance. One point, or a line of several."""

    points_lps_mm: tuple[Vec3, ...]
    label: str = ""
    colour: str = "#e8d66e"


@dataclass(frozen=True, eq=False)
class Preview:
    """A lesion shape being made and not yet in the plan."""

    shape: LesionShape = field(repr=False)
    label: str = ""


class ViewState(QObject):
    """Shared by all views; every setter emits its own signal, then `changed`, and only when something is different."""

    crosshair_changed = Signal()
    window_changed = Signal()
    orientation_changed = Signal()  # procedure view on or off, or a view's axes
    frame_changed = Signal(str)  # the view's name
    selection_changed = Signal()
    overlays_changed = Signal()
    preview_changed = Signal()  # preview or annotations
    straight_changed = Signal()  # the frame along the canal, or none
    ice_changed = Signal()  # isotherms, moment or preview of the ice
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.turns = Turns(self)  # of the views and panels while something is dragged
        self.crosshair_lps_mm: Vec3 = (0.0, 0.0, 0.0)
        self.window = Window()
        self.inverted = False
        self.procedure_view = False
        self.lesion_id: str | None = None
        self.assembly_id: str | None = None
        self.overlays: frozenset[str] = frozenset(OVERLAYS) - frozenset(_AT_FIRST_HIDDEN)
        self.ice_tissue = MARROW_BONE  # coverage is read from the smaller ice
        self.isotherms_c: tuple[float, ...] = ISOTHERMS_C  # drawn and listed, warmest first; checks have their own
        self.ice_time_s: float | None = None  # of the ice that is drawn; None: the end of the last freeze
        self.ice_preview: IcePreview | None = None  # while a needle moves
        self.names_points = True  # of the chosen needle: skin, bone, both tips
        self.anatomy_opacity = 0.2  # of the insides of structures on slices
        self.vertebra: int | None = None  # number of the chosen one in the found spine
        self.straight: CurvedFrame | None = None  # the sagittal view shows the spine straight along this
        self.preview: Preview | None = None
        self.annotations: tuple[Annotation, ...] = ()
        self._frames: dict[str, Frame] = {}
        self._of_plane: Frame | None = None  # how the sagittal plane was looked at before the spine was shown straight
        self._axes: dict[str, Axes] = {}

    def look_at(self, grid: Grid) -> None:
        """Show a newly opened volume: crosshair in its middle, every view fitted, nothing chosen."""
        self._frames.clear()
        self._axes.clear()
        self.lesion_id = self.assembly_id = self.preview = None
        self.ice_time_s = self.ice_preview = None
        self.vertebra = self.straight = self._of_plane = None
        self.annotations = ()
        self.crosshair_lps_mm = vec3(grid.centre_lps_mm)
        for name in ORIENTATIONS:
            self.frame_changed.emit(name)
        self.orientation_changed.emit()
        self.crosshair_changed.emit()
        self.selection_changed.emit()
        self.preview_changed.emit()
        self.ice_changed.emit()
        self.straight_changed.emit()
        self.changed.emit()

    def set_crosshair(self, lps_mm: Points | Vec3) -> None:
        """Move the crosshair to an LPS point."""
        point = vec3(lps_mm)
        if point != self.crosshair_lps_mm:
            self.crosshair_lps_mm = point
            self._tell(self.crosshair_changed)

    def set_window(self, window: Window) -> None:
        """Show other Hounsfield units."""
        window = window.clamped()
        if window != self.window:
            self.window = window
            self._tell(self.window_changed)

    def set_inverted(self, inverted: bool) -> None:
        """Exchange black and white, or not."""
        if inverted != self.inverted:
            self.inverted = inverted
            self._tell(self.window_changed)

    def set_procedure_view(self, on: bool) -> None:
        """Turn axial pictures by 180 degrees (posterior up, as the prone patient lies), or back."""
        if on != self.procedure_view:
            self.procedure_view = on
            self._tell(self.orientation_changed)

    def axes(self, name: str) -> Axes | None:
        """Return the axes a view was turned to; None when it is orthogonal."""
        return self._axes.get(name)

    def set_axes(self, name: str, axes: Axes | None) -> None:
        """Turn one view to any plane through the crosshair, or back to orthogonal (None)."""
        if axes != self._axes.get(name):
            if axes is None:
                del self._axes[name]
            else:
                self._axes[name] = axes
            self._tell(self.orientation_changed)

    def frame(self, name: str) -> Frame:
        """Return how a view is zoomed and where it looks."""
        return self._frames.get(name, Frame())

    def set_frame(self, name: str, frame: Frame) -> None:
        """Zoom or pan one view."""
        if frame.mm_per_px is not None:
            frame = Frame(min(max(frame.mm_per_px, MIN_MM_PER_PX), MAX_MM_PER_PX), frame.centre_lps_mm)
        if frame != self.frame(name):
            self._frames[name] = frame
            self.frame_changed.emit(name)
            self.changed.emit()

    def choose(self, lesion_id: str | None, assembly_id: str | None = None) -> None:
        """Choose a lesion and one of its assemblies."""
        if (lesion_id, assembly_id) != (self.lesion_id, self.assembly_id):
            self.lesion_id, self.assembly_id = lesion_id, assembly_id
            self._tell(self.selection_changed)

    def name_points(self, named: bool) -> None:
        """Name the points of the chosen needle, or leave the room to others; what is in the hand is always named."""
        if named != self.names_points:
            self.names_points = named
            self._tell(self.overlays_changed)

    def show_overlay(self, name: str, on: bool) -> None:
        """Show or hide one of `OVERLAYS`."""
        wanted = self.overlays | {name} if on else self.overlays - {name}
        if wanted != self.overlays:
            self.overlays = wanted
            self._tell(self.overlays_changed)

    def set_anatomy_opacity(self, opacity: float) -> None:
        """Let more or less of the CT be seen through the structures, 0 (rims only) to 1."""
        opacity = min(max(opacity, 0.0), 1.0)
        if opacity != self.anatomy_opacity:
            self.anatomy_opacity = opacity
            self._tell(self.overlays_changed)

    def choose_vertebra(self, number: int | None) -> None:
        """Choose a vertebra of the found spine, or none."""
        if number != self.vertebra:
            self.vertebra = number
            self._tell(self.selection_changed)

    def set_straight(self, frame: CurvedFrame | None) -> None:
        """Show the spine straight along a frame in the sagittal view, the whole of it first; None: as it was before."""
        if frame is not self.straight:
            turned = (frame is None) != (self.straight is None)
            self.straight = frame
            if turned:
                of_plane, self._of_plane = self._of_plane, self._frames.pop("sagittal", None)
                if frame is None and of_plane is not None:
                    self._frames["sagittal"] = of_plane
            self._tell(self.straight_changed)

    def set_ice_tissue(self, tissue: str) -> None:
        """Choose the tissue whose ice is drawn."""
        if tissue != self.ice_tissue:
            self.ice_tissue = tissue
            self._tell(self.overlays_changed)

    def set_isotherms(self, levels_c: tuple[float, ...]) -> None:
        """Draw and list other isotherms: one to `MOST_ISOTHERMS` of them within the limits, warmest first."""
        within = {float(c) for c in levels_c if COLDEST_ISOTHERM_C <= c <= WARMEST_ISOTHERM_C}
        wanted = tuple(sorted(within, reverse=True))[:MOST_ISOTHERMS]
        if wanted and wanted != self.isotherms_c:
            self.isotherms_c = wanted
            self._tell(self.ice_changed)

    def set_ice_time(self, time_s: float | None) -> None:
        """Draw the ice of another moment, s from the start of the protocol; None: the end of the last freeze."""
        if time_s != self.ice_time_s:
            self.ice_time_s = time_s
            self._tell(self.ice_changed)

    def set_ice_preview(self, preview: IcePreview | None) -> None:
        """Draw a quick look in place of a lesion's ice, or none."""
        if preview is not self.ice_preview:
            self.ice_preview = preview
            self._tell(self.ice_changed)

    def set_preview(self, preview: Preview | None) -> None:
        """Show a lesion shape that is being made, or none."""
        if preview is not self.preview:
            self.preview = preview
            self._tell(self.preview_changed)

    def set_annotations(self, annotations: tuple[Annotation, ...]) -> None:
        """Show marks that belong to no plan."""
        if annotations != self.annotations:
            self.annotations = annotations
            self._tell(self.preview_changed)

    def _tell(self, signal: object) -> None:
        signal.emit()  # type: ignore[attr-defined]  # a bound signal; its class is not public in PySide6
        self.changed.emit()
