"""What is no regular file, put into an evidence directory while its rehearsal runs.

Not here: the same in a bundle that is sealed already, which `verify` denies (``test_verify.py``).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.core import errors
from fixtures.core.outcome import Outcome
from fixtures.core.redaction import Redactor
from fixtures.evidence import recovery
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.ledger import Ledger
from fixtures.evidence.verify import verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

if TYPE_CHECKING:
    from tests.harness.evidence.conftest import Reserve

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
@pytest.mark.parametrize("killed", [False, True], ids=["closed", "recovered"])
def test_a_ledger_that_was_replaced_is_refused(
    bundle: Bundle, put: Callable[[Path], None], *, killed: bool
) -> None:
    """Nothing can be sealed by it, nothing waits for it, and nothing else is touched."""
    bundle.save("cli.log", b"said\n")
    bundle.ledger.path.unlink()
    put(bundle.ledger.path)
    if killed:
        bundle.ledger.close()
        assert not recovery.owned(bundle.folder)
    with pytest.raises(errors.BundleUnreadable, match=r"no regular file any more|has no ledger"):
        closing.recover(bundle.folder) if killed else closing.close(bundle, junit=None)
    assert (bundle.folder / "cli.log").read_bytes() == b"said\n"


def test_recovering_does_not_write_into_what_is_sealed(reserve: Reserve, sealed: Path) -> None:
    """A ledger that is a link to a sealed bundle's: that one stays as it was, byte for byte."""
    left = reserve()
    left.ledger.close()
    left.ledger.path.unlink()
    before = (sealed / "ledger.jsonl").read_bytes()
    left.ledger.path.symlink_to(sealed / "ledger.jsonl")
    with pytest.raises(errors.BundleUnreadable, match="no regular file any more"):
        closing.recover(left.folder)
    with pytest.raises(errors.EvidenceNotWritable):
        Ledger(left.ledger.path, Redactor(), create=False)
    assert (sealed / "ledger.jsonl").read_bytes() == before


def test_of_many_ten_are_named(bundle: Bundle) -> None:
    """A thousand pipes are no thousand reasons."""
    for number in range(25):
        os.mkfifo(bundle.folder / f"{number:02}")
    reasons = closing.close(bundle, junit=None).reasons
    told = [each for each in reasons if "regular file" in each or "more" in each]
    assert told == [
        *(f"{number:02} was no regular file, and was taken away" for number in range(10)),
        "so were 15 more",
    ]


def test_an_artefact_in_whose_place_something_else_lies_is_missed(bundle: Bundle) -> None:
    """It was saved, and is gone: interrupted, and denied by whoever verifies it."""
    bundle.save("cli.log", b"said\n")
    (bundle.folder / "cli.log").unlink()
    os.mkfifo(bundle.folder / "cli.log")
    sealed = closing.close(bundle, junit=None)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert not verify(sealed.folder, registries=REGISTRIES).verified


def test_a_pipe_that_comes_while_it_is_sealed_is_not_waited_for(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the look that takes such things away: said, and sealed when it is recovered."""
    clear = recovery.clear_foreign

    def late(folder: Path, book: Ledger) -> None:
        clear(folder, book)
        os.mkfifo(folder / "pipe")

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "clear_foreign", late)
        with pytest.raises(errors.BundleUnreadable, match="pipe cannot be read"):
            closing.close(bundle, junit=None)
    sealed = closing.recover(bundle.folder)
    assert sealed.would_be is Outcome.INTERRUPTED
    assert verify(sealed.folder, registries=REGISTRIES).denials == []
