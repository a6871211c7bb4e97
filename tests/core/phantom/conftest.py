"""One small phantom for all tests of this folder."""

from __future__ import annotations

import pytest

from cvt_planner.phantom import Phantom, make_phantom


@pytest.fixture(scope="session")
def small_phantom() -> Phantom:
    """Return the case `small`."""
    return make_phantom("small")
