"""The installed Qt binding counts references right.

PySide6 6.12.0 on Python 3.11 gives a reference to None away at every call of a method without result; after some
thousand calls the interpreter ends the whole process ("none_dealloc").
"""

from __future__ import annotations

import sys

from PySide6.QtGui import QImage, QPainter


def test_calls_without_result_do_not_end_the_program(qapp: object) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    before = sys.getrefcount(None)
    for _ in range(200):
        painter.setOpacity(0.5)
    lost = before - sys.getrefcount(None)
    painter.end()
    assert lost < 100
