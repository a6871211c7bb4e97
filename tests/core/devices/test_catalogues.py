"""Every member of both catalogues: complete, within limits, with a source, found by its key."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from cvt_planner.base.errors import InputRefused
from cvt_planner.base.fields import field_infos
from cvt_planner.devices.bone_needle import BONE_NEEDLES, DEFAULT_BONE_NEEDLE, BoneNeedleModel, bone_needle
from cvt_planner.devices.cryoprobe import CRYOPROBES, DEFAULT_CRYOPROBE, CryoprobeModel, ProbeOrigin, cryoprobe

MEMBERS: tuple[BoneNeedleModel | CryoprobeModel, ...] = (*BONE_NEEDLES, *CRYOPROBES)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda m: f"{type(m).__name__}-{m.key}")
def test_every_member(member: BoneNeedleModel | CryoprobeModel) -> None:
    find = bone_needle if isinstance(member, BoneNeedleModel) else cryoprobe
    assert find(member.key) is member
    assert member.key
    assert str(member) == member.name
    assert member.gauge in member.name
    assert member.source.strip()
    infos = field_infos(member)
    assert infos
    assert set(infos) <= {f.name for f in fields(member)}
    for name, info in infos.items():
        assert info.label
        assert info.unit in ("mm", "°C", "s")
        assert info.minimum is not None
        assert info.maximum is not None
        with pytest.raises(InputRefused, match=info.label):
            replace(member, **{name: info.maximum + 1.0})
        with pytest.raises(InputRefused, match=info.label):
            replace(member, **{name: info.minimum - 1.0})


def test_keys_are_unique_and_defaults_are_members() -> None:
    for members in (BONE_NEEDLES, CRYOPROBES):
        assert len({m.key for m in members}) == len(members)
    assert DEFAULT_BONE_NEEDLE in BONE_NEEDLES
    assert DEFAULT_CRYOPROBE in CRYOPROBES
    with pytest.raises(InputRefused, match="Known are"):
        bone_needle("99g-1")
    with pytest.raises(InputRefused, match="Known are"):
        cryoprobe("99g-1")


def test_tubes_have_walls_and_the_default_probe_passes_the_default_needle() -> None:
    for needle in BONE_NEEDLES:
        assert 0.4 < needle.outer_diameter_mm - needle.inner_diameter_mm < 1.2
    assert DEFAULT_BONE_NEEDLE.inner_diameter_mm - DEFAULT_CRYOPROBE.outer_diameter_mm > 0.2
    for probe in CRYOPROBES:
        assert probe.origin is ProbeOrigin.CATALOGUE and probe.choice_text == probe.name
        assert probe.dead_tip_mm + probe.active_length_mm < probe.shaft_length_mm


def test_the_keys_of_old_plans_are_still_there() -> None:
    for length_mm in (10, 15, 20, 30):
        probe = cryoprobe(f"17g-{length_mm}")
        assert (probe.active_length_mm, probe.outer_diameter_mm, probe.tip_temperature_c) == (length_mm, 1.47, -140.0)


def test_what_has_no_source_is_called_assumed() -> None:
    for probe in CRYOPROBES:
        assert {"dead_tip_mm", "shaft_length_mm", "cooldown_s"} <= set(probe.assumed)
        assert "assumed" in probe.source and "assumed" not in probe.assumed_text
        assert ("active_length_mm" in probe.assumed) == (
            "recalled" in probe.source or "maker's was not" in probe.source
        )
        assert ("nitrogen" in probe.name) == ("tip_temperature_c" in probe.assumed)
    assert "active length" in cryoprobe("icerod-1.5").assumed_text


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"key": ""}, "key"),
        ({"name": " "}, "name"),
        ({"source": ""}, "source"),
        ({"power_limit_w": 0.0}, "Power limit"),
        ({"power_limit_w": float("nan")}, "Power limit"),
        ({"shaft_length_mm": 50.0, "active_length_mm": 48.0}, "do not fit on its shaft"),
        ({"tip_temperature_c": float("nan")}, "Probe temperature"),
        ({"assumed": ("weight",)}, "weight"),
    ],
)
def test_a_bad_record_is_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(InputRefused, match=word):
        replace(DEFAULT_CRYOPROBE, **change)  # type: ignore[arg-type]
