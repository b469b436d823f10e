"""The GitHub client against the twin: one dispatch, the right run, patience without repetition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.clients.github import Github
from fixtures.core import errors
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.cluster.timeline import Timeline
from fixtures.simulators.github.routes import GithubApp
from fixtures.simulators.github.state import Github as Twin

WORKFLOW = "arc-smoke.yml"


class Clock:
    """Passes the twin's time instead of ours."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Seconds of the twin's time."""
        return self.timeline.elapsed_s

    def sleep(self, seconds: float) -> None:
        """Let them pass."""
        self.slept.append(seconds)
        self.timeline.advance(seconds)


@pytest.fixture
def twin() -> Twin:
    """Twin of GitHub with one repository and its workflow."""
    return Twin(Timeline())


@pytest.fixture
def clock(twin: Twin) -> Clock:
    """Clock of the twin's time, with what was slept."""
    return Clock(twin.timeline)


@pytest.fixture
def github(twin: Twin, clock: Clock) -> Iterator[Github]:
    """Client of the twin, served for one test."""
    serving = Serving(GithubApp(twin), name="GitHub of a test")
    client = Github(
        api_url=serving.start(),
        repository=twin.repository,
        token=twin.token,
        timeout_s=2.0,
        clock=clock,
        now=lambda: twin.timeline.now,
    )
    yield client
    client.close()
    serving.stop()


def dispatch(github: Github, correlation_id: str = "ours") -> tuple[int, str]:
    made = github.dispatch(WORKFLOW, ref="main", inputs={}, correlation_id=correlation_id)
    return made.run_id, made.method


def posts(twin: Twin) -> int:
    return sum(
        1 for method, path, _ in twin.requests if "/dispatches" in path and method == "POST"
    )


def test_dispatch_says_its_run(github: Github, twin: Twin) -> None:
    """The answer's own run id, where the server gives one."""
    run_id, method = dispatch(github)
    assert (list(twin.runs), method) == ([run_id], "return_run_details")


def test_older_server_is_asked_once_more_without_the_flag(github: Github, twin: Twin) -> None:
    """It refuses what it does not know: nothing was started; then the run is found by its name."""
    twin.faults.no_run_details = True
    run_id, method = dispatch(github)
    assert (list(twin.runs), method) == ([run_id], "run_name")


def test_never_the_newest(github: Github, twin: Twin) -> None:
    """Others start runs too, and later than ours."""
    twin.faults.no_run_details, twin.faults.foreign_runs = True, 3
    run_id, _ = dispatch(github)
    assert twin.runs[run_id].inputs["correlation_id"] == "ours"
    assert run_id != max(twin.runs)


@pytest.mark.parametrize("fault", ["cut off", "500"])
def test_dispatch_without_an_answer_is_never_sent_again(
    github: Github, twin: Twin, fault: str
) -> None:
    """The run may be there: it is looked for, by its name; a second would drain a runner more."""
    if fault == "cut off":
        twin.faults.dispatch_hangs_up = 1
        run_id, method = dispatch(github)
        assert (list(twin.runs), method) == ([run_id], "run_name")
    else:
        twin.faults.status_for["/dispatches"] = 500
        with pytest.raises(errors.SystemRefused, match="answered 500"):
            dispatch(github)
        assert not twin.runs
    assert posts(twin) == 1


def test_two_runs_of_our_name_are_nobodys(github: Github, twin: Twin) -> None:
    """Exactly one, or an error that names them."""
    twin.dispatch({"correlation_id": "ours"})
    twin.faults.no_run_details = True
    with pytest.raises(errors.PayloadUnreadable, match="2 runs are named"):
        dispatch(github)


def test_run_without_its_name_is_not_guessed(github: Github, twin: Twin) -> None:
    """A workflow without run-name on an older server: not found, within the limit."""
    twin.faults.no_run_details = twin.faults.nameless_runs = True
    with pytest.raises(errors.WaitExpired, match="to be listed"):
        dispatch(github)


def test_turned_away_at_the_door_waits_as_told(github: Github, twin: Twin, clock: Clock) -> None:
    """429 on a dispatch means nothing was started: it is sent again after Retry-After."""
    twin.faults.status_for["/dispatches"] = 429
    twin.faults.status_times["/dispatches"] = 1
    dispatch(github)
    assert (clock.slept, len(twin.runs)) == ([2.0], 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_reads_have_patience(github: Github, twin: Twin, status: int) -> None:
    """A read that stumbles is made again, a few times."""
    run_id, _ = dispatch(github)
    twin.faults.status_for["/jobs"], twin.faults.status_times["/jobs"] = status, 2
    assert github.job(run_id)["status"] == "queued"


@pytest.mark.parametrize("status", [401, 404, 422])
def test_refusals_are_not_asked_again(github: Github, twin: Twin, status: int) -> None:
    """What will not change by waiting is told at once."""
    run_id, _ = dispatch(github)
    twin.faults.status_for["/jobs"] = status
    with pytest.raises(errors.SystemRefused, match=f"answered {status}"):
        github.job(run_id)
    assert sum(1 for _, path, _ in twin.requests if "/jobs" in path) == 1


def test_patience_ends(github: Github, twin: Twin, clock: Clock) -> None:
    """A service that stays down is told, with its last answer."""
    run_id, _ = dispatch(github)
    twin.faults.status_for["/jobs"] = 502
    with pytest.raises(errors.SystemRefused, match="answered 502"):
        github.job(run_id)
    assert clock.slept == [2.0, 4.0, 8.0, 16.0]


def test_runner_that_is_gone_is_none(github: Github, twin: Twin) -> None:
    """The 404 a rehearsal waits for; before, the same question has an answer."""
    runner = twin.register("r-1")
    found = github.runner(runner.id)
    assert found is not None
    assert (found["name"], found["busy"]) == ("r-1", False)
    twin.remove(runner.id)
    assert github.runner(runner.id) is None


def test_absent_artefact_is_none_and_a_broken_one_an_error(github: Github, twin: Twin) -> None:
    """Nothing left behind is a fact; something unreadable is trouble."""
    run_id, _ = dispatch(github)
    assert github.artefact(run_id, "arc-identity", "identity.json") is None
    twin.runs[run_id].artefacts["arc-identity"] = b"no zip"
    with pytest.raises(errors.PayloadUnreadable, match="cannot be read"):
        github.artefact(run_id, "arc-identity", "identity.json")


def test_token_is_in_no_error(github: Github, twin: Twin) -> None:
    """An error tells the path, never the header."""
    twin.faults.status_for["/runners"] = 403
    twin.token = "another"
    with pytest.raises(errors.SystemRefused) as refused:
        github.runner(1)
    assert "simulated-github-token" not in str(refused.value)


def test_skew_is_githubs_clock_minus_ours(github: Github, twin: Twin) -> None:
    """From the Date header of the last answer."""
    twin.faults.clock_skew_s = -30.0
    github.described()
    assert github.skew_s == pytest.approx(-30.0, abs=1.0)
