"""The classes of awkward DICOM, 39 of them: each has a test that carries its number, in a file beside this one."""

from __future__ import annotations

import re
from pathlib import Path


def test_every_class_has_a_test() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_dicom_classes_*.py"))
    found = {int(number) for number in re.findall(r"^def test_class_(\d\d)_", text, re.MULTILINE)}
    assert found == set(range(1, 40))
