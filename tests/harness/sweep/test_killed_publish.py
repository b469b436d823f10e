"""Publishing, killed at every request and at every write of the journal, then run again."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # no types
import pytest
from moto.server import ThreadedMotoServer

from fixtures.evidence import layout, sign_offs, verify
from fixtures.publishing import journal, publish
from tests.harness.publishing import bucket_stage
from tests.harness.sweep import killed_publisher

SLICES = 8


@dataclass(frozen=True)
class Stage:
    """A store that answers, a bundle to publish, and what publishing it comes to."""

    endpoint: str
    raw: Any
    bundle: Path
    whole: dict[str, bytes]
    """Every object but the reviewer's answer, by its key below the prefix."""
    steps: int

    def contents(self, prefix: str) -> dict[str, bytes]:
        """What lies below a prefix."""
        pages = self.raw.get_paginator("list_objects_v2").paginate(
            Bucket=killed_publisher.BUCKET, Prefix=f"{prefix}/"
        )
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {
            key.removeprefix(f"{prefix}/"): self.raw.get_object(
                Bucket=killed_publisher.BUCKET, Key=key
            )["Body"].read()
            for key in keys
        }


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Moto's server behind real HTTP, and one publication that nobody struck."""
    home = tmp_path_factory.mktemp("publish")
    bundle = bucket_stage.sealed(home / "made", live=False)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "made-up")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        server.start()
        try:
            endpoint = "http://{}:{}".format(*server.get_host_and_port())
            raw = boto3.client("s3", endpoint_url=endpoint, region_name="eu-west-1")
            raw.create_bucket(
                Bucket=killed_publisher.BUCKET,
                CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
            )
            blank = Stage(endpoint, raw, bundle, {}, 0)
            _, steps = strike(blank, home / "clean", "clean", limit=0)
            found = blank.contents("clean")
            whole = {key: data for key, data in found.items() if sign_offs.SUFFIX not in key}
            assert len(found) == len(whole) + 1
            yield Stage(endpoint, raw, bundle, whole, steps)
        finally:
            server.stop()


def strike(stage: Stage, root: Path, prefix: str, *, limit: int) -> tuple[Path, int]:
    """Publish a copy in a child that dies at one step; the copy, and how many steps it took."""
    folder = Path(shutil.copytree(stage.bundle, root / "marquez" / stage.bundle.name))
    # A fork of this process would inherit the server's threads half-way.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.harness.sweep.killed_publisher"])
    ours, theirs = context.Pipe()
    child = context.Process(
        target=killed_publisher.main, args=(folder, stage.endpoint, prefix, limit, theirs)
    )
    child.start()
    theirs.close()
    child.join()
    if limit:
        assert child.exitcode == -signal.SIGKILL, f"step {limit}"
        return folder, limit
    assert child.exitcode == 0
    return folder, int(ours.recv())


@pytest.mark.parametrize("part", range(SLICES))
def test_whoever_comes_after_a_kill_completes_it(
    stage: Stage, tmp_path: Path, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-published looks published; then whole, once, and the journal says so."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    limits = range(1 + part, stage.steps + 1, SLICES)
    assert len(limits) > 10
    s3 = killed_publisher.bucket_of(stage.endpoint)
    for limit in limits:
        prefix = f"killed-{limit}"
        folder, _ = strike(stage, tmp_path / str(limit), prefix, limit=limit)
        left = stage.contents(prefix)
        bundle = {key: data for key, data in left.items() if sign_offs.SUFFIX not in key}
        assert bundle.items() <= stage.whole.items(), limit
        if any(key.endswith(f"/{layout.MANIFEST}") for key in left):
            assert bundle == stage.whole, limit
        else:
            assert journal.read(tmp_path / str(limit)) == (), limit
        assert publish.verify_once(folder, verify.Policy()).verified, limit

        killed_publisher.publish_and_answer(folder, s3, prefix)

        found = stage.contents(prefix)
        answers = {key: data for key, data in found.items() if sign_offs.SUFFIX in key}
        assert {key: found[key] for key in found.keys() - answers.keys()} == stage.whole, limit
        (beside,) = sorted(sign_offs.folder_of(folder).iterdir())
        assert list(answers.values()) == [beside.read_bytes()], limit
        lines = journal.read(tmp_path / str(limit))
        said = [line["kind"] for line in lines if line["kind"] != "torn"]
        # An answer whose line a kill prevented is published before its line is made good.
        assert sorted(said) == ["published", "published", "signed-off"], limit
        before = (tmp_path / str(limit) / journal.NAME).read_bytes()
        killed_publisher.publish_and_answer(folder, s3, prefix)
        assert stage.contents(prefix) == found, limit
        assert (tmp_path / str(limit) / journal.NAME).read_bytes() == before, limit
        shutil.rmtree(tmp_path / str(limit))
