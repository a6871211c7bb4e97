"""The plan file: exact round trip, atomic writing, and a sentence for everything that is not a plan."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cvt_planner.anatomy.lesion_shape import Ellipsoid, Region
from cvt_planner.anatomy.levels import LEVELS, NAMES, SCHEMES
from cvt_planner.base.errors import InputRefused
from cvt_planner.devices.bone_needle import BONE_NEEDLES
from cvt_planner.devices.cryoprobe import CRYOPROBES, DEFAULT_CRYOPROBE
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.volume import Patient
from cvt_planner.plan.model import (
    Assembly,
    CanalMark,
    FreezePhase,
    Lesion,
    LesionKind,
    LevelCount,
    LevelMark,
    PatientPosition,
    Plan,
    Side,
    VolumeRef,
    VolumeRole,
)
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE, SOFT_TISSUE, IceField, IceInputs, IceResult, ProbePlace
from cvt_planner.storage.migrations import Migration, migrated
from cvt_planner.storage.plan_file import DOCUMENT, load_plan, save_plan
from cvt_planner.storage.png import png_bytes

NUMBER = st.floats(-1000, 1000, allow_nan=False)
POINT = st.tuples(NUMBER, NUMBER, NUMBER)
TEXT = st.text(max_size=12)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)))
    bits = draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    mask = np.array(bits).reshape(shape)
    mask[0, 0, 0] = True
    affine = np.eye(4)
    affine[:3, :3] = np.array(draw(st.tuples(POINT, POINT, POINT))) * 1e-3 + np.diag([2.0, 3.0, 4.0])
    affine[:3, 3] = draw(POINT)
    return Region(mask, Grid(shape, affine, "1.2.3"), draw(POINT), draw(NUMBER), draw(NUMBER), 20.0, draw(NUMBER))


SHAPES = st.one_of(
    st.builds(Ellipsoid, POINT, st.tuples(*[st.floats(0.5, 150)] * 3)),
    regions(),
)
LESIONS = st.builds(
    Lesion, TEXT, TEXT, st.sampled_from(LEVELS), st.sampled_from(LesionKind), SHAPES, st.none() | st.integers(0, 10)
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    lesions = draw(st.lists(LESIONS, max_size=3, unique_by=lambda lesion: lesion.id))
    assemblies = []
    for lesion in lesions:
        tip = draw(POINT)
        assemblies.append(
            Assembly(
                id=f"needle-{lesion.id}",
                lesion_id=lesion.id,
                side=draw(st.sampled_from(Side)),
                probe_tip_lps_mm=tip,
                entry_lps_mm=(tip[0] + 1.0, tip[1] + draw(st.floats(10, 200)), tip[2]),
                skin_entry_lps_mm=draw(st.none() | POINT),
                bone_entry_lps_mm=draw(st.none() | POINT),
                needle=draw(st.sampled_from(BONE_NEEDLES)),
                probe=replace(draw(st.sampled_from(CRYOPROBES)), power_limit_w=draw(st.none() | st.floats(1, 50))),
                needle_retraction_mm=draw(st.floats(0, 200)),
            )
        )
    mark = st.builds(
        LevelMark,
        st.sampled_from(NAMES),
        POINT,
        st.booleans(),
        st.none() | st.builds(CanalMark, POINT, st.lists(POINT, min_size=3, max_size=9).map(tuple)),
        st.none() | st.builds(LevelCount, st.sampled_from(NAMES), TEXT, TEXT, TEXT, TEXT, st.integers(-9, 9), TEXT),
    )
    volume = st.builds(
        VolumeRef, st.just(VolumeRole.PLANNING), TEXT, TEXT, TEXT, TEXT, TEXT, TEXT,
        st.tuples(*[st.integers(1, 900)] * 3), st.just(""), st.tuples(*[NUMBER] * 16),
    )  # fmt: skip
    phases = st.lists(st.builds(FreezePhase, st.sampled_from(["freeze", "thaw"]), st.floats(1, 3600)), max_size=4)
    return Plan(
        id=draw(TEXT),
        patient=Patient(*draw(st.tuples(*[TEXT] * 5))),
        volumes=(draw(volume), replace(draw(volume), role=VolumeRole.FOLLOW_UP)),
        levels=tuple(draw(st.lists(mark, max_size=2, unique_by=lambda m: m.level))),
        lesions=tuple(lesions),
        assemblies=tuple(assemblies),
        protocol=tuple(draw(phases)),
        patient_position=draw(st.sampled_from(PatientPosition)),
        notes=draw(st.text(max_size=50)),
        scheme=draw(st.sampled_from(SCHEMES)),
    )


def small_plan() -> Plan:
    volume = VolumeRef(VolumeRole.PLANNING, "1.2", "1.1", "1.3", "ab" * 32, "CT", "2026-01-15", (10, 20, 30), "")
    mask = np.zeros((3, 4, 5), dtype=bool)
    mask[1, 1:3, 2:4] = True
    region = Region(mask, Grid(mask.shape, np.diag([1.0, 0.7, 0.7, 1.0])), (1.0, 1.0, 1.0), -50.0, 120.0, 20.0, 0.002)
    lesion = Lesion("a1", "Lesion 1", "L2", LesionKind.LYTIC, region, 8)
    assembly = Assembly("n1", "a1", Side.LEFT, (0.0, 0.0, 0.0), (30.0, 80.0, 0.0), needle_retraction_mm=23.0)
    return Plan("p1", Patient("Doe, J"), (volume,), lesions=(lesion,), assemblies=(assembly,))


def small_ice(plan: Plan) -> IceResult:
    assembly = plan.assemblies[0]
    inputs = IceInputs(
        plan.lesions[0].id, "ab" * 32,
        (ProbePlace(assembly.probe_tip_lps_mm, (0.0, 1.0, 0.0), DEFAULT_CRYOPROBE),), plan.protocol, 2.0, "x",
    )  # fmt: skip
    affine = np.eye(4)
    affine[:3, 3] = (-3.3, 4.4, 1 / 3)
    rng = np.random.default_rng(1)

    def one(tissue: str) -> IceField:
        temperature = rng.uniform(-140, 37, (6, 5, 4)).astype(np.float32)
        volumes = tuple((iso, 1 / 3) for iso in ISOTHERMS_C)
        return IceField(tissue, temperature, Grid((6, 5, 4), affine), volumes, 1e-4, 0.5, temperature - 2.0)

    return IceResult(inputs, (one(SOFT_TISSUE), one(MARROW_BONE)))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(plan=plans())
def test_what_is_saved_is_what_is_read(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "p.cvtplan"
    save_plan(plan, (), path)
    stored = load_plan(path)
    assert stored.plan == plan
    assert stored.notices == ()


def test_masks_ice_and_thumbnail_come_back(tmp_path: Path) -> None:
    plan = small_plan()
    ice = small_ice(plan)
    picture = png_bytes(np.zeros((4, 6, 3), dtype=np.uint8))
    save_plan(plan, (ice,), tmp_path / "p.cvtplan", picture)
    stored = load_plan(tmp_path / "p.cvtplan")
    shape = stored.plan.lesions[0].shape
    assert isinstance(shape, Region)
    assert np.array_equal(shape.mask, plan.lesions[0].shape.mask)
    assert stored.thumbnail_png == picture
    (back,) = stored.ice
    assert back.inputs == ice.inputs
    for old, new in zip(ice.fields, back.fields, strict=True):
        assert (old.tissue, old.volumes_ml, old.energy_imbalance) == (new.tissue, new.volumes_ml, new.energy_imbalance)
        assert np.array_equal(old.grid.lps_from_index, new.grid.lps_from_index)
        assert float(np.abs(old.temperature_c - new.temperature_c).max()) <= 0.00501
        assert old.coldest_c is not None
        assert new.coldest_c is not None
        assert float(np.abs(old.coldest_c - new.coldest_c).max()) <= 0.00501


def test_ice_of_a_removed_lesion_is_not_written(tmp_path: Path) -> None:
    plan = small_plan()
    save_plan(replace(plan, lesions=(), assemblies=()), (small_ice(plan),), tmp_path / "p.cvtplan")
    assert load_plan(tmp_path / "p.cvtplan").ice == ()


def test_other_programs_read_the_mask(tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    save_plan(small_plan(), (), tmp_path / "p.cvtplan")
    with zipfile.ZipFile(tmp_path / "p.cvtplan") as archive:
        archive.extract("masks/lesion-1.nrrd", tmp_path)
    image = sitk.ReadImage(str(tmp_path / "masks" / "lesion-1.nrrd"))
    shape = small_plan().lesions[0].shape
    assert isinstance(shape, Region)
    assert np.array_equal(sitk.GetArrayFromImage(image), shape.mask.astype(np.uint8))
    place = image.TransformIndexToPhysicalPoint((3, 2, 1))
    assert np.allclose(place, shape.grid.lps_of(np.array([1.0, 2.0, 3.0])))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    plan = small_plan()
    save_plan(plan, (small_ice(plan),), tmp_path / "good.cvtplan")
    return tmp_path / "good.cvtplan"


def test_every_truncation_is_refused_by_name(saved: Path) -> None:
    content = saved.read_bytes()
    for length in (*range(0, len(content), max(1, len(content) // 60)), len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(InputRefused, match="good"):
            load_plan(saved)


def test_flipped_bytes_are_refused_or_change_nothing(saved: Path) -> None:
    content = saved.read_bytes()
    plan = load_plan(saved).plan
    rng = np.random.default_rng(7)
    for place in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        saved.write_bytes(bytes(damaged))
        try:
            stored = load_plan(saved)
        except InputRefused as refusal:
            assert "good.cvtplan" in str(refusal)
        else:
            assert stored.plan == plan


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(members[DOCUMENT])
    change(document)
    members[DOCUMENT] = json.dumps(document).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _set(*keys: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: Any) -> None:
        for key in keys[:-1]:
            document = document[key]
        if to is KeyError:
            del document[keys[-1]]
        else:
            document[keys[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_set("schema_version", to=99), "newer version"),
        (_set("schema_version", to="1"), "whole number"),
        (_set("schema_version", to=0), "format 0"),
        (_set("format", to="something"), "another kind"),
        (_set("plan", to=[]), "not an object"),
        (_set("plan", "lesions", 0, "vas", to=11), "VAS"),
        (_set("plan", "lesions", 0, "vas", to=True), "vas"),
        (_set("plan", "lesions", 0, "name", to=KeyError), "name"),
        (_set("plan", "lesions", 0, "level", to="Q9"), "Q9"),
        (_set("plan", "lesions", 0, "shape", "mask", to="../../etc/passwd"), "missing"),
        (_set("plan", "lesions", 0, "shape", "digest", to="00"), "mask"),
        (_set("plan", "assemblies", 0, "lesion_id", to="zz"), "no lesion"),
        (_set("plan", "assemblies", 0, "entry_lps_mm", to=[0, 0, 0]), "no direction"),
        (_set("plan", "assemblies", 0, "entry_lps_mm", to=[0, 1e400, 0]), "finite"),
        (_set("plan", "assemblies", 0, "probe", "active_length_mm", to=-3), "Active length"),
        (_set("plan", "volumes", to=[]), "no planning CT"),
        (_set("ice", 0, "fields", to=[]), "kind of tissue"),
        (_set("ice", 0, "fields", 0, "volumes", to=[]), "volume of an isotherm"),
    ],
)
def test_wrong_contents_are_refused_with_their_place(
    saved: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    rewrite(saved, change)
    with pytest.raises(InputRefused, match=sentence) as refusal:
        load_plan(saved)
    assert "good.cvtplan" in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(200), b"[" * 100_000])
def test_files_that_are_no_plan(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.cvtplan"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"x\.cvtplan"):
        load_plan(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(DOCUMENT, content)
    with pytest.raises(InputRefused, match=r"x\.cvtplan"):
        load_plan(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no plan file"):
        load_plan(tmp_path / "absent.cvtplan")
    with pytest.raises(InputRefused):
        load_plan(tmp_path)
    with pytest.raises(InputRefused, match="folder"):
        save_plan(small_plan(), (), tmp_path)
    with pytest.raises(InputRefused, match="unchanged"):
        save_plan(small_plan(), (), tmp_path / "no" / "where.cvtplan")


def test_a_mask_that_unpacks_to_more_than_it_says_is_refused(saved: Path) -> None:
    import gzip

    with zipfile.ZipFile(saved) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = members["masks/lesion-1.nrrd"].split(b"\n\n")[0]
    members["masks/lesion-1.nrrd"] = header + b"\n\n" + gzip.compress(bytes(10_000_000))
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(InputRefused, match="damaged"):
        load_plan(saved)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_save_keeps_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    before = saved.read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputRefused, match="No space left"):
        save_plan(replace(small_plan(), notes="new"), (), saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_saving_twice_gives_the_same_bytes_and_keeps_the_mode(saved: Path) -> None:
    before = saved.read_bytes()
    saved.chmod(0o640)
    save_plan(small_plan(), (small_ice(small_plan()),), saved)
    assert saved.read_bytes() == before
    if os.name == "posix":
        assert saved.stat().st_mode & 0o777 == 0o640


def test_a_ct_that_moved_with_its_plan_is_followed(tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "ct").mkdir(parents=True)
    plan = small_plan()
    plan = replace(plan, volumes=(replace(plan.volumes[0], source=str(old / "ct")),))
    save_plan(plan, (), old / "p.cvtplan")
    assert load_plan(old / "p.cvtplan").plan == plan
    old.rename(tmp_path / "new")
    assert load_plan(tmp_path / "new" / "p.cvtplan").plan.volumes[0].source == str(tmp_path / "new" / "ct")


def test_migrations_are_applied_in_turn_and_said() -> None:
    steps = (
        Migration(1, lambda d: {**d, "a": 1}),
        Migration(2, lambda d: {**d, "b": d["a"] + 1}),
    )
    assert migrated({}, 1, steps)[0] == {"a": 1, "b": 2}
    assert migrated({"a": 5}, 2, steps)[0] == {"a": 5, "b": 6}
    assert "format 2" in migrated({"a": 5}, 2, steps)[1][0]
    assert migrated({"x": 1}, 3, steps) == ({"x": 1}, ())
