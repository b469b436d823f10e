"""A worker played by hand: it asks the real server as Prefect's does, and misbehaves on cue.

Covers: the requests of a worker and its runs, so that the server's own rules decide who gets a
slot, in milliseconds instead of a process per run.
Not here: Prefect's own worker, which the rehearsal itself runs (``tests/rehearsals``).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

LOOK_EVERY_S = 0.2
MOST_TRIES = 50
LONGEST_HOLD_S = 4.0
"""How long a run is held for want of peers: on a busy machine they take their time to come."""
AGENT = "prefect/3.8.8 (API 0.8.4)"
OLD_AGENT = "prefect/3.0.3 (API 0.8.4)"
"""A worker of that version counts a deployment's runs itself: the server leaves it to it."""
SETTLED = {"RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING"}


@dataclass(slots=True)
class Manners:
    """How the worker behaves; as it should unless told otherwise."""

    absent: bool = False
    """Never heard of, and takes no run."""
    idle: bool = False
    """Online, and takes no run."""
    old: bool = False
    """Of a version whose limits the server does not enforce."""
    dies: bool = False
    """Gone as soon as every run has started or waits."""
    silent: bool = False
    """Logs nothing."""
    cut: bool = False
    """Logs no last line."""
    windows: int = 1
    successes: int = 1
    bodies: int = 1
    """How often the flow's body runs."""
    slots: int = 1
    """Slots of the key's limit that a run takes."""
    fails: bool = False
    """Its runs end FAILED."""
    at_height: Callable[[list[str]], None] | None = None
    """Happens once, when the limit is reached and somebody waits; handed the running runs."""


@dataclass(slots=True)
class _Run:
    id: str
    deployment_id: str
    key: str
    began_at: float
    unlimited: bool = False
    """No limit has the name of its key."""
    acquired: dict[str, Any] | None = None
    """The event of its acquisition."""


