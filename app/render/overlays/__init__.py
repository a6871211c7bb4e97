"""What is drawn on a slice view, one file each, in the order they are painted; earlier labels keep their room."""

from __future__ import annotations

from app.render.overlays.anatomy import Anatomy
from app.render.overlays.corner_texts import CornerTexts
from app.render.overlays.crosshair import Crosshair
from app.render.overlays.ice import Ice
from app.render.overlays.labels import Lettering
from app.render.overlays.lesions import LesionNames, Lesions
from app.render.overlays.levels import Levels
from app.render.overlays.marks import Marks
from app.render.overlays.needles import Needles
from app.render.overlays.organs import Organs
from app.render.overlays.orientation_letters import OrientationLetters
from app.render.overlays.overlay import Overlay
from app.render.overlays.preview import PreviewOutline
from app.render.overlays.scale_bar import ScaleBar

OVERLAY_CLASSES: tuple[type[Overlay], ...] = (
    Crosshair,
    Organs,
    Anatomy,
    Lesions,
    Ice,
    LesionNames,
    Levels,
    Needles,
    Lettering,
    PreviewOutline,
    Marks,
    ScaleBar,
    CornerTexts,
    OrientationLetters,
)


def make_overlays() -> tuple[Overlay, ...]:
    """Return one of each overlay, for one view."""
    return tuple(member() for member in OVERLAY_CLASSES)
