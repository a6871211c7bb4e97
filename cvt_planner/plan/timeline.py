"""The protocol as a line of time: which phase it is at a moment, in words, and when the last freeze ends."""

from __future__ import annotations

from dataclasses import dataclass

from cvt_planner.plan.model import FreezePhase

# Warming after the last freeze that is computed, and that still counts for the coldest temperatures; assumed. At 18 to
# 26 mm from a pair of probes tissue cools by another 1 to 3 K in it (with the probes off, not heated), and by under 1 K
# after it.
AFTERWARDS_S = 300.0


@dataclass(frozen=True)
class Stretch:
    """One phase on the line of time, s from the start of the protocol."""

    name: str  # "freeze 1", "thaw", "warming"
    start_s: float
    end_s: float


def last_freeze(protocol: tuple[FreezePhase, ...]) -> int | None:
    """Return the place of the last freeze in the protocol; None where there is none."""
    return max((n for n, phase in enumerate(protocol) if phase.kind == "freeze"), default=None)


def frozen_at_s(protocol: tuple[FreezePhase, ...]) -> float:
    """Return when the last freeze ends, s from the start; 0 where there is no freeze."""
    last = last_freeze(protocol)
    return 0.0 if last is None else float(sum(phase.seconds for phase in protocol[: last + 1]))


def stretches(protocol: tuple[FreezePhase, ...]) -> tuple[Stretch, ...]:
    """Return the phases up to the last freeze and the warming after it; empty where there is no freeze.

    Phases of one kind are numbered where there are several.
    """
    last = last_freeze(protocol)
    if last is None:
        return ()
    used = protocol[: last + 1]
    counts = {kind: sum(phase.kind == kind for phase in used) for kind in ("freeze", "thaw")}
    seen = {"freeze": 0, "thaw": 0}
    made: list[Stretch] = []
    now = 0.0
    for phase in used:
        seen[phase.kind] += 1
        name = f"{phase.kind} {seen[phase.kind]}" if counts[phase.kind] > 1 else phase.kind
        made.append(Stretch(name, now, now + phase.seconds))
        now += phase.seconds
    return (*made, Stretch("warming", now, now + AFTERWARDS_S))


def moment_words(protocol: tuple[FreezePhase, ...], time_s: float) -> str:
    """Return "freeze 1, 3:20 of 10:00"; at the very end of a phase still that phase."""
    for part in stretches(protocol):
        if time_s <= part.end_s + 1e-6:
            return f"{part.name}, {clock(time_s - part.start_s)} of {clock(part.end_s - part.start_s)}"
    return clock(time_s)


def clock(seconds: float) -> str:
    """Return minutes and seconds as "3:20"."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