@dataclass(slots=True)
class HandWorker:
    """Polls one pool and plays every run it gets a slot for."""

    api_url: str
    pool: str
    peers: dict[str, int]
    """Deployment id to how many runs of it there will be."""
    manners: Manners = field(default_factory=Manners)
    _session: requests.Session = field(default_factory=requests.Session)
    _running: dict[str, _Run] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    trouble: list[BaseException] = field(default_factory=list)
    _height_seen: bool = False

    def start(self) -> None:
        """Be online, unless absent, and begin to look for runs."""
        self._session.headers["user-agent"] = OLD_AGENT if self.manners.old else AGENT
        if self.manners.absent:
            return
        self._heartbeat()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; runs that are under way stay as they are."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(20)
        self._session.close()

    def _work(self) -> None:
        try:
            while not self._stop.wait(LOOK_EVERY_S):
                if not self.manners.idle:
                    self._take()
                    self._finish()
        except BaseException as wrong:
            self.trouble.append(wrong)

    def _heartbeat(self) -> None:
        self._ask(
            f"/work_pools/{self.pool}/workers/heartbeat",
            {"name": "by-hand", "heartbeat_interval_seconds": 30},
        )

    def _take(self) -> None:
        soon = (datetime.now(UTC) + timedelta(seconds=0.05)).isoformat()
        found = self._ask(
            f"/work_pools/{self.pool}/get_scheduled_flow_runs", {"scheduled_before": soon}
        )
        for each in found:
            row = each["flow_run"]
            if row["id"] in self._running or row["state_type"] != "SCHEDULED":
                continue
            if self._propose(row["id"], "PENDING") and self._propose(row["id"], "RUNNING"):
                key = str(row["parameters"].get("concurrency_key") or self._key_of(row))
                run = _Run(row["id"], row["deployment_id"], key, time.monotonic())
                self._running[run.id] = run
                self._begin(run)

    def _key_of(self, row: dict[str, Any]) -> str:
        deployment = self._ask(f"/deployments/{row['deployment_id']}", None)
        return str(deployment["parameters"].get("concurrency_key"))

    def _begin(self, run: _Run) -> None:
        self._log(run, "Opening process...")
        self._acquire(run)

    def _acquire(self, run: _Run) -> None:
        """Take slots of the key's limit, or wait for them as a run does: RUNNING."""
        if run.unlimited or run.acquired is not None:
            return
        url = f"{self.api_url}/v2/concurrency_limits"
        body = {"names": [run.key], "slots": self.manners.slots, "mode": "concurrency"}
        answer = self._send("POST", f"{url}/increment", body)
        if answer.status_code == 200 and answer.json():
            limit = self._send("GET", f"{url}/{run.key}", None).json()
            run.acquired = self._event(run, "acquired", limit)
        elif answer.status_code in (200, 422):
            run.unlimited = True
            words = f"Concurrency limits ['{run.key}'] do not exist - skipping acquisition."
            self._log(run, words, level=30)

    def _finish(self) -> None:
        for deployment_id in {run.deployment_id for run in self._running.values()}:
            rows = self._ask(
                "/flow_runs/filter", {"flow_runs": {"deployment_id": {"any_": [deployment_id]}}}
            )
            settled = [
                row["state_type"] in SETTLED or row["state_name"] == "AwaitingConcurrencySlot"
                for row in rows
            ]
            mine = [run for run in self._running.values() if run.deployment_id == deployment_id]
            for run in mine:
                self._acquire(run)
            held_s = time.monotonic() - max(run.began_at for run in mine)
            complete = len(rows) >= self.peers.get(deployment_id, 1) and all(settled)
            if not complete and held_s < LONGEST_HOLD_S:
                continue
            if self.manners.dies:
                self._stop.set()
                return
            if self.manners.at_height is not None and not self._height_seen:
                self._height_seen = True
                self.manners.at_height([run.id for run in mine])
                # What happened may have let others in: look again before anybody ends.
                return
            for run in mine:
                if run.unlimited or run.acquired is not None:
                    self._end(run)

    def _end(self, run: _Run) -> None:
        manners = self.manners
        told = f"{manners.windows} runs, {manners.successes} successes"
        for _ in range(manners.bodies):
            self._log(run, f"Completed backfill window - {told}")
        if not manners.cut:
            self._log(run, "Finished in state Completed()")
        if run.acquired is not None:
            body = {"names": [run.key], "slots": self.manners.slots, "mode": "concurrency"}
            self._ask("/v2/concurrency_limits/decrement", body)
            self._event(run, "released", None)
        self._propose(run.id, "FAILED" if manners.fails else "COMPLETED")
        del self._running[run.id]

    def _propose(self, run_id: str, kind: str) -> bool:
        body = {"state": {"type": kind, "name": kind.capitalize()}, "force": False}
        return bool(self._ask(f"/flow_runs/{run_id}/set_state", body)["status"] == "ACCEPT")

    def _log(self, run: _Run, message: str, *, level: int = 20) -> None:
        if self.manners.silent:
            return
        row = {
            "name": "prefect.flow_runs",
            "level": level,
            "message": message,
            "timestamp": datetime.now(UTC).isoformat(),
            "flow_run_id": run.id,
        }
        self._ask("/logs/", [row])

    def _event(self, run: _Run, what: str, limit: dict[str, Any] | None) -> dict[str, Any]:
        resource = run.acquired["resource"] if run.acquired else {}
        if limit is not None:
            resource = {
                "prefect.resource.id": f"prefect.concurrency-limit.{limit['id']}",
                "prefect.resource.name": limit["name"],
                "slots-acquired": str(self.manners.slots),
                "limit": str(limit["limit"]),
            }
        event: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": f"prefect.concurrency-limit.{what}",
            "resource": resource,
            "related": [
                {
                    "prefect.resource.id": f"prefect.{kind}.{each}",
                    "prefect.resource.role": kind,
                }
                for kind, each in (("flow-run", run.id), ("deployment", run.deployment_id))
            ],
            "payload": {},
        }
        if run.acquired is not None:
            event["follows"] = run.acquired["id"]
        self._ask("/events", [event])
        return event

    def _ask(self, path: str, body: Any) -> Any:
        method = "GET" if body is None else "POST"
        answer = self._send(method, f"{self.api_url}{path}", body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def _send(self, method: str, url: str, body: Any) -> requests.Response:
        """Ask until there is an answer, as Prefect's own client does.

        The server closes connections that were idle, and says 503 while its database is locked.
        """
        for _ in range(MOST_TRIES):
            try:
                answer = self._session.request(method, url, json=body, timeout=10)
            except requests.ConnectionError:
                continue
            if answer.status_code != 503:
                return answer
            time.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"{method} {url} has no answer")
