"""The ice over time, other isotherms than those of record, and the preview against the full solution."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.bioheat.scene import HeatBox, Phase
from cvt_planner.devices.cryoprobe import DEFAULT_CRYOPROBE
from cvt_planner.plan.model import PROTOCOL_10_5_10, FreezePhase
from cvt_planner.plan.results import ISOTHERMS_C, MARROW_BONE, SOFT_TISSUE, IceInputs, IceResult, ProbePlace
from cvt_planner.plan.timeline import AFTERWARDS_S, clock, frozen_at_s, moment_words, stretches
from cvt_planner.planning import ice_course
from cvt_planner.planning.ice import MODEL_VERSION, isotherm_figures, predict_ice
from cvt_planner.planning.ice_course import course, frame_times_s, known_course, volumes_ml
from cvt_planner.planning.ice_drawn import drawn_at, drawn_at_the_end
from cvt_planner.planning.ice_preview import PREVIEW_SPACING_MM, preview_ice

MEAN_MM, MOST_MM = 0.5, 1.5
SHORT = (FreezePhase("freeze", 120.0), FreezePhase("thaw", 45.0), FreezePhase("freeze", 90.0))


def inputs_of(apart_mm: float = 12.0, protocol: tuple[FreezePhase, ...] = SHORT, spacing_mm: float = 1.5) -> IceInputs:
    places = tuple(ProbePlace((x, 0.0, 0.0), (0.0, 1.0, 0.0), DEFAULT_CRYOPROBE) for x in (0.0, apart_mm))
    return IceInputs("l1", "ct", places, protocol, spacing_mm, MODEL_VERSION)


@pytest.fixture(scope="module")
def short_ice() -> IceResult:
    """Return the ice of a short protocol on a coarse grid."""
    return predict_ice(inputs_of())


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    """Return the benchmark of the preview, whose poses and distances are used here too."""
    path = Path(__file__).resolve().parents[2] / "bench" / "bench_preview_accuracy.py"
    spec = importlib.util.spec_from_file_location("bench_preview_accuracy", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_preview_accuracy"] = module
    spec.loader.exec_module(module)
    return module


def test_moments_are_named_by_their_phase() -> None:
    assert moment_words(PROTOCOL_10_5_10, 200.0) == "freeze 1, 3:20 of 10:00"
    assert moment_words(PROTOCOL_10_5_10, 600.0) == "freeze 1, 10:00 of 10:00"
    assert moment_words(PROTOCOL_10_5_10, 700.0) == "thaw, 1:40 of 5:00"
    assert moment_words(PROTOCOL_10_5_10, 1500.0) == "freeze 2, 10:00 of 10:00"
    assert moment_words(PROTOCOL_10_5_10, 1560.0) == "warming, 1:00 of 5:00"
    assert moment_words((FreezePhase("freeze", 60.0),), 30.0) == "freeze, 0:30 of 1:00"
    assert clock(59.6) == "1:00"


def test_a_thaw_after_the_last_freeze_is_the_warming() -> None:
    protocol = (*PROTOCOL_10_5_10, FreezePhase("thaw", 60.0))
    assert frozen_at_s(protocol) == frozen_at_s(PROTOCOL_10_5_10) == 1500.0
    assert stretches(protocol) == stretches(PROTOCOL_10_5_10)
    assert stretches((FreezePhase("thaw", 60.0),)) == ()


def test_frames_cover_the_protocol_and_the_warming_on_a_coarse_grid(short_ice: IceResult) -> None:
    for one in short_ice.fields:
        frames = one.frames
        assert frames is not None and frames.centi_c.dtype == np.int16 and not frames.centi_c.flags.writeable
        assert frames.times_s[0] == 0.0 and frames.times_s[-1] == pytest.approx(255.0 + AFTERWARDS_S)
        assert {120.0, 165.0, 255.0} <= set(frames.times_s)  # the end of every phase
        assert float(frames.grid.spacing_kji_mm.max()) <= ice_course.FRAME_SPACING_MM + 1e-6
        at = frames.times_s.index(255.0)
        places = frames.grid.lps_of(np.argwhere(np.ones(frames.grid.shape_kji)).astype(float))
        index = np.round(one.grid.index_of(places)).astype(int)
        exact = one.temperature_c[tuple(index.T)].reshape(frames.grid.shape_kji)
        assert float(np.abs(frames.centi_c[at] / 100.0 - exact).max()) <= 0.0051


def test_a_fine_grid_keeps_every_other_voxel_and_fewer_moments() -> None:
    protocol = tuple(Phase("freeze", 600.0) for _ in range(3))
    usual, fine = (frame_times_s(protocol, HeatBox((60.0, 60.0, 60.0), mm)) for mm in (1.0, 0.3))
    assert np.diff(usual).max() == 30.0 and usual[-1] == 1800.0
    assert len(fine) < len(usual) and {600.0, 1200.0, 1800.0} <= set(fine)
    ice = predict_ice(replace(inputs_of(spacing_mm=1.0), protocol=(FreezePhase("freeze", 30.0),)))
    frames = ice.fields[0].frames
    assert frames is not None and frames.grid.spacing_kji_mm == pytest.approx(2.0, abs=0.05)


def test_the_ice_between_two_frames_lies_between_them(short_ice: IceResult) -> None:
    one = short_ice.field_of(SOFT_TISSUE)
    before, between, after = (drawn_at(one, t) for t in (60.0, 75.0, 90.0))
    assert before is not None and between is not None and after is not None
    volumes = [drawn.volume_ml(0.0) for drawn in (before, between, after)]
    assert volumes[0] < volumes[1] < volumes[2]
    start, late = drawn_at(one, 0.0), drawn_at(one, 1e6)
    assert start is not None and late is not None
    assert start.volume_ml(0.0) == 0.0 and late.volume_ml(-40.0) == 0.0
    assert drawn_at(one, 75.0) is between  # kept, so that a repaint costs nothing


def test_at_the_end_of_the_last_freeze_frames_agree_with_the_record(short_ice: IceResult) -> None:
    for one in short_ice.fields:
        record, played = volumes_ml(one, ISOTHERMS_C), volumes_ml(one, ISOTHERMS_C, 255.0)
        assert record == tuple(volume for _, volume in one.volumes_ml)
        assert played == pytest.approx(record, rel=0.02, abs=0.05)
        grown = course(one, ISOTHERMS_C)
        assert grown is not None and one.frames is not None
        assert grown.shape == (3, len(one.frames.times_s))
        assert known_course(one, ISOTHERMS_C) is grown and known_course(one, (1.0,)) is None
        assert grown[:, one.frames.times_s.index(255.0)] == pytest.approx(played)


def test_other_isotherms_have_volumes_and_coverage_between_their_neighbours(short_ice: IceResult) -> None:
    shape = Ellipsoid((6.0, 10.0, 0.0), (9.0, 9.0, 9.0))
    warm, zero, minus_ten, cold = isotherm_figures(shape, short_ice, (10.0, 0.0, -10.0, -20.0))
    for milder, colder in ((warm, zero), (zero, minus_ten), (minus_ten, cold)):
        assert milder.volume_soft_tissue_ml > colder.volume_soft_tissue_ml
        assert milder.volume_marrow_bone_ml > colder.volume_marrow_bone_ml
        assert milder.covered_percent >= colder.covered_percent
        assert milder.covered_high_percent >= milder.covered_percent
    assert zero.volume_soft_tissue_ml == dict(short_ice.field_of(SOFT_TISSUE).volumes_ml)[0.0]


def test_ice_without_frames_says_so(short_ice: IceResult) -> None:
    one = replace(short_ice.fields[0], frames=None)
    assert drawn_at(one, 60.0) is None and volumes_ml(one, ISOTHERMS_C, 60.0) is None
    assert course(one, ISOTHERMS_C) is None and known_course(one, ISOTHERMS_C) is None
    assert drawn_at_the_end(one).volume_ml(0.0) == pytest.approx(dict(one.volumes_ml)[0.0], rel=1e-4)


@pytest.mark.parametrize(("seed", "tissue"), [(3, SOFT_TISSUE), (4, MARROW_BONE), (5, MARROW_BONE)])
def test_the_preview_lies_near_the_full_ice(accuracy: ModuleType, seed: int, tissue: str) -> None:
    pose = accuracy.random_pose(np.random.default_rng(seed))
    exact, quick = accuracy.full(pose, tissue), preview_ice(pose, tissue)
    assert quick.inputs is pose and quick.drawn.tissue == tissue and quick.lesion_id == "lesion"
    for level in ISOTHERMS_C:
        off = np.abs(accuracy.distances_mm(exact, quick.drawn, level))
        assert off.mean() <= MEAN_MM and off.max() <= MOST_MM, (level, off.mean(), off.max())


def test_a_preview_refuses_what_the_full_ice_refuses() -> None:
    with pytest.raises(InputRefused, match="cross or touch"):
        preview_ice(inputs_of(apart_mm=0.5), SOFT_TISSUE)
    with pytest.raises(InputRefused, match="no freeze"):
        preview_ice(inputs_of(protocol=(FreezePhase("thaw", 60.0),)), SOFT_TISSUE)
    stopped = Progress()
    stopped.stop()
    with pytest.raises(Cancelled):
        preview_ice(inputs_of(), SOFT_TISSUE, stopped)
    assert preview_ice(inputs_of(), SOFT_TISSUE).drawn.grid.spacing_kji_mm == pytest.approx(PREVIEW_SPACING_MM)
