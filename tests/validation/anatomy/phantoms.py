"""The phantoms of the acceptance figures, made once and kept in out/ for as long as their source stays the same."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import cvt_planner.phantom
from cvt_planner.phantom import make_phantom
from tests.validation.anatomy.truths import Case, phantom_case

SEEDS = range(20)


def family_case(seed: int, store: Path) -> Case:
    """Return the phantom `spine` of a seed; from the store where it is there."""
    source = Path(cvt_planner.phantom.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(source.glob("*.py")):
        digest.update(path.read_bytes())
    kept = store / f"spine_{seed}_{digest.hexdigest()[:12]}.pickle"  # our own file, never one from elsewhere
    if kept.exists():
        parts = pickle.loads(kept.read_bytes())
    else:
        made = make_phantom("spine", seed)
        parts = (made.hu, made.labels, made.truth, made.grid.lps_from_index)
        store.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(parts))
    return phantom_case(f"phantom {seed}", *parts)
