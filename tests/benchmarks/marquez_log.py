"""A log as Marquez and its neighbours write it: requests, events, SQL, digests, pod names.

Covers: any amount of it, the same every time, made as it is read.
Not here: what is measured with it.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator

_LINES = (
    (
        'INFO  [{at}] org.eclipse.jetty.server.RequestLog: 172.18.0.{n} - - "GET /api/v1/'
        "namespaces/hotpass.local/jobs/hotpass.pipeline.generic/runs?limit=100&offset={n}"
        ' HTTP/1.1" 200 {m}'
    ),
    "INFO  [{at}] marquez.api.OpenLineageResource: run {run} job hotpass.pipeline.generic",
    (
        "DEBUG [{at}] marquez.db.RunDao: update runs set state = 'COMPLETED' where uuid = '{run}'"
        " -- primary key=runs_pkey"
    ),
    "INFO  [{at}] image marquezproject/marquez@sha256:{digest} pod marquez-7d9f8b6c5-x{n}z",
    (
        "WARN  [{at}] token_bucket_limit=5 concurrency_key=hotpass/backfill session: {n} path"
        " dist/staging/marquez/20261122T043017Z/runs.json commit {commit}"
    ),
    (
        '{{"eventType":"COMPLETE","eventTime":"2026-11-22T04:30:17.974Z","run":{{"runId":"{run}",'
        '"facets":{{"_producer":"https://github.com/OpenLineage/OpenLineage/tree/1.23.0/client"}}}}}}'
    ),
)
_WEIGHTS = (50, 20, 10, 10, 7, 3)


def pieces(size_bytes: int, *, piece_bytes: int = 65_536) -> Iterator[bytes]:
    """So many bytes of log, piece by piece."""
    dice, held, left = random.Random(7), b"", size_bytes
    while left > 0:
        while len(held) < min(piece_bytes, left):
            held += _line(dice)
        piece, held = held[: min(piece_bytes, left)], held[min(piece_bytes, left) :]
        left -= len(piece)
        yield piece


def _line(dice: random.Random) -> bytes:
    run = uuid.UUID(int=dice.getrandbits(128), version=4)
    minute, second, part = dice.randrange(60), dice.randrange(60), dice.randrange(999)
    text = dice.choices(_LINES, _WEIGHTS)[0].format(
        at=f"2026-11-22 04:{minute:02d}:{second:02d},{part:03d}",
        n=dice.randrange(255),
        m=dice.randrange(99_999),
        run=run,
        digest=hashlib.sha256(run.bytes).hexdigest(),
        commit=hashlib.sha1(run.bytes, usedforsecurity=False).hexdigest(),
    )
    return text.encode() + b"\n"
