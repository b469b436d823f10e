"""A whole backfill in this process: real Prefect server, worker by hand, bundle, seal.

Not here: Prefect's own worker and pytest's part of a rehearsal (``tests/rehearsals``).
"""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.clients.hotpass import Hotpass
from fixtures.clients.prefect import Prefect
from fixtures.clients.prefect_rest import Rest
from fixtures.core import settings, taint
from fixtures.core.records.systems import Mode, Provenance, System
from fixtures.core.redaction import Redactor
from fixtures.core.settings import BackfillTable
from fixtures.core.verdict import Verdict
from fixtures.evidence.bundle import Bundle, systems_entry
from fixtures.evidence.sealing import Sealed
from fixtures.guardrails import backfill as guardrails
from fixtures.procedures import (
    backfill_manifests,
    backfill_stack,
    closing,
    daemons,
    prefect_server,
)
from fixtures.procedures.backfill import BackfillRehearsal
from fixtures.procedures.backfill_plan import Plan
from fixtures.procedures.daemons import Daemon
from fixtures.procedures.prefect_registering import Registrar
from fixtures.procedures.prefect_server import Served
from fixtures.simulators.hotpass.manifest_samples import write_synthetic_manifests
from fixtures.simulators.hotpass.windows import WINDOWS
from tests.harness.procedures.backfill.between import Between
from tests.harness.procedures.backfill.by_hand import HandWorker, Manners

ROOT = Path(fixtures.__file__).parents[1]
JUNIT = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<testsuites><testsuite name="rehearsal.backfill"/></testsuites>'
)
SYSTEMS = (
    System(
        name="prefect",
        claimed=Provenance.LOCAL,
        identity={"server version": "3.8.8"},
        detail="embedded; worker by hand",
    ),
    System(name="hotpass", claimed=Provenance.SIMULATED, detail="simulated"),
)
FASTER = {
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "0.2",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "0.5",
}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Played:
    """A rehearsal that has been run, judged and sealed."""

    seen: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    sealed: Sealed

    def story(self, guardrail: str) -> str:
        """What one guardrail said."""
        return next(each.story for each in self.verdicts if each.guardrail == guardrail)


@dataclass(slots=True, kw_only=True)
class Staged:
    """A rehearsal ready to run, every part of it within reach."""

    rehearsal: BackfillRehearsal
    registrar: Registrar
    between: Between
    table: BackfillTable
    manners: Manners
    work: Path
    restart: Callable[[], None]
    """Kills the server and starts it once more: same database, same port."""
    probe_id: str = ""
    deployment_id: str = ""

    @property
    def bundle(self) -> Bundle:
        """Its evidence so far."""
        return self.rehearsal.bundle

    def manifests(self, change: Callable[[str], str], *, shallow_only: bool = False) -> None:
        """Change the manifests' text."""
        paths = sorted((self.work / "prefect").rglob("*backfill.yaml"))
        for path in paths[: 1 if shallow_only else None]:
            if shallow_only:
                path = self.work / "prefect" / "backfill.yaml"
            path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Change something on the server."""
        self.registrar.rest.ask("PATCH", path, body=body, expected=(200, 204))

    def plan(self, **changes: Any) -> None:
        """Change what it is told."""
        self.rehearsal.plan = replace(self.rehearsal.plan, **changes)

    def register(self) -> None:
        """Register what the manifests promise, on names of this stage's own."""
        found = backfill_manifests.read(
            self.work, folder=self.table.manifest_dir, flow=self.table.flow
        )
        backfill_stack.register(self.registrar, self.table, found, work=self.work)
        prefect = Prefect(self.registrar.rest)
        flow = self.table.deployment.partition("/")[0]
        self.deployment_id = prefect.deployment(self.table.deployment)["id"]
        self.probe_id = prefect.deployment(f"{flow}/{backfill_stack.PROBE}")["id"]

    def with_control_arm(self) -> None:
        """Fly the control arm as well."""
        self.plan(probe=f"{self.table.deployment.partition('/')[0]}/{backfill_stack.PROBE}")

    def play(self) -> Played:
        """Run it, judge it, seal it: a rehearsal without pytest."""
        if not self.deployment_id:
            self.register()
        worker = HandWorker(
            self.registrar.rest.api_url,
            self.table.work_pool,
            {self.deployment_id: self.rehearsal.plan.runs, self.probe_id: 3},
            self.manners,
        )
        worker.start()
        try:
            seen = self.rehearsal.run()
        finally:
            worker.stop()
        assert not worker.trouble, worker.trouble
        verdicts = closing.judge_all(self.bundle, guardrails.REGISTRY, seen)
        return Played(seen, verdicts, closing.close(self.bundle, junit=JUNIT))


