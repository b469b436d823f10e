"""Faults on a real Prefect server, and what catches them: step 3 of the lineage smoke, backfills.

Covers: the step within a whole rehearsal, its evidence, what is left behind; the usual faults of
a backfill, a breach among them that the server itself lets happen. One file goes to one worker:
in two, each would start a server, which takes longer than what is played on it.
Not here: the backfill's table of faults (``test_faults.py``), Prefect's own command and worker
(``tests/rehearsals``, ``harness/sweep``), flaws that only payloads can have
(``harness/doctored``).
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from fixtures.clients.prefect import Prefect
from fixtures.clients.prefect_rest import Rest
from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.records.systems import Provenance, System
from fixtures.evidence import verify
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import judging, linkage_stack
from fixtures.procedures.linkage import LOG, LinkagePlan, LinkageStep
from fixtures.procedures.linkage_stack import PrefectSide, Ready
from fixtures.procedures.prefect_registering import Registrar
from tests.harness.procedures.backfill import faults, refining_by_hand

if TYPE_CHECKING:
    from fixtures.procedures.daemons import Daemon
    from fixtures.procedures.prefect_server import Served
    from tests.harness.procedures.backfill.conftest import Staged as OnPrefect
    from tests.harness.procedures.conftest import Played, Staged

ROWS = seeded.expected("marquez", "prefect")
USUAL = ("flow-fails", "no-lineage", "wrong-run-id")
"""Played in every run of the self-tests; the others in the sweep."""
LATE, SILENT = "never-ends", "never-comes-up"
RUNBOOK = ("uv", "run", "prefect", "deployment", "run", "hotpass-refinement", "--watch")
_numbers = itertools.count(1)

Link = Callable[[str], "Played"]


@pytest.fixture
def link(quick_stage: Staged, served: Served, tmp_path: Path) -> Iterator[Link]:
    """Plays a lineage smoke whose step 3 goes wrong as it is told."""
    flow = f"hotpass-refinement-pipeline-{next(_numbers)}"
    rest = Rest(served.api_url)
    scratch = tmp_path / "side"
    scratch.mkdir()

    def ready(wrong: str) -> Ready:
        if wrong == SILENT:
            raise errors.WaitExpired("Prefect did not answer", hint="Read prefect.log.")
        return Ready(prefect=Prefect(rest), deviations=("a worker by hand",))

    def play(wrong: str) -> Played:
        name = f"{flow}/hotpass-refinement"
        url = quick_stage.server.api_url
        if wrong != "deployment-absent":
            made = linkage_stack.simulated_flow(
                scratch / "work", lineage_url=url, namespace="hotpass.local"
            )
            linkage_stack._register(Registrar(rest), made, name)
        side = PrefectSide(
            deployment=name,
            command=(sys.executable, "-I", refining_by_hand.__file__),
            cwd=scratch,
            variables={
                "PREFECT_API_URL": served.api_url,
                "OPENLINEAGE_URL": url,
                refining_by_hand.WRONG: wrong,
            },
            scratch=scratch,
            system=System(
                name="prefect", claimed=Provenance.LOCAL, identity={"server version": "3"}
            ),
            ready=lambda: ready(wrong),
            logs={},
            stop=lambda: _say_last_words(scratch),
        )
        quick_stage.rehearsal.linkage = LinkageStep(
            bundle=quick_stage.bundle,
            marquez=quick_stage.rehearsal.marquez,
            side=side,
            sheet=quick_stage.rehearsal.sheet,
            plan=LinkagePlan(
                namespace="hotpass.local",
                runbook=RUNBOOK,
                total_s=1.0 if wrong == "never-ends" else 20.0,
                late_s=0.3,
                cancel_s=0.3,
            ),
        )
        return quick_stage.play()

    yield play
    rest.close()


@pytest.mark.parametrize("fault", USUAL)
def test_fault(link: Link, fault: str) -> None:
    """Each fault of the flow run or its lineage is caught by exactly its row's guardrails."""
    check(link(fault), fault)


def test_every_fault_has_its_row() -> None:
    """Whoever adds a fault says in the table what catches it, and no row is idle."""
    assert ROWS.keys() == refining_by_hand.FAULTS


