"""A publisher in a process of its own, which kills itself at one step.

Covers: publishing, signing off and publishing again, with every request, sync and write of a line
counted.
Not here: what must be true afterwards (``test_killed_publish.py``).
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

from fixtures.clients.s3 import S3
from fixtures.core.redaction import Redactor
from fixtures.core.settings.publishing import BucketTable
from fixtures.evidence import durable, verify
from fixtures.publishing import publish, sign_off
from fixtures.publishing.publish import Places

BUCKET = "evidence"
REASON = "the graph is empty"


class Steps:
    """Counts, and kills at one."""

    def __init__(self, limit: int) -> None:
        self.count = 0
        self._limit = limit
        self._lock = threading.Lock()

    def due(self) -> bool:
        """Count one more; whether it is the last."""
        with self._lock:
            self.count += 1
            return self.count == self._limit

    def take(self) -> None:
        """Count one more, and die if it is the last."""
        if self.due():
            os.kill(os.getpid(), signal.SIGKILL)


def bucket_of(endpoint: str) -> S3:
    """The bucket behind an address."""
    return S3(BUCKET, region="eu-west-1", endpoint_url=endpoint, addressing="path")


def publish_and_answer(folder: Path, s3: S3, prefix: str) -> None:
    """What an operator and a reviewer do."""
    places = Places(s3=s3, table=BucketTable(name=BUCKET, prefix=prefix))
    for answered in (False, True):
        if answered:
            sign_off.give(folder, accepted=False, by="Bob", reason=REASON, policy=verify.Policy())
        done = publish.publish(folder, places, policy=verify.Policy(), redactor=Redactor())
        if done.troubles:
            raise done.troubles[0]


def main(folder: Path, endpoint: str, prefix: str, limit: int, told: Any) -> None:
    """Publish, answer and publish again; die at one step.

    Args:
        told: A pipe's end: how many steps there were, if it lives to say so.
    """
    steps = Steps(limit)
    s3 = bucket_of(endpoint)
    events = s3._client.meta.events
    events.register_first("before-send.s3", lambda **_: steps.take())
    events.register("after-call.s3", lambda **_: steps.take())
    real_sync, real_write = durable.sync, os.write

    def sync(descriptor: int) -> None:
        steps.take()
        real_sync(descriptor)
        steps.take()

    def write(descriptor: int, data: bytes) -> int:
        if steps.due():
            real_write(descriptor, data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return real_write(descriptor, data)

    durable.sync = sync
    setattr(os, "write", write)  # noqa: B010 - typeshed's own has a wider argument
    publish_and_answer(folder, s3, prefix)
    count = steps.count
    setattr(os, "write", real_write)  # noqa: B010 - as above
    told.send(count)
