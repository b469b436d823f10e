"""Runners that come and go, and those who look: each a process of its own.

Covers: a cluster whose simulated time passes as ours does, our watch, a poll; what each of them
has seen, when, and at what cost.
Not here: comparing them (``test_watching.py``).

Every process reads the machine's one monotonic clock, so that their times can be compared.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fixtures.clients.cluster import RUNNERS, Cluster, Object
from fixtures.clients.cluster_watch import Seen, Watcher
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence.bundle import Bundle
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures.arc_collector import Collector
from fixtures.procedures.arc_stacks import kubeconfig
from tests.benchmarks.measuring import peak_mib

NAMESPACE, SCALE_SET = "arc-staging", "arc-eph"
QUIET_S = 11.0
SLICE_S = 0.002
TICK_S = 0.02
JOBS_A_TICK = 1
JOB_SECONDS = (1.0, 2.0, 5.0, 9.0, 14.0)
"""How long jobs keep their runners busy, in turns: some are shorter than any poll's pause."""
BATCH = 5_000
Row = tuple[str, str, str, str, int]
"""uid, resource version, type, phase with readiness, monotonic nanoseconds."""


def row_of(kind: str, item: Object) -> Row:
    """One observable state of a runner, and when it was met."""
    status, metadata = item.get("status") or {}, item["metadata"]
    state = f"{status.get('phase', '')}{'+ready' if status.get('ready') else ''}"
    if metadata.get("deletionTimestamp"):
        state += "+deleting"
    return metadata["uid"], metadata["resourceVersion"], kind, state, time.monotonic_ns()


def serve_churn(runners: int) -> None:
    """Serve a cluster in which so many jobs get a runner each; tell every change at the end."""
    # Only this role may import a twin.
    from fixtures.simulators.cluster.world import World, serve

    world = World.of(min_runners=0, max_runners=None)
    changes: list[Row] = []

    def note(kind: Any, change: Any) -> None:
        if kind.plural == RUNNERS.plural:
            changes.append(row_of(change.type, change.after))

    def unfinished() -> bool:
        # A runner that nobody needs stays for a while; whoever has had a job goes.
        busy = any(each.job is not None for each in world.arc.lives.lives.values())
        return busy or any(r.job.status != "completed" for r in world.github.runs.values())

    world.store.listeners.append(note)
    with serve(world) as doors:
        world.timeline.advance(60)
        tell({"server": doors.cluster_url, "token": world.cluster_token})
        sys.stdin.readline()
        asked, began = 0, time.monotonic()
        while asked < runners or unfinished():
            for _ in range(min(JOBS_A_TICK, runners - asked)):
                seconds = JOB_SECONDS[asked % len(JOB_SECONDS)]
                world.github.dispatch({"seconds": str(seconds), "identity": "false"})
                asked += 1
            time.sleep(TICK_S)
            behind = time.monotonic() - began - (world.timeline.elapsed_s - 60)
            while behind > 0:
                # In slices: the twin's doors stand still for as long as one of them takes.
                world.timeline.advance(min(SLICE_S, behind))
                behind -= SLICE_S
                time.sleep(0.0002)
        # The slowest poll looks once more before anything is counted.
        time.sleep(QUIET_S)
        tell({"changes": changes, **cost()})
        sys.stdin.readline()


def serve_storm(runners: int) -> None:
    """Serve runners whose status changes so often as is asked for, a batch for each line."""
    from fixtures.simulators.cluster import arc_objects, kinds
    from fixtures.simulators.cluster.world import World, serve

    world = World.of(min_runners=0)
    with serve(world) as doors:
        names = []
        for _ in range(runners):
            owner = arc_objects.owner(world.arc._set)
            made = world.store.create(
                kinds.RUNNERS, NAMESPACE, arc_objects.runner(world.arc.names, owner, 7)
            )
            names.append(made["metadata"]["name"])
        tell({"server": doors.cluster_url, "token": world.cluster_token})
        count = 0
        while sys.stdin.readline():
            for _ in range(BATCH):
                told = {"phase": "Running", "message": f"still there, {count}"}
                name = names[count % runners]
                world.store.patch(kinds.RUNNERS, NAMESPACE, name, {"status": told}, status=True)
                count += 1


