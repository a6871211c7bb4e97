"""A short run of the fuzzer, the same cases each time, and every case that once failed."""

from __future__ import annotations

import pytest

from tests.fuzz import fuzz_reading
from tests.fuzz.fuzz_reading import kept_seeds, no_sentence, run

COUNT = 400


def test_a_few_hundred_spoiled_files_cost_a_sentence_each() -> None:
    tally = run(list(range(COUNT)), seed=2026, tell=False)
    assert not tally.failures
    assert sum(tally.outcomes.values()) == COUNT and tally.slowest_s < fuzz_reading.LONGEST_S
    assert len(tally.outcomes) >= 4  # some are read, some refused, in some nothing is found


@pytest.mark.parametrize(("seed", "case"), kept_seeds() or [(1, 0)])
def test_cases_that_once_failed_pass(seed: int, case: int) -> None:
    assert not run([case], seed, tell=False).failures


@pytest.mark.parametrize(
    "text", ["", "x.dcm", "Traceback (most recent call last): it did not work.", "x.dcm holds None of it, sorry."]
)
def test_what_is_no_sentence_is_known_as_such(text: str) -> None:
    assert no_sentence(text)
    assert not no_sentence("x.dcm is damaged and cannot be read. Copy it again.")
