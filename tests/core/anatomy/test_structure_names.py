"""Names and numbers of other programs' structures mean the vertebra they mean, or nothing."""

from __future__ import annotations

import pytest

from cvt_planner.anatomy.structure_names import (
    NUMBERINGS,
    Structure,
    guess_numbering,
    structure_named,
    structure_numbered,
)


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("vertebrae_L3", "L3"),
        ("L3", "L3"),
        ("T 12", "T12"),
        ("Vertebra_C7", "C7"),
        ("vertebrae_S1", "S1"),
        ("t13", "T13"),
    ],
)
def test_names_of_vertebrae(name: str, level: str) -> None:
    assert structure_named(name) == Structure("vertebra", level)


@pytest.mark.parametrize("name", ["GTV L3", "L3 lesion", "disc L3-L4", "rib_left_7", "T14", "PTV1", "", "lung"])
def test_what_is_no_vertebra(name: str) -> None:
    assert structure_named(name).role == "other"


def test_canal_and_sacrum() -> None:
    assert structure_named("SpinalCanal").role == structure_named("spinal_cord").role == "canal"
    assert structure_named("sacrum").role == "sacrum"


def test_numbers_of_the_published_tables() -> None:
    assert structure_numbered(29, "TotalSegmentator 2").level == "L3"  # as the real label file of the tests has it
    assert structure_numbered(33, "TotalSegmentator 2").level == "T11"
    assert structure_numbered(50, "TotalSegmentator 2").level == "C1"
    assert structure_numbered(20, "TotalSegmentator 1").level == "L3"
    assert structure_numbered(22, "VerSe").level == "L3"
    assert structure_numbered(117, "TotalSegmentator 2").role == "other"


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_the_order_along_the_body_tells_the_numbering(numbering: str) -> None:
    wanted = ("T12", "L1", "L2", "L3")
    numbers = [next(n for n in range(1, 60) if structure_numbered(n, numbering).level == level) for level in wanted]  # type: ignore[arg-type]
    assert guess_numbering(numbers, [90.0, 60.0, 30.0, 0.0]) == numbering
    assert guess_numbering(numbers, [0.0, 60.0, 30.0, 90.0]) is None
