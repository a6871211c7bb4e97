"""De-identification: the copies are the same CT and still agree among themselves; what is no plain CT is left out."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from cvt_planner import cli
from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.arrays import vec3
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.imaging.deid_file import KEPT, SHIFTED
from cvt_planner.imaging.deidentify import DeidOptions, deidentify
from cvt_planner.imaging.find import find_series
from cvt_planner.imaging.headers import read_header
from cvt_planner.imaging.pixels import hu_slice
from cvt_planner.imaging.read import read_volume
from cvt_planner.imaging.sources import FileRef, Opener
from cvt_planner.plan import edits
from cvt_planner.plan.model import LesionKind
from cvt_planner.planning.placement import place_assembly
from cvt_planner.workspace import new_plan
from tests.core.imaging.secrets_in_dicom import datasets, filled, put

Writer = Callable[..., list[Path]]
SAMPLE = Path(__file__).resolve().parents[3] / "sample_dicom" / "standard"


def test_references_and_frames_still_agree(tmp_path: Path, write_series: Writer) -> None:
    def edit(ds: Dataset, n: int) -> None:
        filled(ds, (n + 1) % 6)

    write_series(tmp_path / "in" / "a", edit=edit)
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=edit)
    deidentify(tmp_path / "in", tmp_path / "out")
    copies = list(datasets(tmp_path / "out"))
    assert len(copies) == 12 and len({ds.SeriesInstanceUID for ds in copies}) == 2
    assert len({ds.FrameOfReferenceUID for ds in copies}) == len({ds.StudyInstanceUID for ds in copies}) == 1
    own = {ds.SOPInstanceUID for ds in copies}
    assert len(own) == 12 and {ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID for ds in copies} == own
    assert all(ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID for ds in copies)
    deidentify(tmp_path / "in", tmp_path / "again")
    assert not own & {ds.SOPInstanceUID for ds in datasets(tmp_path / "again")}, "UIDs are new at each run"


def test_dates_are_shifted_alike_for_a_patient_and_kept_on_request(tmp_path: Path, write_series: Writer) -> None:
    def june(ds: Dataset, n: int) -> None:
        ds.StudyDate, ds.SeriesDate, ds.StudyTime = "20260601", "2026.06.01", "101112"
        ds.AcquisitionDateTime = "20260601101112.25+0100"
        put(ds, 0x00080022, "DA", "Zyxwvuts")  # a text where a date belongs

    def july(ds: Dataset, n: int) -> None:
        ds.StudyDate, ds.StudyInstanceUID = "20260711", "1.2.3.77"

    write_series(tmp_path / "in" / "a", edit=june)
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=july)
    deidentify(tmp_path / "in", tmp_path / "moved", DeidOptions(dates=SHIFTED))
    moved = list(datasets(tmp_path / "moved"))
    days = sorted({np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") for d in (ds.StudyDate for ds in moved)})
    assert len(days) == 2 and (days[1] - days[0]).astype(int) == 40
    assert 365 <= (np.datetime64("2026-06-01") - days[0]).astype(int) < 365 + 3288
    first = next(ds for ds in moved if "AcquisitionDateTime" in ds)
    assert first.AcquisitionDateTime == f"{first.StudyDate}101112.25+0100" and first.SeriesDate == first.StudyDate
    assert "AcquisitionDate" not in first and first.LongitudinalTemporalInformationModified == "MODIFIED"
    deidentify(tmp_path / "in", tmp_path / "kept", DeidOptions(dates=KEPT, keep_uids=True, label="CASE-7"))
    kept = list(datasets(tmp_path / "kept"))
    assert {ds.StudyDate for ds in kept} == {"20260601", "20260711"}
    assert {ds.SeriesInstanceUID for ds in kept} == {"1.2.3.4", "1.2.3.5"}
    assert {ds.PatientID for ds in kept} == {"CASE-7"} and {ds.PatientBirthDate for ds in kept} == {""}
    codes = [c.CodeValue for c in kept[0].DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113106", "113110"]


def test_what_is_no_plain_ct_image_is_left_out_and_counted(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "in"
    write_series(folder / "ct")
    write_series(folder / "burned", uid="1.2.3.11", edit=lambda ds, n: setattr(ds, "BurnedInAnnotation", "YES"))
    write_series(folder / "mr", uid="1.2.3.12", edit=lambda ds, n: setattr(ds, "Modality", "MR"))
    scout = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    write_series(folder / "scout", uid="1.2.3.13", places=[0], edit=lambda ds, n: setattr(ds, "ImageType", scout))
    screen = "1.2.840.10008.5.1.4.1.1.7"
    write_series(folder / "screen", uid="1.2.3.14", places=[0], edit=lambda ds, n: setattr(ds, "SOPClassUID", screen))
    report = deidentify(folder, tmp_path / "out")
    assert report.images == 6 and len(report.series) == 1
    counts = {words.split(",")[0].split(":")[0]: count for words, count in report.left_out}
    assert counts == {
        "a localiser (scout view)": 1,
        "a secondary capture or screen page": 1,
        "an image whose header says that text is burned into it (BurnedInAnnotation YES)": 6,
        "an object of modality MR": 6,
    }
    with pytest.raises(InputRefused, match=r"Nothing of .* can be de-identified.*burned into it"):
        deidentify(folder, tmp_path / "two", DeidOptions(series_uid="1.2.3.11"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"], "nothing is left behind"


def test_a_mistaken_request_is_refused_in_words(tmp_path: Path, write_series: Writer) -> None:
    folder = tmp_path / "in"
    write_series(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").write_text("x")
    for out, options, words in (
        (tmp_path / "full", DeidOptions(), "not an empty folder"),
        (folder / "out", DeidOptions(), "lies inside the study"),
        (tmp_path / "no" / "out", DeidOptions(), "does not exist"),
        (tmp_path / "out", DeidOptions(label="Müller"), "letters without accents"),
        (tmp_path / "out", DeidOptions(label="study-anna"), "part of the patient's name"),
        (tmp_path / "out", DeidOptions(dates="guessed"), "Dates can be"),
        (tmp_path / "out", DeidOptions(series_uid="9.9"), "holds no series"),
    ):
        with pytest.raises(InputRefused, match=words):
            deidentify(folder, out, options)
    stopped = Progress()
    heard = []

    def listen(fraction: float, message: str) -> None:
        heard.append(fraction)
        if fraction > 0.5:
            stopped.stop()

    stopped.listener = listen
    with pytest.raises(Cancelled):
        deidentify(folder, tmp_path / "out", progress=stopped)
    assert heard and sorted(p.name for p in tmp_path.iterdir()) == ["full", "in"]


def test_a_zip_and_several_patients_are_numbered(
    tmp_path: Path, write_series: Writer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_series(tmp_path / "in" / "a")
    write_series(tmp_path / "in" / "b", uid="1.2.3.5", edit=lambda ds, n: setattr(ds, "PatientID", "P2"))
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in (tmp_path / "in").rglob("*.dcm"):
            archive.write(path, path.relative_to(tmp_path / "in"))
    (tmp_path / "out").mkdir()
    assert cli.main(["deidentify", str(tmp_path / "in.zip"), "--out", str(tmp_path / "out"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["patients"] == 2 and values["images"] == 12 and values["left_out"] == []
    assert {ds.PatientID for ds in datasets(tmp_path / "out")} == {"ANONYMOUS-1", "ANONYMOUS-2"}
    assert {one["folder"] for one in values["series"]} == {"patient_01/series_001", "patient_02/series_002"}
    assert "1.2.3.4" not in json.dumps(values["series"])


@pytest.mark.parametrize("name", ["CT1_J2KR", "CT1_J2KI", "CT1_JLSL", "CT1_JLSN", "CT1_JPLL", "CT1_RLE", "CT1_UNC"])
def test_every_transfer_syntax_keeps_its_pixels(awkward_dicom: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()  # the others beside it are the same slice
    source = Path(shutil.copy(awkward_dicom / "wg04" / f"{name}.dcm", tmp_path / "in"))
    deidentify(source, tmp_path / "out")
    (copy,) = (tmp_path / "out").rglob("*.dcm")
    with Opener() as opener:
        before, after = (read_header(opener, FileRef(path)) for path in (source, copy))
        assert before is not None and after is not None and before.pixels is not None and after.pixels is not None
        assert before.pixels.transfer_syntax == after.pixels.transfer_syntax
        assert np.array_equal(hu_slice(opener, before), hu_slice(opener, after))


@pytest.mark.parametrize("name", ["ExplVR_BigEnd.dcm", "image_dfl.dcm", "CT_small.dcm", "no_meta.dcm"])
def test_awkward_files_are_copied_or_refused_in_words(awkward_dicom: Path, tmp_path: Path, name: str) -> None:
    try:
        report = deidentify(awkward_dicom / "pydicom" / name, tmp_path / "out")
    except InputRefused as refusal:
        assert name in str(refusal)
        assert not (tmp_path / "out").exists()
    else:
        assert report.images >= 1


def test_a_series_without_uids_gets_one_of_its_own(tmp_path: Path, write_series: Writer) -> None:
    def edit(ds: Dataset, n: int) -> None:
        del ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.SOPInstanceUID
        ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.4.{n + 1}"

    write_series(tmp_path / "in", edit=edit)
    report = deidentify(tmp_path / "in", tmp_path / "out", DeidOptions(keep_uids=True))
    copies = list(datasets(tmp_path / "out"))
    assert {ds.SeriesInstanceUID for ds in copies} == {report.series[0].uid} and report.series[0].uid
    assert len({ds.StudyInstanceUID for ds in copies}) == 1 and len({ds.SOPInstanceUID for ds in copies}) == 6


def test_a_multi_frame_image_keeps_the_place_of_its_frames(awkward_dicom: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    source = Path(shutil.copy(awkward_dicom / "pydicom_data" / "eCT_Supplemental.dcm", tmp_path / "in"))
    deidentify(source, tmp_path / "out")
    before, (after,) = pydicom.dcmread(source), datasets(tmp_path / "out")
    assert after.PixelData == before.PixelData[: len(after.PixelData)] and after.NumberOfFrames == before.NumberOfFrames
    for group in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for old, new in zip(before[group].value, after[group].value, strict=True):
            for part in ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence"):
                assert (part in old) == (part in new)
                assert part not in old or [e.value for e in old[part][0]] == [e.value for e in new[part][0]]


def test_a_plan_is_made_on_a_copy_as_on_the_original(tmp_path: Path) -> None:
    deidentify(SAMPLE, tmp_path / "out", DeidOptions(dates=SHIFTED))
    (usable,) = find_series(tmp_path / "out").readable
    truth = json.loads(next(SAMPLE.parent.rglob("truth.json")).read_text(encoding="utf-8"))
    lesion = truth["lesions"][0]
    pedicle = next(lv for lv in truth["levels"] if lv["name"] == lesion["level"])["pedicles"]["left"]
    laid = []
    for volume in (read_volume(SAMPLE), read_volume(usable)):
        plan = new_plan(volume)
        shape = Ellipsoid(vec3(lesion["centre_lps_mm"]), (6.0, 6.0, 6.0))
        wanted = edits.new_lesion(plan, lesion["level"], LesionKind.LYTIC, shape, 6, "One")
        plan = edits.add_lesion(wanted)(plan)
        laid.append(place_assembly(volume, plan, wanted.id, shape.centre_lps_mm, vec3(pedicle["isthmus_lps_mm"])))
    assert laid[0].skin_entry_lps_mm is not None
    for name in ("probe_tip_lps_mm", "entry_lps_mm", "skin_entry_lps_mm", "side"):
        assert getattr(laid[0], name) == getattr(laid[1], name)


@pytest.mark.real_ct
def test_a_real_series_is_the_same_ct_afterwards(real_ct: Callable[[str], Path], tmp_path: Path) -> None:
    source = real_ct("ts_example_ct_dicom")
    report = deidentify(source, tmp_path / "out", DeidOptions(dates=SHIFTED))
    before, after = read_volume(source), read_volume(tmp_path / "out")
    assert report.images == 20 and after.content_hash == before.content_hash
    assert after.grid.frame_of_reference_uid and after.grid.frame_of_reference_uid != before.grid.frame_of_reference_uid
    assert after.series.kernel == before.series.kernel