def watch(server: str, token: str) -> None:
    """Our watch with all that a rehearsal does with an event; rows are told at the end."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        bundle = _bundle(Path(scratch))
        with bundle.stream_lines("events.ndjson", source=server) as keep:
            collector = Collector(scale_set=SCALE_SET, namespace=NAMESPACE, keep=keep)

            def see(seen: Seen) -> None:
                rows.append(row_of(seen.type, seen.object))
                collector.see(seen)

            watcher = _watcher(cluster_of(Path(scratch), server, token), see)
            tell({"ready": True})
            sys.stdin.readline()
            watcher.stop()
        bundle.ledger.close()
        kept = (bundle.folder / "events.ndjson").read_bytes().count(b"\n") - 1
        gaps, lives = len(watcher.tally.gaps), len(collector.runners)
    tell({"rows": rows, "kept": kept, "gaps": gaps, "lives": lives, **cost()})


def watch_storm(server: str, token: str) -> None:
    """Our watch, which tells after each batch how much memory it holds; it keeps nothing else."""
    count = 0
    with tempfile.TemporaryDirectory() as scratch:
        bundle = _bundle(Path(scratch))
        with bundle.stream_lines("events.ndjson", source=server) as keep:
            collector = Collector(scale_set=SCALE_SET, namespace=NAMESPACE, keep=keep)

            def see(seen: Seen) -> None:
                nonlocal count
                collector.see(seen)
                if seen.source != "watch":
                    return
                count += 1
                if count % BATCH == 0:
                    tell({"events": count, "resident_kib": resident_kib(), **cost()})

            watcher = _watcher(cluster_of(Path(scratch), server, token), see)
            tell({"ready": True})
            sys.stdin.readline()
            watcher.stop()
        bundle.ledger.close()
        size = (bundle.folder / "events.ndjson").stat().st_size
    tell({"gaps": len(watcher.tally.gaps), "size_bytes": size})


def poll(server: str, token: str, every_s: float) -> None:
    """What somebody does who lists again and again: the first sight of each state."""
    rows: list[Row] = []
    over = threading.Event()

    def listen() -> None:
        sys.stdin.readline()
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    with tempfile.TemporaryDirectory() as scratch:
        cluster = cluster_of(Path(scratch), server, token)
        tell({"ready": True})
        known: dict[str, Row] = {}
        while not over.is_set():
            present = {
                row[0]: row
                for row in (
                    row_of("LISTED", each) for each in cluster.list(RUNNERS, NAMESPACE).items
                )
            }
            rows += [row for uid, row in present.items() if known.get(uid, row)[3] != row[3]]
            rows += [row for uid, row in present.items() if uid not in known]
            now = time.monotonic_ns()
            rows += [
                (uid, row[1], "DELETED", row[3], now)
                for uid, row in known.items()
                if uid not in present
            ]
            known = present
            over.wait(every_s)
        cluster.close()
    tell({"rows": rows, **cost()})


def cost() -> dict[str, float]:
    """CPU and peak memory of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": used.ru_utime + used.ru_stime, "peak_mib": peak_mib()}


def resident_kib() -> int:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def tell(body: object) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


def cluster_of(scratch: Path, server: str, token: str) -> Cluster:
    """The client a rehearsal has."""
    config = kubeconfig(scratch / "kubeconfig", server, token)
    return Cluster(kubeconfig=config, context="simulated", server=server)


def _watcher(cluster: Cluster, see: Callable[[Seen], object]) -> Watcher:
    watcher = Watcher(cluster, RUNNERS, NAMESPACE, see=see, now=lambda: datetime.now(UTC))
    watcher.start()
    return watcher


def _bundle(folder: Path) -> Bundle:
    return Bundle.reserve(
        folder,
        word="arc",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["arc"],
        opening={"environment": "arc-staging", "systems": []},
    )


def main() -> None:
    """Play one role."""
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("churn", "storm", "watch", "watch-storm", "poll"))
    parser.add_argument("--runners", type=int, default=1000)
    parser.add_argument("--server", default="")
    parser.add_argument("--token", default="")
    parser.add_argument("--every", type=float, default=10.0)
    asked = parser.parse_args()
    if asked.role == "churn":
        serve_churn(asked.runners)
    elif asked.role == "storm":
        serve_storm(asked.runners)
    elif asked.role == "watch":
        watch(asked.server, asked.token)
    elif asked.role == "watch-storm":
        watch_storm(asked.server, asked.token)
    else:
        poll(asked.server, asked.token, asked.every)


if __name__ == "__main__":
    main()
