"""What is no regular file, put into an evidence directory while its rehearsal runs.

Not here: the same in a bundle that is sealed already, which `verify` denies (``test_verify.py``).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.verify import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

SECRET = "a line of somebody else's"


def _to_a_file(path: Path) -> None:
    (path.parents[2] / "other.txt").write_text(SECRET, encoding="utf-8")
    path.symlink_to("../../other.txt")


def _socket(path: Path) -> None:
    # The name of one may be no longer than 107 bytes.
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)


FOREIGN = [
    pytest.param(os.mkfifo, id="pipe"),
    pytest.param(_to_a_file, id="link-to-a-file"),
    pytest.param(lambda path: path.symlink_to("nowhere"), id="link-to-nothing"),
    pytest.param(lambda path: path.symlink_to(".."), id="link-to-a-folder"),
    pytest.param(_socket, id="socket"),
]


@pytest.mark.parametrize("name", ["more/x", "cli.log"])
@pytest.mark.parametrize("put", FOREIGN)
@pytest.mark.parametrize("killed", [False, True], ids=["closed", "recovered"])
def test_it_is_taken_away_and_told(
    bundle: Bundle, put: Callable[[Path], None], name: str, *, killed: bool
) -> None:
    """A pipe does not hold the seal up; what counts no more says why, and is verified as that."""
    (bundle.folder / "more").mkdir()
    put(bundle.folder / name)
    if killed:
        bundle.ledger.close()
        sealed = closing.recover(bundle.folder)
    else:
        sealed = closing.close(bundle, junit=None)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert f"{name} was no regular file, and was taken away" in sealed.reasons
    assert verify(sealed.folder, registries=REGISTRIES).denials == []
    texts = [path.read_bytes() for path in sealed.folder.rglob("*") if path.is_file()]
    assert [text for text in texts if SECRET.encode() in text] == []


@pytest.mark.parametrize("put", FOREIGN)
def test_a_ledger_that_was_replaced_is_refused(
    bundle: Bundle, put: Callable[[Path], None]
) -> None:
    """Nothing can be sealed by it, and nothing else is touched."""
    bundle.save("cli.log", b"said\n")
    bundle.ledger.path.unlink()
    put(bundle.ledger.path)
    with pytest.raises(errors.BundleUnreadable, match="no regular file any more"):
        closing.close(bundle, junit=None)
    assert (bundle.folder / "cli.log").read_bytes() == b"said\n"