def opening() -> dict[str, Any]:
    return {
        "environment": "hotpass-e2e-staging",
        "owners": ["Platform"],
        "operator": "tester",
        "runbook": "Staging rehearsal plan, last updated 2025-11-02",
        "strict": False,
        "staging": False,
        "narrowed": "",
        "harness": {"version": "0", "python": "3", "pytest": "9", "platform": "linux"},
        "source": {"commit": None, "dirty": None},
        "systems": systems_entry(SYSTEMS),
        "taints": list(taint.marks()),
        "settings": {},
    }


@dataclass(slots=True)
class Keeper:
    """Runs one Prefect server for whoever needs it, and none for those who do not."""

    folders: pytest.TempPathFactory
    running: Served | None = None
    daemon: Daemon | None = None
    """The one that is up now: others may have been killed."""
    cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def server(self) -> Served:
        """The one that runs, or a new one."""
        if self.running is None:
            home = self.folders.mktemp("prefect")
            self.running = self.cleanup.enter_context(prefect_server.serving(home, faster=FASTER))
            self.daemon = self.running.daemon
        return self.running

    def restart(self) -> None:
        """Kill it and start it once more: same database, same port."""
        assert self.running is not None
        assert self.daemon is not None
        daemons.kill(self.daemon)
        self.daemon = self.cleanup.enter_context(prefect_server.again(self.running)).daemon

    def end(self) -> None:
        """End it; who asks later gets another."""
        self.running = self.daemon = None
        self.cleanup.close()


KEEPER = pytest.StashKey[Keeper]()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Idle, a server takes a twelfth of a core: it ends with the last test of these."""
    if nextitem is None or not nextitem.path.is_relative_to(Path(__file__).parent):
        keeper = item.config.stash.get(KEEPER, None)
        if keeper is not None:
            keeper.end()


@pytest.fixture(scope="session")
def keeper(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Keeper]:
    """Keeps the session's Prefect server while there are tests of it."""
    made = Keeper(tmp_path_factory)
    pytestconfig.stash[KEEPER] = made
    yield made
    made.end()


@pytest.fixture(scope="module")
def served(keeper: Keeper) -> Served:
    """Embedded Prefect server, real and shared: each test has names of its own on it."""
    if not prefect_server.installed():
        pytest.skip("needs Prefect: " + prefect_server.INSTALL)
    return keeper.server()


@pytest.fixture
def restart(keeper: Keeper) -> Callable[[], None]:
    """Kills the shared server and starts it once more, for whoever asks."""
    return keeper.restart


@pytest.fixture
def stage(tmp_path: Path, served: Served, restart: Callable[[], None]) -> Iterator[Staged]:
    """Backfill ready to run, its worker played by hand; a test spoils it, then plays it."""
    number = next(_numbers)
    known = settings.load(ROOT / "pyproject.toml").words.backfill
    flow = f"hotpass-backfill-{number}"
    table = known.model_copy(
        update={"deployment": f"{flow}/hotpass-backfill", "work_pool": f"pool-{number}", "runs": 3}
    )
    work = tmp_path / "work"
    for path in write_synthetic_manifests(work):
        text = path.read_text(encoding="utf-8")
        text = text.replace("hotpass/backfill", f"backfill-key-{number}")
        path.write_text(text, encoding="utf-8")
    (tmp_path / "scratch").mkdir()
    with contextlib.ExitStack() as cleanup:
        between = Between(served.api_url.removesuffix("/api"))
        between.start()
        cleanup.callback(between.stop)
        own, client = Rest(served.api_url), Rest(f"{between.url}/api", patience_s=30.0)
        cleanup.callback(own.close)
        cleanup.callback(client.close)
        bundle = Bundle.reserve(
            tmp_path / "evidence",
            word="backfill",
            mode=Mode.DRY_RUN,
            redactor=Redactor(),
            registry=guardrails.REGISTRY,
            opening=opening(),
        )
        cleanup.callback(bundle.ledger.close)
        plan = Plan(
            deployment=table.deployment,
            work_pool=table.work_pool,
            manifest_dir=table.manifest_dir,
            flow=table.flow,
            deploy=table.commands["deploy"],
            qa=("uv", "run", "hotpass", "qa", "profiles"),
            trigger=table.commands["trigger"],
            runs=table.runs,
            windows=WINDOWS,
            # As on staging; the control arm costs three runs, and has its own tests.
            probe="",
            isolation=backfill_stack.isolation(tmp_path / "scratch"),
            scratch=tmp_path / "scratch",
            run_timeout_s=30.0,
            cancel_s=0.5,
            poll_s=0.1,
            settle_s=0.2,
            idle_s=60.0,
            total_s=60.0,
        )
        rehearsal = BackfillRehearsal(
            bundle=bundle,
            prefect=Prefect(client),
            hotpass=Hotpass(
                prefix=(sys.executable, "-m", "fixtures.simulators.hotpass"),
                root=work,
                variables={"PYTHONPATH": str(ROOT)},
            ),
            server_version=served.version,
            plan=plan,
        )
        yield Staged(
            rehearsal=rehearsal,
            registrar=Registrar(own),
            between=between,
            table=table,
            manners=Manners(),
            work=work,
            restart=restart,
        )
