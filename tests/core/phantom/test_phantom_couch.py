"""The couch lies under the patient, and the importer agrees with the header exactly where that says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy import ndimage

from cvt_planner import cli
from cvt_planner.imaging.posture import posture_of
from cvt_planner.imaging.read import read_volume
from cvt_planner.phantom import POSITIONS, Phantom, write_phantom
from cvt_planner.phantom.cases import Case
from cvt_planner.phantom.make import make_case

# Two levels, coarse, in a field that shows the whole trunk and what it lies on.
COARSE = Case("couch", ("L1", "L2"), (), rows=146, columns=216, pixel_mm=1.72, slice_mm=5.0, piece_mm=1.0)


@pytest.fixture(scope="module")
def lying() -> dict[str, Phantom]:
    """Return the same patient supine, prone and on either side."""
    return {position: make_case(COARSE, position=position) for position in ("HFS", "HFP", "HFDL", "HFDR")}


def test_only_the_couch_follows_the_patients_position(lying: dict[str, Phantom]) -> None:
    supine = lying["HFS"]
    inside = ndimage.binary_erosion(supine.labels["skin"] > 0, iterations=3)
    for position, other in lying.items():
        assert other.position == position and other.grid.same_as(supine.grid)
        assert all(np.array_equal(other.labels[name], supine.labels[name]) for name in supine.labels)
        assert np.array_equal(other.hu[inside], supine.hu[inside])


@pytest.mark.parametrize(
    ("position", "axis", "down"), [("HFS", "y", 1.0), ("HFP", "y", -1.0), ("HFDL", "x", 1.0), ("HFDR", "x", -1.0)]
)
def test_the_couch_is_where_its_truth_says(lying: dict[str, Phantom], position: str, axis: str, down: float) -> None:
    made = lying[position]
    along, across = (1, 2) if axis == "y" else (2, 1)
    steps = np.zeros((made.hu.shape[along], 3))
    steps[:, along] = np.arange(len(steps))
    ys = made.grid.lps_of(steps)[:, "xy".index(axis)]
    skin = ys[(made.labels["skin"] > 0).any(axis=(0, across))]
    below = down * (ys - made.truth[f"couch_top_lps_{axis}_mm"])
    assert 1.0 < -below[np.isin(ys, skin)].max() < 5.0  # it touches nobody
    middle = int(np.argwhere(made.labels["skin"])[:, across].mean())
    # Down through the middle of the patient.
    line = made.hu.take(range(middle - 5, middle + 5), axis=across).mean(axis=(0, across))
    assert line[(below > -0.5) & (below < 2.5)].max() > -500.0  # the board, thinner than a pixel with its blur
    assert line[(below > 6.0) & (below < 12.0)].mean() == pytest.approx(-930.0, abs=30.0)  # its core
    above = down * ys < (down * skin).min() - 4.0
    assert above.any() and line[above].max() < -950.0  # and nothing lies on the patient


@pytest.mark.parametrize("lies", POSITIONS)
def test_a_phantom_is_read_without_doubt_in_every_position(
    lying: dict[str, Phantom], tmp_path: Path, lies: str
) -> None:
    write_phantom(lying["HF" + lies[2:]], tmp_path, patient_position=lies, truth=False)
    volume = read_volume(tmp_path)
    assert volume.series.patient_position == lies and volume.posture is not None
    assert volume.posture.verdict == "agrees" and volume.sides_confirmed and volume.sides_reason == ""
    side = {"S": "back", "P": "front", "DL": "left", "DR": "right"}[lies[2:]]
    assert any(f"couch lies at the patient's {side}" in words for words in volume.posture.evidence)


@pytest.mark.parametrize("lies", ["HFS", "HFP", "HFDL", "HFDR"])
@pytest.mark.parametrize("end", ["S", "P", "DL", "DR"])
def test_a_header_altered_to_another_side_down_is_doubted(
    lying: dict[str, Phantom], tmp_path: Path, lies: str, end: str
) -> None:
    write_phantom(lying[lies], tmp_path, truth=False)
    for path in tmp_path.glob("*.dcm"):
        slice_ = pydicom.dcmread(path)
        assert slice_.PatientPosition == lies  # the header says how the phantom lies where nothing else is asked
        slice_.PatientPosition = "HF" + end
        slice_.save_as(path)
    volume = read_volume(tmp_path)
    assert volume.sides_confirmed == lies.endswith(end)
    assert volume.sides_confirmed or "The couch lies at the patient's" in volume.sides_reason


@pytest.mark.parametrize(("lies", "said"), [("HFS", "HFP"), ("HFP", "HFS")])
def test_axes_turned_along_with_a_wrong_header_are_seen_by_the_spine(
    lying: dict[str, Phantom], lies: str, said: str
) -> None:
    """A patient entered the wrong way: the scanner turns x and y, so that the couch fits the header again."""
    found = posture_of(lying[lies].hu[:, ::-1, ::-1], lying[lies].grid, said)
    assert found.verdict == "contradicts"
    assert found.contradictions == ("The spine lies at what the header calls the patient's front.",)


def test_the_command_puts_the_couch_under_the_belly(small_phantom: Phantom, tmp_path: Path) -> None:
    """Its small case is a scan around the spine, which does not reach to the belly: it shows no couch at all."""
    argv = ["phantom", "--out", str(tmp_path / "prone"), "--case", "small", "--position", "FFP"]
    assert cli.main(argv) == 0
    truth = json.loads((tmp_path / "prone" / "truth.json").read_text(encoding="utf-8"))
    assert truth["couch_top_lps_y_mm"] < small_phantom.grid.lps_from_index[1, 3]  # before the first row
    assert truth["levels"] == small_phantom.truth["levels"]
    volume = read_volume(tmp_path / "prone")
    assert volume.series.patient_position == "FFP" and volume.sides_confirmed
    assert volume.hu[:, -1].mean() < small_phantom.hu[:, -1].mean() - 100.0


def test_the_command_lays_the_patient_on_the_side(tmp_path: Path) -> None:
    assert cli.main(["phantom", "--out", str(tmp_path / "p"), "--case", "small", "--position", "FFDL"]) == 0
    truth = json.loads((tmp_path / "p" / "truth.json").read_text(encoding="utf-8"))
    assert truth["couch_top_lps_x_mm"] > 100.0 and "couch_top_lps_y_mm" not in truth
    volume = read_volume(tmp_path / "p")
    assert volume.series.patient_position == "FFDL" and volume.sides_confirmed
