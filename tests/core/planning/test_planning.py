"""Planning on a made-up CT: laying needles, the ice and its figures, the judgement of the whole."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cvt_planner.anatomy.lesion_shape import Ellipsoid
from cvt_planner.base.errors import Cancelled, InputRefused
from cvt_planner.base.progress import Progress
from cvt_planner.base.remembered import Remembered
from cvt_planner.devices.cryoprobe import CRYOPROBES
from cvt_planner.imaging.volume import Volume
from cvt_planner.plan import edits
from cvt_planner.plan.model import CanalMark, FreezePhase, Plan, Side, default_retraction_mm
from cvt_planner.plan.results import MARROW_BONE, SOFT_TISSUE, IceResult, is_current
from cvt_planner.planning.ice import current_ice, figures, ice_inputs, predict_ice
from cvt_planner.planning.ice_scene import MARGIN_MM
from cvt_planner.planning.judge import judge_plan
from cvt_planner.planning.placement import place_assembly, side_of
from cvt_planner.planning.summary import assembly_figures, cement_figures

BACK_Y_MM, CANAL_MM, LESION_MM, LESION_RADIUS_MM = 90.0, (0.0, 26.0, 0.0), (8.0, 0.0, 0.0), 8.0


@pytest.fixture(scope="module")
def ice(plan: Plan) -> IceResult:
    inputs = ice_inputs(plan, plan.lesions[0].id, "trunk-1", 2.0)
    assert inputs is not None
    return predict_ice(inputs)


def test_a_needle_knows_its_places(trunk: Volume, plan: Plan) -> None:
    left, right = plan.assemblies
    assert (left.side, right.side) == (Side.LEFT, Side.RIGHT)
    for needle in (left, right):
        skin, bone = needle.skin_entry_lps_mm, needle.bone_entry_lps_mm
        assert skin is not None
        assert bone is not None
        x, y, _ = skin
        assert math.isclose((x / 140.0) ** 2 + (y / BACK_Y_MM) ** 2, 1.0, abs_tol=0.03)
        assert bone[1] == pytest.approx(42.0, abs=5.0) or bone[1] == pytest.approx(38.0, abs=3.0)
        assert needle.needle_retraction_mm == default_retraction_mm(needle.probe)
    row = assembly_figures(plan, left, trunk)
    assert row.depth_from_skin_mm == pytest.approx(101.0, abs=2.0)
    assert row.in_plane_deg == pytest.approx(math.degrees(math.atan2(14.0, 100.0)), abs=0.2)
    assert row.cranio_caudal_deg == pytest.approx(0.0, abs=1e-6)
    assert row.needle_outside_mm == pytest.approx(125.0 - (row.depth_from_skin_mm or 0.0) + 23.0, abs=1e-6)
    assert row.metal_gap_mm == pytest.approx(5.0)
    assert row.partner_id == right.id
    assert row.partner_distance_mm == pytest.approx(16.8, abs=0.2)


def test_a_needle_keeps_its_devices_when_moved(trunk: Volume, plan: Plan) -> None:
    own = edits.replace_assembly(replace(plan.assemblies[0], needle_retraction_mm=30.0))(plan)
    own = edits.set_probe(own.assemblies[0].id, CRYOPROBES[0])(own)
    moved = place_assembly(trunk, own, own.assemblies[0], (4.0, -5.0, 1.0), (25.0, 80.0, 10.0))
    assert (moved.id, moved.needle_retraction_mm, moved.probe) == (own.assemblies[0].id, 30.0, CRYOPROBES[0])
    assert moved.probe_tip_lps_mm == (4.0, -5.0, 1.0)
    across = place_assembly(trunk, own, moved, (4.0, -5.0, 1.0), (-25.0, 80.0, 10.0))
    assert across.side is Side.RIGHT
    third = place_assembly(trunk, own, own.lesions[0].id, (0.0, 0.0, 0.0), (0.0, 80.0, 0.0))
    assert third.probe == own.assemblies[-1].probe


def test_the_mid_line_is_the_canal_then_the_level_then_the_lesion(plan: Plan) -> None:
    lesion = plan.lesions[0]
    entry = (5.0, 80.0, 0.0)
    assert side_of(plan, lesion, entry) is Side.LEFT  # left of the canal at 0
    assert side_of(replace(plan, levels=()), lesion, entry) is Side.RIGHT  # right of the lesion's middle at 8
    level = replace(plan.levels[0], canal=None, centre_lps_mm=(6.0, 0.0, 0.0))
    assert side_of(replace(plan, levels=(level,)), lesion, entry) is Side.RIGHT


def test_what_cannot_be_laid_is_refused(trunk: Volume, plan: Plan) -> None:
    lesion = plan.lesions[0].id
    with pytest.raises(InputRefused, match="no direction"):
        place_assembly(trunk, plan, lesion, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    with pytest.raises(InputRefused, match="outside the CT"):
        place_assembly(trunk, plan, lesion, (0.0, 0.0, 900.0), (0.0, 80.0, 900.0))
    with pytest.raises(InputRefused, match="outside the CT"):
        place_assembly(trunk, plan, lesion, (math.nan, 0.0, 0.0), (0.0, 80.0, 0.0))
    far = edits.set_lesion_shape(lesion, Ellipsoid((0.0, 0.0, 900.0), (5.0, 5.0, 5.0)))(plan)
    with pytest.raises(InputRefused, match="lies outside the CT"):
        place_assembly(trunk, far, lesion, (0.0, 0.0, 0.0), (0.0, 80.0, 0.0))
    with pytest.raises(InputRefused, match="no longer"):
        place_assembly(trunk, plan, "gone", (0.0, 0.0, 0.0), (0.0, 80.0, 0.0))


def test_the_skin_out_of_view_is_said_not_guessed(trunk: Volume, plan: Plan) -> None:
    upwards = place_assembly(trunk, plan, plan.lesions[0].id, (8.0, 0.0, 0.0), (8.0, 20.0, 60.0))
    assert upwards.skin_entry_lps_mm is None
    row = assembly_figures(plan, upwards, trunk)
    assert (row.depth_from_skin_mm, row.needle_outside_mm) == (None, None)


def test_the_box_holds_the_ice(plan: Plan, ice: IceResult) -> None:
    low, high = ice.fields[0].grid.bounds_lps_mm()
    ends = np.array([end for needle in plan.assemblies for end in needle.active_zone_lps_mm])
    assert np.all(ends.min(axis=0) - low >= MARGIN_MM - 1.01)  # to the outer cells' centres, half a cell inwards
    assert np.all(high - ends.max(axis=0) >= MARGIN_MM - 1.01)
    for field in ice.fields:
        assert field.energy_imbalance < 0.005
        edge = np.concatenate([field.temperature_c[n].ravel() for n in (0, -1)])
        assert edge.min() > 20.0


def test_figures_of_the_ice(plan: Plan, ice: IceResult) -> None:
    row = figures(plan, plan.lesions[0].id, ice)
    volumes = [(i.volume_soft_tissue_ml, i.volume_marrow_bone_ml) for i in row.isotherms]
    assert all(soft > marrow > 0.0 for soft, marrow in volumes)
    assert volumes == sorted(volumes, reverse=True)
    for one in row.isotherms:
        assert 0.0 <= one.covered_percent <= one.covered_high_percent <= 100.0
    # By hand: the coverage at -20 degC is the share of the ball's voxels that the field says are colder.
    marrow = ice.field_of(MARROW_BONE)
    places = marrow.grid.lps_of(np.argwhere(np.ones(marrow.grid.shape_kji)).astype(float))
    inside = plan.lesions[0].shape.contains(places)
    by_hand = 100.0 * float(np.mean(marrow.temperature_c.ravel()[inside] < -20.0))
    assert row.isotherm(-20.0).covered_percent == pytest.approx(by_hand, abs=6.0)
    assert row.canal_marked
    assert row.canal_to_0c_mm is not None
    assert row.canal_minimum_c is not None
    assert row.canal_to_minus_20c_mm is not None
    assert row.canal_to_0c_mm < row.canal_to_minus_20c_mm
    assert (row.canal_minimum_c < 0.0) == (row.canal_to_0c_mm < 0.0)
    assert "two uniform tissues" in row.label


def test_a_canal_far_away_is_not_taken_for_the_lesions(plan: Plan, ice: IceResult) -> None:
    mark = plan.levels[0].canal
    assert mark is not None
    up = 60.0
    lifted = CanalMark((0.0, 26.0, up), tuple((x, y, z + up) for x, y, z in mark.wall_lps_mm))
    far = edits.mark_canal("L2", lifted)(plan)
    row = figures(far, plan.lesions[0].id, ice)
    assert not row.canal_marked
    assert row.canal_minimum_c is None


def test_a_canal_marked_beside_the_probes_is_not_known_along_them(plan: Plan, ice: IceResult) -> None:
    mark = plan.levels[0].canal
    assert mark is not None
    lesion = plan.lesions[0].id
    for up, known in ((10.0, True), (16.9, True), (18.0, False), (-18.0, False)):
        wall = tuple((x, y, z + up) for x, y, z in mark.wall_lps_mm)
        lifted = edits.mark_canal("L2", CanalMark((0.0, 26.0, up), wall))(plan)
        row = figures(lifted, lesion, ice)
        assert (row.canal_marked, row.canal_minimum_c is not None) == (known, True)


def test_a_wall_that_the_ice_just_reaches_is_as_cold_as_ice(plan: Plan, ice: IceResult) -> None:
    lesion = plan.lesions[0].id
    for back in np.arange(-2.0, 2.0, 0.1):
        wall = tuple((x, 26.0 + y + back, 0.0) for x, y in ((8.0, 0.0), (0.0, 8.0), (-8.0, 0.0), (0.0, -8.0)))
        row = figures(edits.mark_canal("L2", CanalMark((0.0, 26.0 + back, 0.0), wall))(plan), lesion, ice)
        assert row.canal_minimum_c is not None
        assert row.canal_to_0c_mm is not None
        assert (row.canal_minimum_c < 0.0) == (row.canal_to_0c_mm < 0.0), back


def test_the_canal_is_judged_at_its_coldest_moment(plan: Plan, ice: IceResult) -> None:
    """Beyond the ice's edge it goes on cooling for minutes after the last freeze."""
    for field in ice.fields:
        assert field.coldest_c is not None
        assert np.all(field.coldest_c <= field.temperature_c + 1e-3)
    at_the_end = replace(ice, fields=tuple(replace(f, coldest_c=None) for f in ice.fields))
    row, last = (figures(plan, plan.lesions[0].id, one) for one in (ice, at_the_end))
    assert row.canal_minimum_high_c is not None
    assert last.canal_minimum_high_c is not None
    assert row.canal_minimum_high_c < last.canal_minimum_high_c - 0.5
    assert row.isotherms == last.isotherms


