"""One whole publication in a process of its own, to be run under strace.

Covers: a bundle reserved, filled, judged and sealed as a session does it, without pytest; recovery
of what such a process left.
Not here: what is done to it (``test_killed_writes.py``, ``test_refused_writes.py``).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from fixtures.command import recover
from fixtures.core import errors
from fixtures.core.outcome import Exit
from fixtures.evidence import keys
from fixtures.evidence.bundle import Bundle
from fixtures.procedures.session import Open, Session
from tests.harness.evidence.conftest import JUNIT, fill, judge, reserved

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


def publish(root: Path, key: Path) -> int:
    """Rehearse, seal and sign; after a refusal go on as pytest does: only the loss tells."""
    session = Session()
    with session.guarded():
        bundle = reserved(root, signer=keys.signer(key))
        session.open = Open(bundle=bundle, module="publication", junit=lambda: JUNIT)
        for step in STEPS:
            try:
                step(bundle)
            except errors.EvidenceNotWritable as refused:
                with session.guarded():
                    session.lost(refused)
    session.seal()
    for fault in session.faults:
        say(fault)
    for sealed in session.sealed:
        say(f"sealed {sealed.folder.name}: {sealed.would_be}")
    return session.exit_code(Exit.HELD)


def say(text: str) -> None:
    """Tell it past the system call whose failure is injected."""
    os.writev(2, [text.encode(), b"\n"])


def _deep(bundle: Bundle) -> None:
    bundle.save("artifacts/deep/rows.txt", b"row\n" * 5_000)
    with bundle.log("artifacts/deep/worker.log", header=["a log that is long"]) as log:
        for number in range(8):
            log.write(f"line {number} {'x' * 4_000}\n".encode())


STEPS: tuple[Callable[[Bundle], None], ...] = (fill, _deep, judge)


def serve() -> None:
    """Fork one publication or recovery after the other, each held until somebody traces it.

    Starting Python and importing takes longer than publishing, and there are a thousand of them to
    strike. Reads an order a line: ``what`` to do, ``said``, a file for its output, and ``go``, a
    pipe to hold it by. Answers with its process id and, once it is gone, with its exit code,
    negative for a signal.
    """
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _play(json.loads(line))
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _play(order: dict[str, Any]) -> NoReturn:
    code: int = Exit.HARNESS_FAULT
    try:
        said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        go = os.open(order["go"], os.O_RDWR)
        # Yama lets only a parent trace, unless it is asked: strace is no parent here.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
        os.write(1, b"%d\n" % os.getpid())
        os.dup2(said, 1)
        os.dup2(said, 2)
        # From here on calls are counted.
        os.read(go, 1)
        code = do(order["what"])
    except BaseException:
        say(traceback.format_exc())
    finally:
        sys.stdout.flush()
        os._exit(code)


def do(what: Sequence[str]) -> int:
    """Publish or recover, as told; the exit code."""
    match what:
        case ["publish", root, key]:
            return publish(Path(root), Path(key))
        case ["recover", root]:
            # Without the look at containers, whose processes a trace of one cannot follow.
            return recover.seal_all(Path(root))
        case other:
            raise ValueError(f"publish ROOT KEY, or recover ROOT; not {other}")


if __name__ == "__main__":
    # Once, so that every one after it finds everything imported.
    do(["publish", *sys.argv[1:]])
    serve()
