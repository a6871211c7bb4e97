"""Finding a plan's CT again: the very one, or a sentence that names both."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cvt_planner.base.errors import InputRefused, WrongPlan
from cvt_planner.geometry.frames import Grid
from cvt_planner.imaging.nrrd import write_nrrd
from cvt_planner.imaging.read import read_volume
from cvt_planner.plan.model import Plan
from cvt_planner.storage.find_volume import find_volume
from cvt_planner.storage.plan_file import load_plan, save_plan
from cvt_planner.workspace import new_plan


def a_ct(path: Path, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, ::-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_nrrd(path, rng.integers(-100, 300, (12, 20, 20)).astype(np.int16), Grid((12, 20, 20), affine))
    return path


@pytest.fixture
def ct(tmp_path: Path) -> Path:
    return a_ct(tmp_path / "case" / "ct.nrrd", 1)


@pytest.fixture
def plan(ct: Path) -> Plan:
    return new_plan(read_volume(ct))


def test_found_where_it_was(plan: Plan) -> None:
    assert find_volume(plan).content_hash == plan.planning_volume.content_hash


def test_found_where_it_moved_to(plan: Plan, ct: Path, tmp_path: Path) -> None:
    save_plan(plan, (), ct.parent / "p.cvtplan")
    shutil.move(ct.parent, tmp_path / "archive")
    stored = load_plan(tmp_path / "archive" / "p.cvtplan")
    assert find_volume(stored.plan).content_hash == plan.planning_volume.content_hash
    with pytest.raises(InputRefused, match="--ct"):
        find_volume(plan)
    found = find_volume(plan, tmp_path / "archive" / "ct.nrrd")
    assert found.content_hash == plan.planning_volume.content_hash


def test_plans_that_know_their_ct_by_its_sha256_still_find_it(plan: Plan, ct: Path) -> None:
    volume = read_volume(ct)
    digest = hashlib.sha256(np.array(volume.grid.shape_kji, dtype="<i8").tobytes())
    digest.update(np.rint(volume.grid.lps_from_index * 1e4).astype("<i8").tobytes())
    digest.update(volume.hu.tobytes())
    known = replace(plan.planning_volume, content_hash=digest.hexdigest())
    assert find_volume(replace(plan, volumes=(known,))).content_hash == digest.hexdigest()
    other = replace(plan.planning_volume, content_hash="0" * 64)
    with pytest.raises(WrongPlan, match="other slices or pixels"):
        find_volume(replace(plan, volumes=(other,)))


def test_other_pixels_are_never_used_silently(plan: Plan, tmp_path: Path) -> None:
    other = a_ct(tmp_path / "other" / "ct.nrrd", 2)
    with pytest.raises(WrongPlan, match="other slices or pixels") as refusal:
        find_volume(plan, other)
    assert refusal.value.exit_code == 4


def test_another_series_is_named_beside_the_wanted_one(plan: Plan, ct: Path) -> None:
    ref = replace(plan.planning_volume, series_uid="1.2.3.4", description="Spine 1 mm", acquired_at="2026-01-15")
    with pytest.raises(WrongPlan) as refusal:
        find_volume(replace(plan, volumes=(ref,)))
    assert "Spine 1 mm" in str(refusal.value)
    assert "1.2.3.4" in str(refusal.value)
    assert str(ct) in str(refusal.value)


def test_nothing_there_asks_for_the_folder(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="empty"):
        find_volume(plan, tmp_path / "empty")
    with pytest.raises(InputRefused, match="does not exist"):
        find_volume(plan, tmp_path / "nowhere")
    nowhere = replace(plan.planning_volume, source="")
    with pytest.raises(InputRefused, match="no known place"):
        find_volume(replace(plan, volumes=(nowhere,)))