@pytest.mark.parametrize("spacing_mm", [0.0, math.nan, -1.0, 0.1, 4.0])
def test_a_grid_too_coarse_for_ice_is_refused_and_never_current(plan: Plan, ice: IceResult, spacing_mm: float) -> None:
    lesion = plan.lesions[0].id
    inputs = ice_inputs(plan, lesion, "trunk-1", spacing_mm)
    assert inputs is not None
    with pytest.raises(InputRefused, match="not fit for predicting ice"):
        predict_ice(inputs)
    coarse = replace(ice, inputs=inputs)
    assert current_ice(plan, lesion, "trunk-1", (coarse,)) is None
    assert not is_current(coarse, plan, inputs)


def test_ice_goes_stale_with_its_inputs_only(trunk: Volume, plan: Plan, ice: IceResult) -> None:
    lesion = plan.lesions[0].id
    assert current_ice(plan, lesion, "trunk-1", (ice,)) is ice
    assert current_ice(edits.set_notes("x")(plan), lesion, "trunk-1", (ice,)) is ice
    assert current_ice(plan, lesion, "another CT", (ice,)) is None
    moved = place_assembly(trunk, plan, plan.assemblies[0], (8.5, -12.0, 0.0), (22.0, 88.0, 0.0))
    stale = edits.replace_assembly(moved)(plan)
    assert current_ice(stale, lesion, "trunk-1", (ice,)) is None
    assert not is_current(ice, stale, ice_inputs(stale, lesion, "trunk-1", 2.0))
    shorter = edits.set_protocol([FreezePhase("freeze", 300.0)])(plan)
    assert current_ice(shorter, lesion, "trunk-1", (ice,)) is None
    assert ice_inputs(edits.remove_assembly(plan.assemblies[0].id)(plan), lesion, "trunk-1") is not None
    bare = replace(plan, assemblies=())
    assert ice_inputs(bare, lesion, "trunk-1") is None


