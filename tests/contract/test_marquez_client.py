"""What we claim through Marquez's official Python client: it reads us as it reads its own."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core import process

if TYPE_CHECKING:
    from tests.contract.conftest import Emit, Target

# The wheel forgets that it needs pytz.
REQUIREMENTS = ("marquez-python>=0.50,<0.51", "pytz>=2025.2")
SCRIPT = Path(__file__).with_name("official_client.py")


def test_official_client_reads_it(
    tools: None, target: Target, emit: Emit, namespace: str, run_id: str, tmp_path: Path
) -> None:
    """Each of the client's reading calls finds what two events left, odd names included."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("no uv on the PATH: install it to run the client in an environment of its own")
    job, dataset = "pipe line/ß", "/data/out put.csv"
    emit("START", run_id, job=job)
    emit("COMPLETE", run_id, job=job, outputs=[dataset], at="2026-11-22T01:00:02Z")
    output = bytearray()
    words = [uv, "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
    words += [word for name in REQUIREMENTS for word in ("--with", name)]
    words += ["python", str(SCRIPT), target.api_url, namespace, job, dataset, run_id]
    process.run(words, cwd=tmp_path, extra_env={}, write=output.extend, idle_s=120, total_s=240)
    read = json.loads(output)
    assert namespace in read.pop("namespaces")
    assert "default" in read.pop("sources")
    assert read == {
        "dataset": dataset,
        "datasets": [dataset],
        "job": run_id,
        "jobs": [job],
        "namespace": namespace,
        "run": "COMPLETED",
        "runs": [run_id],
        "tags": True,
        "versions": 1,
    }
