"""Fixtures of the ice tests: the exact solutions, and kernels that are compiled once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from cvt_planner.bioheat.solver import warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile before the first test, so that no test's time holds it."""
    warm_up()


@pytest.fixture(scope="session")
def exact() -> ModuleType:
    """Return the module of exact solutions beside this file."""
    spec = importlib.util.spec_from_file_location("exact_ice", Path(__file__).with_name("exact.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["exact_ice"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module