def test_a_last_thaw_does_not_melt_the_answer(plan: Plan) -> None:
    short = edits.set_protocol([FreezePhase("freeze", 60.0)])(plan)
    with_thaw = edits.set_protocol([FreezePhase("freeze", 60.0), FreezePhase("thaw", 120.0)])(plan)
    one, two = (ice_inputs(p, p.lesions[0].id, "x", 2.0) for p in (short, with_thaw))
    assert one is not None
    assert two is not None
    first, second = predict_ice(one), predict_ice(two)
    assert np.allclose(first.fields[0].temperature_c, second.fields[0].temperature_c, atol=0.01)
    assert first.field_of(SOFT_TISSUE).temperature_c.min() < -25.0


def test_freezing_can_be_stopped_and_refuses_crossing_probes(trunk: Volume, plan: Plan) -> None:
    inputs = ice_inputs(plan, plan.lesions[0].id, "x", 2.0)
    assert inputs is not None
    progress = Progress()
    progress.listener = lambda fraction, _: progress.stop() if fraction > 0.2 else None
    with pytest.raises(Cancelled):
        predict_ice(inputs, progress)
    tip = plan.assemblies[0].probe_tip_lps_mm
    onto = place_assembly(trunk, plan, plan.assemblies[1], tip, plan.assemblies[1].entry_lps_mm)
    crossed = ice_inputs(edits.replace_assembly(onto)(plan), plan.lesions[0].id, "x", 2.0)
    assert crossed is not None
    with pytest.raises(InputRefused, match="cross"):
        predict_ice(crossed)


