"""Each troubleshooting entry of the lineage smoke run-book is the hint where its trouble shows.

Covers: "Missing jobs", "Prefect runs absent" and "API errors", each provoked and read back from
what the operator is shown.
Not here: the errors themselves (``harness/clients``), the whole fault table
(``harness/procedures/test_faults.py``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.clients.marquez import Export, Marquez
from fixtures.core import errors, settings
from fixtures.core.registry import Unseen
from fixtures.core.settings import EnvironmentTable
from fixtures.guardrails import marquez as guardrails
from fixtures.procedures.marquez import TITLES
from fixtures.procedures.preflight import machine
from fixtures.simulators.marquez.door import RecorderServer
from fixtures.simulators.marquez.state import Recorder
from tests.harness.procedures.conftest import InProcess, Staged, staged

MISSING_JOBS = ("command completed without errors", "namespace matches HOTPASS_LINEAGE_NAMESPACE")
PREFECT_RUNS_ABSENT = ("verify the deployment exists", "`uv run prefect deployment ls`", "--watch")
API_ERRORS = ("migration", "marquez.log", "eset volumes with `docker compose down -v`")
"""What each entry of the run-book tells the operator to do."""

NOW = datetime(2026, 1, 15, 9, tzinfo=UTC)
ASKED: dict[str, Callable[[Marquez], Export]] = {
    "runs": lambda client: client.runs(namespace="hotpass.local", job="hotpass.pipeline.generic"),
    "lineage": lambda client: client.lineage(
        namespace="hotpass.local", job="hotpass.pipeline.generic"
    ),
    "datasets": lambda client: client.datasets(namespace="hotpass.local"),
    "events": lambda client: client.events(after=NOW, before=NOW),
}
"""Every export of step 4."""


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Recorder no event was ever sent to."""
    made = Recorder()
    yield made
    made.close()


@pytest.fixture
def environment(recorder: Recorder) -> Iterator[EnvironmentTable]:
    """Environment whose lineage service is the recorder."""
    server = RecorderServer(recorder)
    server.start()
    yield EnvironmentTable(
        provenance={}, marquez_url=server.api_url, marquez_admin_url=server.admin_url
    )
    server.stop()


@pytest.fixture
def client(environment: EnvironmentTable) -> Iterator[Marquez]:
    """Client of the recorder."""
    made = Marquez(
        api_url=environment.marquez_url,
        admin_url=environment.marquez_admin_url,
        ui_url=environment.marquez_url,
        timeout_s=5.0,
    )
    yield made
    made.close()


@pytest.fixture
def stage(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Staged]:
    """Lineage smoke ready to run, its command in this process."""
    known = settings.load(pytestconfig.rootpath / "pyproject.toml")
    with contextlib.ExitStack() as cleanup:
        yield staged(tmp_path, known, cleanup, command=InProcess)


def assert_told(told: str, entry: tuple[str, ...]) -> None:
    assert not [each for each in entry if each not in told], told


@pytest.mark.parametrize("export", ["runs", "lineage"])
def test_missing_job(client: Marquez, export: str) -> None:
    """*Missing jobs*: a job the service does not know is answered with the entry's two checks."""
    with pytest.raises(errors.SystemRefused, match="answered 404") as caught:
        ASKED[export](client)
    assert_told(caught.value.hint, MISSING_JOBS)


@pytest.mark.parametrize("export", ASKED)
def test_missing_anything(client: Marquez, recorder: Recorder, export: str) -> None:
    """*Missing jobs*: whatever the export, a 404 names the namespace as the first suspect."""
    recorder.faults.status = 404
    with pytest.raises(errors.SystemRefused) as caught:
        ASKED[export](client)
    assert_told(caught.value.hint, MISSING_JOBS)


def test_missing_job_reaches_the_verdict(stage: Staged) -> None:
    """*Missing jobs*: the hint stands in the verdict of the run guardrail, where it is read."""
    stage.strike("no-lineage")
    verdicts = {each.guardrail: each for each in stage.play().verdicts}
    assert_told(verdicts["marquez.run-completed"].story, MISSING_JOBS)


def test_prefect_runs_absent(stage: Staged) -> None:
    """*Prefect runs absent*: step 3 is not exercised, and says how to make sure of it by hand."""
    stage.server.stop()
    step = stage.play().sealed.summary.steps["3"]
    assert (step["title"], step["state"]) == (TITLES["3"], "not exercised")
    assert_told(step["reason"], PREFECT_RUNS_ABSENT)


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("export", ASKED)
def test_api_error(client: Marquez, recorder: Recorder, export: str, status: int) -> None:
    """*API errors*: whatever the export, a 5xx sends the reader to the log and to the volumes."""
    recorder.faults.status = status
    with pytest.raises(errors.SystemRefused, match=f"answered {status}") as caught:
        ASKED[export](client)
    assert_told(caught.value.hint, API_ERRORS)


@pytest.mark.parametrize("switch", ["unhealthy", "status"])
def test_api_error_before_anything_is_sent(stage: Staged, switch: str) -> None:
    """*API errors*: a stack that never becomes healthy says the same in its verdict."""
    setattr(stage.recorder.faults, switch, 500 if switch == "status" else True)
    verdicts = {each.guardrail: each for each in stage.play().verdicts}
    assert_told(verdicts["marquez.stack-healthy"].story, API_ERRORS)


def test_api_error_in_preflight(recorder: Recorder, environment: EnvironmentTable) -> None:
    """*API errors*: preflight has the hint before the window is spent."""
    recorder.faults.unhealthy = True
    finding = machine.reachable(environment)
    assert_told(finding.fix, ("migration", "`docker compose down -v`"))


def test_log_of_an_api_error_is_the_one_to_open() -> None:
    """*API errors*: the guardrail over the service's log points at that very log."""
    guardrail = guardrails.REGISTRY["marquez.service-log-clean"]
    assert guardrail.artefact == "marquez.log"
    assert "migration" in guardrail.promise


def test_hint_survives_as_one_line() -> None:
    """A verdict's reason holds code, message and hint whole, however they were broken."""
    trouble = errors.SystemRefused("answered\n  404", hint=MISSING_JOBS[1])
    reason = Unseen(trouble).reason
    assert reason == f"[system-refused] answered 404 (hint: {MISSING_JOBS[1]})"