def check(played: Played, fault: str) -> None:
    """The verdicts are the row's and no others, and the evidence of it is whole."""
    row = ROWS[fault]
    stories = "\n".join(each.story for each in played.verdicts if not each)
    assert {each.guardrail: each.ruling for each in played.verdicts if not each} == (
        row.not_held
    ), stories
    assert (played.sealed.outcome, played.sealed.would_be) == (Outcome.SIMULATED, row.outcome)
    check_whole(played)


def test_good_step_is_in_the_evidence(link: Link) -> None:
    """The flow run's id is in manifest and notes, both forms of the command in log and sheet."""
    played = link("")
    assert not played.not_held
    (told,) = [each for each in played.verdicts if each.guardrail == "marquez.prefect-linkage"]
    assert told.observed.startswith("L1: flow run ")
    (flow_run,) = json.loads(played.text("linkage.json"))["flow_runs"]
    (fact,) = json.loads(played.text("manifest.json"))["facts"]
    assert fact == {"step": "3", "name": "flow run", "value": flow_run["id"]}
    assert f"- Flow run: `{flow_run['id']}`" in played.text("notes.md")
    refused, taken = [each for each in played.sealed.summary.commands if each["step"] == "3"]
    assert (refused["exit_code"], refused["log"]) == (1, "linkage-runbook.log")
    assert (taken["exit_code"], taken["log"]) == (0, "linkage.log")
    assert "Invalid deployment name format" in played.text("linkage-runbook.log")
    deviations = [each["text"] for each in played.sealed.summary.deviations if each["step"] == "3"]
    assert deviations[0] == "a worker by hand"
    assert deviations[1].startswith(f"Prefect refused `{' '.join(RUNBOOK)}`")
    assert ") || true" in played.text("cli.sh")
    assert played.sealed.summary.steps["3"]["state"] == "done"
    # Prefect was stopped beside step 4: the command was over, and no log archived yet.
    last = played.text(linkage_stack.WORKER_LOG).splitlines()[-1]
    assert last.endswith("stopped after: Flow run finished in state COMPLETED.")
    check_whole(played)


@pytest.fixture
def stopping(quick_stage: Staged, tmp_path: Path) -> Iterator[LinkageStep]:
    """A step that has come to the point where Prefect is stopped beside the next one."""
    step = LinkageStep(
        bundle=quick_stage.bundle,
        marquez=quick_stage.rehearsal.marquez,
        side=PrefectSide(
            deployment="a/b",
            command=(),
            cwd=tmp_path,
            variables={},
            scratch=tmp_path,
            system=System(name="prefect", claimed=Provenance.LOCAL, identity={}),
            ready=lambda: pytest.fail("nobody asks it any more"),
            logs={},
        ),
        sheet=quick_stage.rehearsal.sheet,
        plan=LinkagePlan(namespace="n", runbook=RUNBOOK, total_s=1.0),
    )
    yield step
    step.close()


def test_prefect_is_stopped_when_its_command_has_ended(stopping: LinkageStep) -> None:
    """Not before: the command asks until then; and what is archived waits for both."""
    over, stopped, free = (threading.Event() for _ in range(3))

    def stop() -> None:
        stopped.set()
        free.wait(10)
        (stopping.side.scratch / linkage_stack.WORKER_LOG).write_text("last words\n")

    stopping.side = replace(stopping.side, stop=stop)
    command = SimpleNamespace(child=SimpleNamespace(wait=lambda: over.wait(10)))
    stopping._running[LOG] = cast("Daemon", command)
    stopping._stop_aside()
    assert not stopped.wait(0.2), "its command still watches"
    over.set()
    assert stopped.wait(10)
    stopping._running.clear()
    with futures.ThreadPoolExecutor(1) as beside:
        finished = beside.submit(stopping.finish)
        assert not futures.wait([finished], timeout=0.2).done, "Prefect has not ended"
        free.set()
        finished.result(10)
    log = stopping.bundle.folder / linkage_stack.WORKER_LOG
    assert log.read_text(encoding="utf-8").endswith("last words\n")


def test_a_stop_that_fails_is_told(stopping: LinkageStep) -> None:
    """Beside another step, and all the same nobody's secret."""

    def stop() -> None:
        raise errors.SystemUnreachable("it would not die", hint="Look at it.")

    stopping.side = replace(stopping.side, stop=stop)
    stopping._stop_aside()
    with pytest.raises(errors.SystemUnreachable, match="it would not die"):
        stopping.finish()


