# Two commands do everything: "make run" and "make test". Both set up what they need first.
ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
CORE_BIN := .venv-core/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
CORE_BIN := .venv-core/bin
endif
# The tests start many processes; each would compile every source anew where Python is told to keep no bytecode.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-core lint format bench validate validate-anatomy fuzz package clean

setup: ## the virtual environment, the pinned packages, the system libraries
	@$(PYTHON) packaging/bootstrap.py

run: setup ## the window on the sample case; without a display the same case headless, results in out/
	@$(BIN)/python packaging/run_sample.py

test: setup ## every test, on all cores
	$(BIN)/python -m pytest -n auto --dist loadfile

test-core: ## the core's tests where neither Qt nor VTK is installed
	@$(PYTHON) packaging/bootstrap.py --core
	$(CORE_BIN)/python -m pytest tests/core tests/golden tests/architecture

lint: setup ## style, types, floors
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-cache

format: setup ## put the code into the project's format
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

bench: setup ## measured figures, printed; nothing here passes or fails
	$(BIN)/python tests/bench/run_all.py

validate: setup ## the ice against exact solutions, other codes and published figures; writes docs/validation.md (QUICK=1: out/)
	$(BIN)/python -m tests.validation $(if $(QUICK),--quick)

validate-anatomy: setup ## vertebrae, canal and pedicles against phantoms and labelled CTs; writes docs/anatomy.md (QUICK=1: out/)
	$(BIN)/python -m tests.validation.anatomy $(if $(QUICK),--quick)

fuzz: setup ## N (20000) spoiled files, ZIPs and media through finding and reading; SEED=1
	$(BIN)/python tests/fuzz/fuzz_reading.py --count $(or $(N),20000) --seed $(or $(SEED),1)

package: setup ## a one-folder program in dist/, then its self-test with no Python on the path
	$(BIN)/python -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath build packaging/cvt_planner.spec
	$(BIN)/python packaging/check_frozen.py dist/cvt-planner

clean:
	rm -rf build dist out .venv-core .pytest_cache .mypy_cache .ruff_cache
