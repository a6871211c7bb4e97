"""The probe card in the window: typed by hand or read from a file, fitted, stopped, added, chosen for a needle."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QLineEdit

from app.panels.rail import Step
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import vec3
from cvt_planner.devices.cryoprobe import ProbeOrigin, cryoprobe
from cvt_planner.plan import edits
from cvt_planner.plan.model import Assembly, Lesion, LesionKind, Side
from cvt_planner.planning.probe_isotherms import SOFT_TISSUE_37, Bench, isotherm_sizes
from cvt_planner.storage.plan_file import load_plan
from cvt_planner.storage.plan_json import probe_as_json
from tests.app.window.hand import Hand, Small

OUT = Path(__file__).resolve().parents[3] / "out" / "window"
FREEZE = SOFT_TISSUE_37.protocol


def type_in(hand: Hand, name: str, text: str) -> None:
    """Click a field and type into it with the keyboard."""
    field: QLineEdit | None = hand.window.findChild(QLineEdit, name)
    assert field is not None, name
    hand.qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    field.selectAll()
    QTest.keyClicks(field, text)


def spin(hand: Hand, name: str, text: str) -> None:
    field = hand.window.card.findChild(QDoubleSpinBox, name)
    assert field is not None, name
    hand.qtbot.mouseClick(field.lineEdit(), Qt.MouseButton.LeftButton)
    field.selectAll()
    QTest.keyClicks(field, text)


def said(hand: Hand, name: str) -> str:
    words: QLabel | None = hand.window.findChild(QLabel, name)
    assert words is not None
    return words.text()


def type_card(hand: Hand, rows: list[tuple[str, str, str]]) -> None:
    """Type a card of soft tissue at 37 °C, 10 min."""
    type_in(hand, "field_name", "Ward 15")
    hand.choose("field_medium", "soft tissue")
    spin(hand, "field_start_c", "37")
    for n, texts in enumerate(rows, start=1):
        for name, text in zip(("temperature", "width", "length"), texts, strict=True):
            type_in(hand, f"card_{name}_{n}", text)
    type_in(hand, "field_source", "Instructions, page 12")
    type_in(hand, "field_typed_by", "AB")


def printed(plateau_c: float, **change: Any) -> list[tuple[str, str, str]]:
    """Return the rows that a card of a known probe would print."""
    probe = replace(cryoprobe("17g-15"), tip_temperature_c=plateau_c, **change)
    sizes = isotherm_sizes(probe, Bench("x", SOFT_TISSUE_37.material, 37.0, FREEZE), spacing_mm=1.25)
    return [(f"{s.temperature_c:g}", f"{s.width_mm:.1f}", f"{s.length_mm:.1f}") for s in sizes]


def with_needle(hand: Hand, small: Small) -> str:
    """Open the small phantom with a lesion and one needle; return the needle's id."""
    hand.drop(small.folder)
    centre = small.lesion
    workspace = hand.built.workspace
    lesion = Lesion("l", "Lesion 1", small.level["name"], LesionKind.LYTIC, Ellipsoid(vec3(centre), (8.0, 8.0, 8.0)))
    workspace.apply(lambda plan: replace(plan, lesions=(lesion,)), "Mark")
    entry = vec3(centre + np.array([25.0, 70.0, 0.0]))
    needle = Assembly("n", "l", Side.LEFT, vec3(centre), entry, probe=cryoprobe("17g-15"))
    workspace.apply(lambda plan: replace(plan, assemblies=(needle,)), "Lay")
    hand.built.desk.choose_assembly("n")
    hand.step(Step.NEEDLES)
    hand.settle()
    return "n"