def test_flow_run_that_does_not_end_is_cancelled(link: Link) -> None:
    """It is told with its state, and not left behind."""
    played = link(LATE)
    check(played, LATE)
    (row,) = json.loads(played.text("linkage.json"))["flow_runs"]
    assert (row["state_type"], played.codes) == ("CANCELLED", {"wait-expired"})


def test_prefect_that_does_not_come_up_costs_one_verdict(link: Link) -> None:
    """All else is gathered and judged; what was tried of step 3 is kept."""
    played = link(SILENT)
    assert played.not_held == {"prefect-linkage": "not established"}
    assert played.codes == {"wait-expired"}
    assert not played.sealed.summary.absent
    assert not (played.sealed.folder / "linkage.json").exists()
    assert not (played.sealed.folder / linkage_stack.WORKER_LOG).exists()
    assert "Invalid deployment name format" in played.text("linkage-runbook.log")
    assert played.sealed.would_be is Outcome.PASSED
    check_whole(played)


def test_what_a_prefect_lacks_is_laid_over_it(served: Served, tmp_path: Path) -> None:
    """Deployment and worker come from us where there are none, and each is told; else neither."""
    name = f"hotpass-refinement-pipeline-{next(_numbers)}/hotpass-refinement"
    flow = replace(
        linkage_stack.simulated_flow(tmp_path / "work", lineage_url="http://x", namespace="n"),
        # A worker that ends at once: that it is started is what counts here.
        command=(sys.executable, "-c", "print('a worker')"),
    )

    def laid_over(number: int) -> tuple[str, ...]:
        scratch = tmp_path / str(number)
        scratch.mkdir()
        system = linkage_stack.running_system(served.api_url)
        assert system.identity["server version"] == served.version
        with linkage_stack.beside(
            served.api_url, flow, deployment=name, scratch=scratch, system=system
        ) as side:
            assert side.variables["PREFECT_API_URL"] == served.api_url
            assert side.ready().prefect.deployment(name)["parameters"] == flow.parameters
            assert (scratch / linkage_stack.WORKER_LOG).exists()
            return side.ready().deviations

    assert [told.partition(":")[0] for told in laid_over(1)] == [
        f"Prefect had no deployment {name}",
        "the work pool hotpass-rehearsal had no worker",
    ]
    (worker,) = laid_over(2)
    assert worker.startswith("the work pool")


@pytest.mark.parametrize("fault", sorted(set(faults.USUAL) - {faults.BREACH, "server-of-2"}))
def test_backfill_fault(stage: OnPrefect, fault: str) -> None:
    """Each fault is caught by exactly the guardrails of its row."""
    faults.SEEDS[fault](stage)
    faults.check(stage.play(), faults.ROWS[fault])


def test_breach_is_a_real_one(stage: OnPrefect) -> None:
    """The server itself let three run under a limit of two: states tell, not configuration."""
    faults.SEEDS[faults.BREACH](stage)
    played = stage.play()
    faults.check(played, faults.ROWS[faults.BREACH])
    told = played.story("backfill.limit-honoured")
    assert "3 ran at once" in told
    assert "above the limit" in told
    held = {each.guardrail for each in played.verdicts if each}
    assert "backfill.limit-on-deployment" in held


def test_nothing_is_triggered_on_a_server_of_2(stage: OnPrefect) -> None:
    """An old server is refused before any run is asked of it."""
    faults.SEEDS["server-of-2"](stage)
    faults.check(stage.play(), faults.ROWS["server-of-2"])
    assert not [asked for asked in stage.between.asked if "create_flow_run" in asked]


def _say_last_words(scratch: Path) -> None:
    """Stop a Prefect that is nobody's to stop: write down after what."""
    told = (scratch / "linkage.log").read_text(encoding="utf-8").splitlines()
    with (scratch / linkage_stack.WORKER_LOG).open("a", encoding="utf-8") as log:
        log.write(f"stopped after: {' '.join(told[-1:])}\n")


def check_whole(played: Played) -> None:
    answer = verify.verify(played.sealed.folder, registries=REGISTRIES)
    assert answer.verified, answer.denials
    judged = judging.judge(played.sealed.folder)
    assert judged.agrees
    assert [each.kind for each in judged.compared if each.kind is not judging.Kind.AGREES] == []
