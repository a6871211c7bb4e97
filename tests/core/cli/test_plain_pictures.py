"""Pictures drawn without Qt say on themselves what they show: sides, level, plane, window, scale, temperatures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.cli import pictures
from cvt_planner.cli.pictures import PLANES, slice_picture
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient, SeriesIdentity, Volume
from cvt_planner.plan.model import Lesion, LesionKind, Plan
from cvt_planner.plan.results import SOFT_TISSUE, IceField, IceInputs, IceResult
from cvt_planner.workspace import new_plan


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    plain = pictures.write

    def listening(pixels: object, row: float, column: float, text: str, colour: object) -> None:
        texts.append(text)
        plain(pixels, row, column, text, colour)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(pictures, "write", listening)
    return texts


def scene() -> tuple[Volume, Plan, Lesion, IceResult]:
    affine = np.eye(4)[[2, 1, 0, 3]].astype(float)
    affine[:3, 3] = -30.0
    grid = Grid((60, 60, 60), affine, "1.2.3")
    volume = Volume(np.zeros((60, 60, 60), np.int16), grid, Patient(), SeriesIdentity(), "hash", "made here")
    lesion = Lesion("l", "Lesion 1", "T12", LesionKind.LYTIC, Ellipsoid((0.0, 0.0, 0.0), (6.0, 6.0, 6.0)))
    plan = replace(new_plan(volume), lesions=(lesion,))
    index = np.stack(np.meshgrid(*[np.arange(60)] * 3, indexing="ij"), axis=-1)
    cold = np.minimum(4.0 * np.linalg.norm(grid.lps_of(index), axis=-1) - 80.0, 37.0).astype(np.float32)
    field = IceField(SOFT_TISSUE, cold, grid, (), 0.0, 0.0)
    return volume, plan, lesion, IceResult(IceInputs("l", "hash", (), (), 1.0, "test"), (field,))


@pytest.mark.parametrize(("plane", "letters"), [("axial", "RALP"), ("sagittal", "ASPI"), ("coronal", "RSLI")])
def test_a_plain_slice_says_what_it_shows(written: list[str], plane: str, letters: str) -> None:
    volume, plan, lesion, ice = scene()
    down, right = (np.array(step) for step in PLANES[plane])
    ends = {(0, 1): "L", (0, -1): "R", (1, 1): "P", (1, -1): "A", (2, 1): "S", (2, -1): "I"}
    sides = [ends[int(np.abs(v).argmax()), int(v.sum())] for v in (-right, -down, right, down)]
    assert "".join(sides) == letters  # the letters are those of the steps by which the picture is cut
    picture = slice_picture(volume, plan, lesion, ice, plane)
    assert written[-5:-1] == sides and written[-1] == "2 cm"
    assert {"0 °C", "-20 °C", "-40 °C", "W 1800 L 400 HU", f"T12? {plane.upper()}", "ICE IN SOFT TISSUE"} <= set(
        written
    )
    assert picture.drawn["ice 0 °C"] > 0


def test_sides_in_doubt_are_not_named(written: list[str]) -> None:
    volume, plan, lesion, _ = scene()
    slice_picture(replace(volume, sides_confirmed=False, sides_reason="doubt"), plan, lesion, None, "axial")
    assert written[-5:-1] == ["?", "A", "?", "P"] and not any("°C" in text for text in written)


def test_what_is_written_can_be_read_and_stays_inside() -> None:
    def drawn(text: str, row: float = 20.0, column: float = 30.0) -> np.ndarray:
        pixels = np.full((40, 60, 3), 90, dtype=np.uint8)
        pictures.write(pixels, row, column, text, (255, 255, 255))
        return pixels

    missing = drawn("\ufffe")
    for sign in "LRAPSI?°-":
        assert not np.array_equal(drawn(sign), missing), sign
    assert not np.array_equal(drawn("L"), drawn("R"))
    assert drawn("R", -50.0, 500.0)[:10, -10:].max() > 200  # moved into the corner
    assert drawn("a text that is wider than the picture").shape == (40, 60, 3)
