"""Class 39 of awkward DICOM: a header that lies about how the patient lies, against couch, spine, lungs and liver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.posture import is_known_position, position_words, posture_of
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.volume import Volume

RealCt = Callable[[str], Path]
REAL = {
    "lidc": "lidc_idri_0314_lower_thoracic",
    "crlm": "crlm_ct_1006",
    "ts": "ts_example_ct_dicom.tar",
}
SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"


@pytest.fixture(scope="module")
def real(real_ct: RealCt) -> Iterator[dict[str, Volume]]:
    yield {**{key: read_volume(real_ct(name)) for key, name in REAL.items()}, "sample": read_volume(SAMPLE)}


@pytest.mark.real_ct
@pytest.mark.parametrize("key", [*REAL, "sample"])
def test_class_39_real_headers_and_pictures_agree(real: dict[str, Volume], key: str) -> None:
    volume = real[key]
    assert volume.posture is not None and volume.posture.verdict == "agrees", volume.posture
    assert volume.sides_confirmed and volume.sides_reason == ""
    assert any("couch" in words for words in volume.posture.evidence)
    assert any("spine" in words for words in volume.posture.evidence)


@pytest.mark.real_ct
@pytest.mark.parametrize("name", ["spinecrop_full_thoracic", "ts_example_ct_lumbar_3mm.nii", "tptbox_L3_ct"])
def test_class_39_real_research_volumes_are_not_doubted(real_ct: RealCt, name: str) -> None:
    assert read_volume(real_ct(name)).sides_confirmed


@pytest.mark.real_ct
@pytest.mark.parametrize("key", [*REAL, "sample"])
@pytest.mark.parametrize("end", ["P", "DL", "DR"])
def test_class_39_a_wrong_position_in_the_header_is_seen_by_the_couch(real: dict[str, Volume], key: str, end: str) -> None:  # fmt: skip # noqa: E501
    volume = real[key]
    found = posture_of(volume.hu, volume.grid, volume.series.patient_position[:2] + end)
    assert found.verdict == "contradicts" and "couch lies at the patient's back" in found.contradictions[0]


@pytest.mark.real_ct
@pytest.mark.parametrize("key", [*REAL, "sample"])
def test_class_39_axes_turned_along_with_the_header_are_seen_by_the_spine(real: dict[str, Volume], key: str) -> None:
    """A supine patient entered as prone: the scanner turns x and y; the couch then fits the header, the spine does not."""  # noqa: E501
    volume = real[key]
    position = volume.series.patient_position[:2] + "P"
    found = posture_of(volume.hu[:, ::-1, ::-1], volume.grid, position)
    assert found.verdict == "contradicts"
    assert any("spine lies at what the header calls the patient's front" in words for words in found.contradictions)


@pytest.mark.real_ct
@pytest.mark.parametrize(("key", "seen"), [("lidc", "lungs taper"), ("crlm", "liver"), ("ts", "liver"), ("sample", "")])
def test_class_39_head_and_feet_exchanged_are_seen_where_organs_show_it(real: dict[str, Volume], key: str, seen: str) -> None:  # fmt: skip # noqa: E501
    """A patient who lies feet first entered as head first: the scanner turns x and z.

    The synthetic sample has neither a liver nor clear lung bases: there it cannot be seen.
    """
    volume = real[key]
    found = posture_of(volume.hu[::-1, :, ::-1], volume.grid, volume.series.patient_position)
    assert found.verdict == ("contradicts" if seen else "agrees")
    assert not seen or any(seen in words for words in found.contradictions)


@pytest.mark.real_ct
@pytest.mark.parametrize("key", ["crlm", "ts"])
def test_class_39_mirrored_pictures_are_seen_by_the_liver(real: dict[str, Volume], key: str) -> None:
    volume = real[key]
    found = posture_of(volume.hu[:, :, ::-1], volume.grid, volume.series.patient_position)
    assert found.contradictions == ("The liver lies on what the header calls the patient's left.",)


@pytest.mark.real_ct
def test_class_39_a_header_that_exchanges_only_head_and_feet_is_not_seen_and_harms_no_side(real: dict[str, Volume]) -> None:  # fmt: skip # noqa: E501
    volume = real["lidc"]
    assert volume.series.patient_position == "FFS"
    assert posture_of(volume.hu, volume.grid, "HFS").verdict == "agrees"


def trunk(couch: str) -> tuple[np.ndarray, Grid]:
    """Return a trunk with a spine at the back, on a couch at one side, or without one."""
    k, j, i = 24, 130, 160
    y, x = np.mgrid[0:j, 0:i]
    y, x = (y - 64.5) * 3.0, (x - 79.5) * 3.0
    section = np.full((j, i), -1000)
    body = (x / 150.0) ** 2 + (y / 100.0) ** 2 < 1.0
    section[body] = 40
    section[np.hypot(x, y - 55.0) < 20.0] = 400
    lines = {
        "posterior": (np.abs(y - 115.0) < 4.0) & (np.abs(x) < 180.0),
        "anterior": (np.abs(y + 115.0) < 4.0) & (np.abs(x) < 180.0),
        "left": (np.abs(x - 165.0) < 4.0) & (np.abs(y) < 150.0),
        "right": (np.abs(x + 165.0) < 4.0) & (np.abs(y) < 150.0),
    }
    if couch:
        section[lines[couch]] = -200
    affine = np.array([[0, 0, 3.0, -240.0], [0, 3.0, 0, -195.0], [8.0, 0, 0, 0], [0, 0, 0, 1]])
    return np.repeat(section[None], k, axis=0).astype(np.int16), Grid((k, j, i), affine)


SIDES = {"S": "posterior", "P": "anterior", "DL": "left", "DR": "right"}


@pytest.mark.parametrize("lies", SIDES)
@pytest.mark.parametrize("said", SIDES)
def test_class_39_all_four_positions_are_told_apart(lies: str, said: str) -> None:
    hu, grid = trunk(SIDES[lies])
    for ends in ("HF", "FF"):
        assert posture_of(hu, grid, ends + said).verdict == ("agrees" if lies == said else "contradicts")


# Rows and columns of a scanner's picture of a patient who lies head first on one side: down is the side on the couch.
DECUBITUS = {"HFDR": (0, 1, 0, -1, 0, 0), "HFDL": (0, -1, 0, 1, 0, 0)}


@pytest.mark.parametrize("lies", DECUBITUS)
@pytest.mark.parametrize("said", [*DECUBITUS, "HFS", "FFDL", "FFDR"])
def test_class_39_files_of_a_patient_on_the_side_are_held_against_their_header(tmp_path: Path, write_series: Callable[..., list[Path]], lies: str, said: str) -> None:  # fmt: skip # noqa: E501
    """A right header is read without doubt, its axes named rightly; a wrong side or back down is doubted."""
    hu, _ = trunk(SIDES[lies[2:]])
    section = hu[0, :, ::-1].T if lies == "HFDR" else hu[0, ::-1].T

    def edit(ds: Dataset, n: int) -> None:
        ds.PatientPosition, ds.PixelSpacing = said, [3.0, 3.0]
        ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
        ds.PixelData = (section + 1024).astype("<u2").tobytes()

    write_series(tmp_path, iop=DECUBITUS[lies], places=range(80, 176, 8), shape=section.shape, edit=edit)
    volume = read_volume(tmp_path)
    assert np.array_equal(volume.hu[5], hu[5])
    fits = said[2:] == lies[2:]
    assert volume.sides_confirmed is fits and volume.posture is not None
    assert volume.posture.verdict == ("agrees" if fits else "contradicts")
    side = "right" if lies == "HFDR" else "left"
    assert fits or f"The couch lies at the patient's {side}; the header says" in volume.sides_reason


def test_class_39_without_a_couch_only_the_spine_speaks() -> None:
    hu, grid = trunk("")
    assert posture_of(hu, grid, "HFS").evidence == ("The spine lies at what the header calls the patient's back.",)
    assert posture_of(hu, grid, "HFP").verdict == "agrees"  # nothing shows on what the patient lies
    assert posture_of(hu[:, ::-1, ::-1], grid, "HFP").verdict == "contradicts"


def test_class_39_a_small_or_empty_picture_tells_nothing() -> None:
    hu, grid = trunk("posterior")
    crop = posture_of(hu[:, 40:90, 50:110].copy(), grid.crop((0, 40, 50), (24, 50, 60)), "HFP")
    assert crop.verdict == "cannot tell" and crop.evidence
    assert posture_of(np.full_like(hu, -1000), grid, "HFP").verdict == "cannot tell"


@pytest.mark.parametrize(("position", "words"), [("", "does not say how the patient lies"), ("SITTING", "SITTING")])
def test_class_39_a_missing_or_strange_position_blocks_the_sides(tmp_path: Path, write_series: Callable[..., list[Path]], position: str, words: str) -> None:  # fmt: skip # noqa: E501
    def edit(ds: Dataset, n: int) -> None:
        ds.PatientPosition = position

    write_series(tmp_path, edit=edit)
    volume = read_volume(tmp_path)
    assert not volume.sides_confirmed and words in volume.sides_reason


@pytest.mark.real_ct
def test_class_39_an_edited_file_is_read_with_its_sides_in_doubt(real_ct: RealCt, copy_of: Callable[[Path], Path]) -> None:  # fmt: skip # noqa: E501
    folder = copy_of(real_ct(REAL["ts"]))
    for path in folder.rglob("*"):
        if path.is_file():
            ds = dcmread(path, force=True)
            if "Rows" in ds:
                ds.PatientPosition = "HFP"
                ds.save_as(path)
    volume = read_volume(folder)
    assert not volume.sides_confirmed
    assert "contradict" in volume.sides_reason and "head first, prone" in volume.sides_reason


def test_class_39_positions_have_words() -> None:
    assert position_words("FFDR") == "feet first, on the right side" and position_words("X") == "X"
    assert is_known_position("hfs ") and not is_known_position("HF") and not is_known_position("LFP")