def test_type_fit_add_and_choose(hand: Hand, small: Small, tmp_path: Path) -> None:
    with_needle(hand, small)
    hand.click("probe_card")
    assert hand.window.card.isVisible()
    hand.settle()
    assert "computed, not manufacturer data" in said(hand, "card_defaults_words")
    defaults = hand.table("card_defaults")
    assert [row[0] for row in defaults] == ["0 °C", "−20 °C", "−40 °C"]
    assert all("×" in text and text.endswith(" mm") for row in defaults for text in row[1:])
    assert not hand.button("card_stop").isEnabled() and not hand.button("card_add").isEnabled()
    type_card(hand, printed(-122.0))
    hand.click("card_fit")
    assert hand.button("card_stop").isEnabled() and not hand.button("card_fit").isEnabled()
    hand.settle()
    hand.qtbot.wait(60)
    assert "The card is reproduced" in said(hand, "card_state")
    misfit = hand.table("card_misfit")
    assert len(misfit) == 6
    for name, card, computed, difference in misfit:
        assert "width" in name or "length" in name
        assert all(text.endswith(" mm") for text in (card, computed, difference))
        assert abs(float(difference.removesuffix(" mm").replace("−", "-"))) < 1.0
    area, table = hand.window.card.area.viewport(), hand.window.card.misfit
    assert table.mapTo(area, table.rect().bottomLeft()).y() <= area.height(), "the misfit is not seen whole"
    hand.window.grab().save(str(OUT / "probe_card_first_1280x800.png"))
    hand.picture("probe_card_fitted")
    hand.window.resize(1280, 800)
    hand.settle()
    hand.click("card_add")
    hand.settle()
    assert "catalogue now" in hand.message
    (file,) = hand.built.desk.settings.probe_folder.glob("*.json")
    assert json.loads(file.read_text(encoding="utf-8"))["card"]["source"] == "Instructions, page 12"
    hand.click("card_close")
    assert not hand.window.card.isVisible()
    hand.choose("probe_model", "Ward 15, 17 G (hospital card)")
    probe = hand.plan.assembly("n").probe
    assert probe.origin is ProbeOrigin.HOSPITAL_CARD
    assert abs(probe.tip_temperature_c + 122.0) < 4.0
    hand.picture("probe_card_chosen")
    hand.answers.write_to = tmp_path / "p.cvtplan"
    hand.key(Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    hand.settle()
    assert load_plan(tmp_path / "p.cvtplan").plan.assembly("n").probe == probe


def test_a_plan_with_a_hospital_probe_opens_where_that_probe_is_unknown(hand: Hand, small: Small) -> None:
    with_needle(hand, small)
    foreign = replace(cryoprobe("17g-20"), key="card-far", name="Far, 17 G", origin=ProbeOrigin.HOSPITAL_CARD)
    hand.built.desk.apply(edits.set_probe("n", foreign), "Use")
    hand.settle()
    box: QComboBox = hand.window.findChild(QComboBox, "probe_model")
    assert box.currentText() == "Far, 17 G (hospital card)"
    hand.choose("probe_model", "17 G, 30 mm active")
    assert hand.plan.assembly("n").probe.key == "17g-30"


def test_what_is_missing_or_wrong_is_said_and_nothing_is_fitted(hand: Hand) -> None:
    hand.window.menus.actions["probe_card"].trigger()
    hand.settle()
    hand.click("card_fit")
    assert "source is empty" in said(hand, "card_state")
    type_card(hand, [("0", "30", ""), ("-20", "", ""), ("-40", "", "")])
    hand.click("card_fit")
    assert "Line 1" in said(hand, "card_state") and "length is missing" in said(hand, "card_state")
    type_in(hand, "card_length_1", "4o")
    hand.click("card_fit")
    assert "'4o' is not a number" in said(hand, "card_state")
    type_in(hand, "card_length_1", "-4")
    hand.click("card_fit")
    assert "Length" in said(hand, "card_state") and "1 to 150 mm" in said(hand, "card_state")
    type_in(hand, "card_length_1", "38")
    type_in(hand, "card_width_3", "35")
    type_in(hand, "card_length_3", "36")
    hand.click("card_fit")
    assert "wider than the warmer" in said(hand, "card_state")
    type_in(hand, "card_protocol", "10-5")
    hand.click("card_fit")
    assert "protocol" in said(hand, "card_state")
    assert hand.built.desk.jobs.idle()
    assert hand.table("card_misfit") == []


def test_a_card_that_cannot_be_reproduced_and_a_stop(hand: Hand) -> None:
    hand.window.menus.actions["probe_card"].trigger()
    hand.settle()
    type_card(hand, [("0", "30", "40"), ("-20", "28", "38"), ("-40", "26", "36")])
    hand.click("card_fit")
    hand.qtbot.waitUntil(lambda: "%" in said(hand, "card_state"), timeout=20_000)
    hand.click("card_stop")
    hand.settle()
    assert said(hand, "card_state") == "Stopped. Nothing was fitted."
    assert hand.button("card_fit").isEnabled() and not hand.button("card_add").isEnabled()
    hand.click("card_fit")
    hand.settle()
    assert "cannot be reproduced" in said(hand, "card_state")
    hand.picture("probe_card_not_reproduced")
    type_in(hand, "card_width_3", "25")
    assert "Press Fit again" in said(hand, "card_state")
    assert not hand.button("card_add").isEnabled()


def test_a_card_file_and_a_medium_of_ones_own(hand: Hand, tmp_path: Path, small: Small) -> None:
    card = {
        "format": "cvt-probe-card", "schema_version": 1, "start_c": 20, "duty_percent": 90,
        "medium": {"k_frozen": 1.9, "k_unfrozen": 0.5, "rho": 1000, "c_frozen": 1900, "c_unfrozen": 3900,
                   "latent_j_kg": 300000, "t_solidus_c": -4, "t_liquidus_c": -0.5},
        "probe": {"name": "File 20", "gauge": "14 G", "outer_diameter_mm": 2.1, "active_length_mm": 20},
        "protocol": [{"kind": "freeze", "seconds": 600}, {"kind": "thaw", "seconds": 300},
                     {"kind": "freeze", "seconds": 600}],
        "isotherms": [{"temperature_c": 0, "width_mm": 36, "length_mm": 42, "at_s": 600},
                      {"temperature_c": 0, "width_mm": 41, "length_mm": 48, "beyond_tip_mm": 10}],
        "source": "a test", "date": "2026-01-31", "typed_by": "CD",
    }  # fmt: skip
    path = tmp_path / "Karte.json"
    path.write_text(json.dumps(card), encoding="utf-8")
    hand.answers.card = path
    hand.window.menus.actions["probe_card"].trigger()
    hand.click("card_open")
    hand.settle()
    read = hand.window.card.form.card()
    assert read.material.k_frozen == 1.9 and len(read.protocol) == 3
    assert [row.at_s for row in read.isotherms] == [600.0, 1500.0]
    assert read.isotherms[1].beyond_tip_mm == 10.0
    assert read.probe.assumed == ("dead_tip_mm", "shaft_length_mm", "cooldown_s")
    spin(hand, "field_dead_tip_mm", "4")
    hand.window.card.fit.setFocus()
    assert hand.window.card.form.card().probe.assumed == ("shaft_length_mm", "cooldown_s")
    hand.picture("probe_card_file")
    path.write_text(json.dumps({**card, "medium": "jelly"}), encoding="utf-8")
    hand.click("card_open")
    hand.settle()
    assert "Karte.json" in hand.message and "medium" in hand.message


def test_hospital_probes_are_there_at_the_next_start_and_can_be_removed(
    open_hand: Callable[..., Hand], tmp_path: Path
) -> None:
    first = open_hand()
    first.settle()
    folder = first.built.desk.settings.probe_folder
    assert folder == tmp_path / "probes"
    folder.mkdir()
    probe = replace(cryoprobe("17g-15"), key="card-x", name="X, 17 G", origin=ProbeOrigin.HOSPITAL_CARD)
    values = {"format": "cvt-probe", "schema_version": 1, "probe": probe_as_json(probe)}
    (folder / "x.json").write_text(json.dumps(values), encoding="utf-8")
    (folder / "broken.json").write_text("[]", encoding="utf-8")
    second = open_hand()
    second.settle()
    assert "broken.json" in second.message
    second.window.menus.actions["probe_card"].trigger()
    second.settle()
    assert not second.button("card_remove").isVisible()
    second.choose("card_start", "X, 17 G (hospital card)")
    second.settle()
    second.click("card_remove")
    second.settle()
    assert not (folder / "x.json").exists()
    assert second.window.probes.find("card-x") is None
