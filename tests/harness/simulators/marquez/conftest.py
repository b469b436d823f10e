"""A fresh recorder and the events it is fed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixtures.simulators.marquez.state import Recorder


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """Builder of run events: ``event("START", run_id, outputs=[])``."""

    def build(
        kind: str | None,
        run_id: str,
        *,
        at: str = "2026-11-22T01:00:00Z",
        inputs: list[str] | None = None,
        outputs: list[str] | None = None,
        job: str = "refine",
        namespace: str = "tests",
        **more: Any,
    ) -> dict[str, Any]:
        return {
            "eventType": kind,
            "eventTime": at,
            "producer": "https://example.org/self-test",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": run_id, "facets": {}},
            "job": {"namespace": namespace, "name": job},
            "inputs": [{"namespace": namespace, "name": name} for name in inputs or []],
            "outputs": [{"namespace": namespace, "name": name} for name in outputs or []],
            **more,
        }

    return build


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A recorder in memory that knows nothing yet."""
    recorder = Recorder()
    yield recorder
    recorder.close()
