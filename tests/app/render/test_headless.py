"""Pictures without a window carry what the window's views carry: letters, scale, window, level, temperatures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.render.headless import SIZE_PX, draw_slice
from app.render.overlays import ink
from app.render.selftest import draw_scene
from app.render.view_state import ORIENTATIONS
from cvt_planner.base.errors import PlannerError
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan.model import LevelMark, Plan
from cvt_planner.plan.results import IceResult
from cvt_planner.workspace import Workspace

LETTERS = {"axial": set("RALP"), "sagittal": set("ASPI"), "coronal": set("RSLI")}


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts that are put down on pictures from now on."""
    texts: list[str] = []
    plain = ink._lettering

    def listening(text: str, *how: object) -> QImage:
        texts.append(text)
        return plain(text, *how)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(ink, "_lettering", listening)
    return texts


def marked(plan: Plan) -> Plan:
    return replace(plan, levels=(LevelMark("L2", (3.0, -10.0, 1.0), True),))


@pytest.mark.parametrize("plane", ORIENTATIONS)
def test_a_slice_says_what_is_where_and_how_cold(
    qapp: object, workspace: Workspace, ice: IceResult, written: list[str], tmp_path: Path, plane: str
) -> None:
    workspace.apply(marked, "mark")
    lesion, target = workspace.plan.lesions[0], tmp_path / "slice é.png"
    draw_slice(workspace.volume, workspace.plan, (ice,), lesion, plane, target)
    assert set(written) >= LETTERS[plane]
    assert set(written) >= {"0 °C", "−20 °C", "2 cm", "W 2000  L 400 HU", "0.20 mm/px", "Lesion 1  L2", plane.title()}
    picture = QImage(str(target))
    assert picture.width() == SIZE_PX and picture.height() > SIZE_PX


def test_sides_in_doubt_are_not_named(
    qapp: object, workspace: Workspace, ice: IceResult, written: list[str], tmp_path: Path
) -> None:
    volume = replace(workspace.volume, sides_confirmed=False, sides_reason="The picture speaks against the header.")
    draw_slice(volume, workspace.plan, (ice,), workspace.plan.lesions[0], "axial", tmp_path / "slice.png")
    assert "L/R not confirmed" in written and not {"R", "L"} & set(written)


def test_the_scene_names_levels_temperatures_and_scale(
    qapp: object, small_volume: Volume, workspace: Workspace, ice: IceResult, written: list[str], tmp_path: Path
) -> None:
    workspace.apply(marked, "mark")
    draw_scene(small_volume, workspace.plan, (ice,), tmp_path / "scene.png")
    assert set(written) >= {"L2", "0 °C", "−20 °C", "−40 °C", "2 cm"}
    moved = replace(workspace.plan.assemblies[0], probe_tip_lps_mm=(4.0, -15.0, 1.0))
    written.clear()
    draw_scene(small_volume, replace(workspace.plan, assemblies=(moved,)), (ice,), tmp_path / "scene.png")
    assert "grey: ice out of date" in written and "−20 °C" not in written


def test_the_scale_bar_of_the_scene_is_true(
    qapp: object, small_volume: Volume, workspace: Workspace, tmp_path: Path
) -> None:
    draw_scene(small_volume, workspace.plan, (), tmp_path / "scene.png")
    picture = QImage(str(tmp_path / "scene.png"))
    column = np.array([picture.pixelColor(picture.width() - 2 - 30 + 2, y).lightness() for y in range(720)]) > 150
    lit = np.flatnonzero(column)
    assert lit.size and np.ptp(lit) == pytest.approx(20.0 * 720 / (2 * 68.0), abs=2.0)  # 2 cm of 136 mm


def test_a_folder_that_is_not_there_is_said(qapp: object, workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(PlannerError, match="could not be written"):
        draw_slice(
            workspace.volume, workspace.plan, (), workspace.plan.lesions[0], "axial", tmp_path / "absent" / "a.png"
        )
