"""Fixtures of the ice tests: the exact solutions, and kernels that are compiled once."""

from __future__ import annotations

from types import ModuleType

import pytest

from cvt_planner.bioheat.solver import warm_up
from tests.validation import similarity


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile before the first test, so that no test's time holds it."""
    warm_up()


@pytest.fixture(scope="session")
def exact() -> ModuleType:
    """Return the exact solutions with a freezing range."""
    return similarity
