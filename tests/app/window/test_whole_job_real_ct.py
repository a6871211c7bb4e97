"""The whole job on real CTs, from the drop to the reopened plan, with real mouse and key events; pictures go to out/.

The patients have no lesion here: a sphere is marked in a healthy vertebra. The places were read off the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPlainTextEdit

from app.panels.rail import Mark, Step
from cvt_planner.plan.model import Side
from tests.app.window.hand import Hand, HeldUp


@dataclass(frozen=True)
class Case:
    """One real CT, and where things lie in it, LPS mm."""

    name: str
    data: str
    level: str
    body: tuple[float, float, float]  # middle of the vertebral body, at the height of its pedicles
    canal: tuple[float, float]  # x, y at that height
    tip_mm: tuple[float, float]  # of each probe: to the side and to the back of the body's middle
    pedicle_mm: tuple[float, float]  # of each pedicle, likewise
    thick: bool
    notches: int  # of Ctrl + wheel, until the vertebra is large
    identity: str

    def along(self, side: float, back_mm: float) -> np.ndarray:
        """Return the point so far behind the body's middle on the line from the tip through the pedicle."""
        (tip_x, tip_y), (pedicle_x, pedicle_y) = self.tip_mm, self.pedicle_mm
        x = tip_x + (pedicle_x - tip_x) / (pedicle_y - tip_y) * (back_mm - tip_y)
        return np.array(self.body) + np.array([side * x, back_mm, 0.0])


CASES = (
    Case(
        "thoracic", "lidc_idri_0314_lower_thoracic", "T11", (-11.0, 219.0, -640.0), (-10.5, 239.5),
        (5.0, -6.0), (12.5, 14.0), False, 6, "LIDC-IDRI-0314",
    ),
    Case(
        "lumbar_5mm", "crlm_ct_1006", "L2", (19.0, 65.0, -331.4), (19.0, 87.5),
        (6.0, -4.0), (13.5, 17.0), True, 6, "CRLM",
    ),
    Case(
        "lumbar_nifti", "ts_example_ct_lumbar_3mm.nii", "L2", (6.0, -137.0, 357.3), (4.5, -106.0),
        (7.0, -4.0), (14.0, 20.0), True, 5, "no identity",
    ),
)  # fmt: skip


@pytest.mark.real_ct
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_whole_job(
    case: Case, real_ct: Callable[[str], Path], open_hand: Callable[..., Hand], tmp_path: Path
) -> None:
    hand = open_hand()
    hand.picture(f"{case.name}_0_empty")
    open_and_find(hand, case, real_ct(case.data))
    mark_level_and_canal(hand, case)
    mark_lesion(hand, case)
    lay_needles(hand, case)
    freeze(hand, case)
    finish(hand, case, tmp_path / f"{case.name}.cvtplan")
    plan, ice = hand.plan, hand.built.workspace.state.ice
    hand.window.close()

    again = open_hand()
    again.drop(tmp_path / f"{case.name}.cvtplan")
    assert again.plan == plan
    assert [r.inputs for r in again.built.workspace.state.ice] == [r.inputs for r in ice]
    assert again.window.rail.buttons[Step.ICE].mark is Mark.DONE
    assert not again.built.workspace.state.unsaved
    again.picture(f"{case.name}_8_reopened")


def open_and_find(hand: Hand, case: Case, path: Path) -> None:
    hand.drop(path)
    assert hand.built.desk.volume is not None, hand.message
    assert case.identity in hand.window.banner.patient.whole
    assert case.thick == ("apart" in hand.message)
    hand.picture(f"{case.name}_1_images")
    hand.crosshair(case.body, "sagittal")
    hand.crosshair(case.body, "coronal")
    hand.crosshair(case.body, "axial")
    # Zoom about points behind the body, so that the way to the skin stays in the picture.
    for view in ("axial", "sagittal", "coronal"):
        hand.wheel(np.array(case.body) + np.array([0.0, 30.0, 0.0]), case.notches, view, zoom=True)
    at = np.array(hand.built.desk.view_state.crosshair_lps_mm)
    assert np.abs(at - case.body).max() < 4.0
    hand.built.desk.go_to((case.body[0], case.body[1], case.body[2]))


def mark_level_and_canal(hand: Hand, case: Case) -> None:
    hand.step(Step.LEVELS)
    hand.choose("level_choice", case.level)
    hand.click("mark_level")
    hand.click("confirm_level")
    hand.click("mark_canal")
    hand.press_at((*case.canal, case.body[2]))
    canal = hand.plan.levels[0].canal
    assert canal is not None, hand.message
    assert np.hypot(canal.centre_lps_mm[0] - case.canal[0], canal.centre_lps_mm[1] - case.canal[1]) < 5.0
    hand.picture(f"{case.name}_2_levels")


