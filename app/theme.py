"""How the window looks: colours, type, icons, style sheet. The only place where a colour of a control is named."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

# Neutral greys (no hue, so that they do not tint the eye), one accent. Text is never pure white.
COLOURS: dict[str, str] = {
    "window": "#1c1c1c",
    "panel": "#242424",
    "raised": "#2f2f2f",
    "field": "#181818",
    "line": "#3d3d3d",
    "edge": "#5c5c5c",
    "text": "#dedede",
    "dim": "#a8a8a8",
    "faint": "#8a8a8a",
    "accent": "#6fa8dc",
    "accent_deep": "#2f5476",
    "ok": "#8fbf8f",
    "look": "#e0a63c",
    "stop": "#f4766c",
    "left": "#3fb8af",
    "right": "#f0913a",
    "lesion": "#e05fd0",
    "cement": "#c9a35a",
}
SMALLEST_PT = 11.0

VERDICT_COLOURS = {"ok": "ok", "look": "look", "stop": "stop", "not judged": "faint"}


def colour(name: str) -> QColor:
    """Return a colour of the theme by its name."""
    return QColor(COLOURS[name])


def resource(*parts: str) -> Path:
    """Return the path of a file under ``resources``, in the checkout, an installed copy or the frozen program."""
    frozen = getattr(sys, "_MEIPASS", None)
    root = Path(frozen) if frozen else Path(__file__).resolve().parent.parent
    return root.joinpath("resources", *parts)


@lru_cache(maxsize=128)
def icon(name: str, tint: str = "text") -> QIcon:
    """Return an icon of ``resources/icons``, drawn in a colour of the theme, and dimmed where it is disabled."""
    result = QIcon()
    for mode, key in ((QIcon.Mode.Normal, tint), (QIcon.Mode.Disabled, "edge")):
        for size in (18, 24, 36, 48):
            result.addPixmap(_draw_icon(name, COLOURS[key], size), mode)
    return result


def _draw_icon(name: str, hex_colour: str, size: int) -> QPixmap:
    svg = resource("icons", f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", hex_colour)
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter)
    painter.end()
    return picture


def ui_font(point_size: float = SMALLEST_PT, bold: bool = False) -> QFont:
    """Return the font of the window, never under 11 pt, with figures of equal width."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPointSizeF(max(point_size, SMALLEST_PT))
    font.setBold(bold)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def apply_theme(application: QApplication) -> None:
    """Dress the whole program: style, palette, font and style sheet."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setFont(ui_font())
    application.setStyleSheet(style_sheet())


def style_sheet() -> str:
    """Return the style sheet of ``resources``, with the theme's colours in place of their names."""
    text = resource("style.qss").read_text(encoding="utf-8")
    for name in sorted(COLOURS, key=len, reverse=True):
        text = text.replace(f"@{name}", COLOURS[name])
    return text.replace("%icons%", resource("icons").as_posix())


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, name in {
        role.Window: "panel",
        role.WindowText: "text",
        role.Base: "field",
        role.AlternateBase: "panel",
        role.Text: "text",
        role.Button: "raised",
        role.ButtonText: "text",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.Highlight: "accent_deep",
        role.HighlightedText: "text",
        role.PlaceholderText: "faint",
        role.Link: "accent",
    }.items():
        palette.setColor(which, colour(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, colour("faint"))
    return palette
