"""Background jobs: results on the main thread, a newer one replaces an older, nothing swallowed, nothing left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.bridge.jobs import THREAD_PREFIX, JobRunner
from cvt_planner.base.errors import Cancelled, InputRefused, PlannerError
from cvt_planner.base.progress import Progress


@pytest.fixture
def jobs(qapp: object) -> Iterator[JobRunner]:
    runner = JobRunner()
    yield runner
    runner.close()


def _until_stopped(progress: Progress) -> str:
    for n in range(2000):
        progress.report(n / 2000, "working")
        time.sleep(0.005)
    return "never"


def test_work_runs_elsewhere_and_is_answered_here(jobs: JobRunner) -> None:
    heard: list[tuple[object, object]] = []
    told: list[float] = []

    def work(progress: Progress) -> int:
        progress.report(0.5, "half")
        heard.append(("work", threading.current_thread().name))
        return 42

    jobs.submit(
        "sums",
        work,
        lambda result: heard.append((result, threading.current_thread())),
        progress=lambda f, m: told.append(f),
    )
    assert not jobs.idle()
    assert jobs.wait_all(5000)
    assert heard == [("work", f"{THREAD_PREFIX} sums"), (42, threading.main_thread())]
    assert told == [0.5]


def test_a_newer_job_replaces_the_older_and_quick_ones_do_not_pile_up(jobs: JobRunner) -> None:
    done: list[str] = []
    failed: list[Exception] = []
    ran: list[int] = []
    jobs.submit("preview", _until_stopped, done.append, failed.append)

    def work(n: int) -> str:
        ran.append(n)
        return f"job {n}"

    for n in range(5):
        jobs.submit("preview", lambda _, n=n: work(n), done.append, failed.append)
    other = jobs.submit("other", lambda _: "other", done.append)
    assert jobs.wait_all(5000)
    assert sorted(done) == ["job 4", "other"]
    assert ran == [4] and not failed
    assert other.finished


def test_a_cancelled_job_says_so_once(jobs: JobRunner, qtbot: QtBot) -> None:
    done: list[object] = []
    failed: list[Exception] = []
    job = jobs.submit("ice", _until_stopped, done.append, failed.append)
    qtbot.wait(30)
    job.cancel()
    assert jobs.wait_all(5000)
    assert not done and len(failed) == 1 and isinstance(failed[0], Cancelled)


def test_a_job_cancelled_after_its_work_is_not_applied(jobs: JobRunner) -> None:
    done: list[object] = []
    failed: list[Exception] = []
    job = jobs.submit("quick", lambda _: 1, done.append, failed.append)
    time.sleep(0.1)  # its answer is queued, this thread has not heard it yet
    job.cancel()
    assert jobs.wait_all(5000)
    assert not done and isinstance(failed[0], Cancelled)


def test_errors_are_heard_and_defects_are_reported(jobs: JobRunner) -> None:
    failed: list[Exception] = []
    defects: list[tuple[str, object]] = []
    jobs.defect.connect(lambda purpose, error: defects.append((purpose, error)))

    def refuse(_: Progress) -> None:
        raise InputRefused("No.")

    def break_down(_: Progress) -> None:
        raise ZeroDivisionError("a defect of ours")

    jobs.submit("refused", refuse, lambda _: None, failed.append)
    assert jobs.wait_all(5000) and not defects and isinstance(failed[0], InputRefused)
    jobs.submit("broken", break_down, lambda _: None, failed.append)
    assert jobs.wait_all(5000) and isinstance(failed[1], ZeroDivisionError)
    jobs.submit("unheard", refuse, lambda _: None)
    assert jobs.wait_all(5000)
    assert [purpose for purpose, _ in defects] == ["broken", "unheard"]


def test_close_stops_and_waits_and_drops(qapp: object, qtbot: QtBot) -> None:
    runner = JobRunner()
    done: list[object] = []
    runner.submit("long", _until_stopped, done.append, done.append)
    runner.submit("long", _until_stopped, done.append, done.append)
    runner.close()
    assert not [t for t in threading.enumerate() if t.name.startswith(THREAD_PREFIX)]
    qtbot.wait(20)
    assert not done
    with pytest.raises(PlannerError):
        runner.submit("late", lambda _: 1, done.append)