def mark_lesion(hand: Hand, case: Case) -> None:
    hand.step(Step.LESIONS)
    hand.click("tool_grow")
    hand.press_at(case.body)
    hand.picture(f"{case.name}_3_growing")
    hand.key(Qt.Key.Key_Escape)
    hand.settle()
    assert hand.built.desk.view_state.preview is None and not hand.plan.lesions
    hand.click("tool_sphere")
    hand.drag(hand.at(case.body), hand.at(np.array(case.body) + np.array([9.0, 0.0, 0.0])))
    lesion = hand.plan.lesions[0]
    assert lesion.level == case.level and lesion.volume_ml == pytest.approx(3.05, rel=0.25)
    hand.choose("lesion_vas", "7")
    hand.picture(f"{case.name}_3_lesions", large=True)


def lay_needles(hand: Hand, case: Case) -> None:
    hand.step(Step.NEEDLES)
    for name, side in (("add_left", 1.0), ("add_right", -1.0)):
        hand.click(name)
        hand.hover(case.along(side, case.tip_mm[1]))
        hand.key(Qt.Key.Key_T)
        hand.hover(case.along(side, 55.0))
        hand.key(Qt.Key.Key_E)
        hand.settle()
    assert [a.side for a in hand.plan.assemblies] == [Side.LEFT, Side.RIGHT]
    for assembly in hand.plan.assemblies:
        depth = assembly.depth_from_skin_mm
        assert depth is not None and 50.0 < depth < 130.0
        assert assembly.bone_entry_lps_mm is not None
    hand.picture(f"{case.name}_4_needles")
    chosen = hand.built.desk.assembly
    assert chosen is not None
    start = hand.at(chosen.probe_tip_lps_mm)
    hand.drag(start, start + QPoint(2, -6))
    assert hand.plan.assembly(chosen.id).probe_tip_lps_mm != chosen.probe_tip_lps_mm
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert hand.plan.assembly(chosen.id) == chosen
    hand.key(Qt.Key.Key_Space)
    hand.picture(f"{case.name}_4_needle_views")
    hand.key(Qt.Key.Key_Space)


def freeze(hand: Hand, case: Case) -> None:
    hand.step(Step.ICE)
    hand.settle()
    held_up = HeldUp()
    hand.click("run_ice")
    hand.built.desk.bridge.ice_changed.connect(held_up.stop)
    hand.settle()
    print(f"\n{case.name}: held up by the ice: {held_up.own_ms:.0f} ms of its own, {held_up.whole_ms:.0f} ms in all")
    assert 0.0 < held_up.own_ms < 250.0
    assert len(hand.built.workspace.state.ice) == 1, hand.message
    assert hand.window.rail.buttons[Step.ICE].mark is Mark.DONE
    volumes = {row[0]: float(row[1].split()[0]) for row in hand.table("ice_isotherms")}
    assert volumes["0 °C"] > volumes["−20 °C"] > volumes["−40 °C"] > 1.0
    assert all(row[3].endswith("%") for row in hand.table("ice_isotherms"))
    assert "mm" in hand.table("ice_canal")[0][1] and hand.table("ice_canal")[2][1].endswith("°C")
    hand.picture(f"{case.name}_5_ice", large=True)
    hand.key(Qt.Key.Key_Up)
    hand.qtbot.waitUntil(lambda: hand.window.rail.buttons[Step.ICE].mark is Mark.OUT_OF_DATE)
    # At once: the new ice is computed by itself after a pause of 0.8 s.
    hand.window.grab().save(str(hand.out / f"{case.name}_5_stale.png"))
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert hand.window.rail.buttons[Step.ICE].mark is Mark.DONE


def finish(hand: Hand, case: Case, path: Path) -> None:
    hand.step(Step.CEMENT)
    assert hand.table("cement_table")[0][1].endswith("mL")
    hand.picture(f"{case.name}_6_cement")
    hand.step(Step.SESSION)
    notes: QPlainTextEdit | None = hand.window.findChild(QPlainTextEdit, "notes")
    assert notes is not None
    notes.setFocus()
    hand.qtbot.keyClicks(notes, "Spinal anesthesia, test 1.")
    hand.key(Qt.Key.Key_P)  # the focus is in the notes, but the key goes to the view it was pressed in
    hand.picture(f"{case.name}_7_session")
    hand.key(Qt.Key.Key_P)
    hand.answers.write_to = path
    hand.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert path.exists() and hand.plan.notes == "Spinal anesthesia, test 1." and not hand.built.workspace.state.unsaved