def test_cement_of_the_lesion(trunk: Volume, plan: Plan) -> None:
    row = cement_figures(plan, plan.lesions[0], trunk)
    assert 0.0 < row.low_ml <= row.estimate_ml <= row.high_ml <= row.cap_ml
    assert row.dead_space_ml == pytest.approx(math.pi / 4.0 * 1.803**2 * 125.0 / 1000.0, rel=1e-3)
    assert cement_figures(replace(plan, assemblies=()), plan.lesions[0]).dead_space_ml is None


def test_judging_the_whole_plan(trunk: Volume, plan: Plan, ice: IceResult) -> None:
    judged = judge_plan(plan, trunk, (ice,))
    by_key = {r.key: r.verdict for r in judged.results}
    assert by_key["level-confirmed"] == by_key["side"] == by_key["probe-in-needle"] == "ok"
    assert by_key["coverage"] != "not judged"
    assert by_key["canal-ice"] != "not judged"
    assert judged.context.ice_states == {plan.lesions[0].id: "current"}
    closed = judge_plan(plan, None, ())
    assert {r.verdict for r in closed.results if r.key in ("coverage", "inside-ct", "slice-distance")} == {"not judged"}
    moved = edits.set_probe(plan.assemblies[0].id, CRYOPROBES[0])(plan)
    assert judge_plan(moved, trunk, (ice,)).context.ice_states[plan.lesions[0].id] == "stale"


def test_remembered_answers_leave_with_their_owner() -> None:
    class Owner:
        pass

    calls = []
    known: Remembered[int] = Remembered(most_per_owner=2)
    owner = Owner()
    for key in (1, 1, 2, 3, 1):
        known.get(owner, key, lambda key=key: calls.append(key) or key)
    assert calls == [1, 2, 3, 1]
    del owner
    assert len(known._known) == 0


def test_a_lesion_outside_the_ct_is_judged_and_raises_nothing(trunk: Volume, plan: Plan, ice: IceResult) -> None:
    key = plan.lesions[0].id
    for z in (45.0, 900.0):  # at the rim, and far away
        away = edits.set_lesion_shape(key, Ellipsoid((0.0, 0.0, z), (8.0, 8.0, 8.0)))(plan)
        verdicts = {r.key: r.verdict for r in judge_plan(away, trunk, (ice,)).results if not r.assembly_id}
        assert verdicts["inside-ct"] == "stop"
        assert verdicts["coverage"] == "stop"
