"""The workbooks between the stages, whatever lies in their place."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.core.settings import Settings
from fixtures.procedures.e2e.contacts import Contacts
from fixtures.procedures.e2e.files import Files
from fixtures.procedures.e2e.plan import Plan
from fixtures.procedures.e2e.stack import NETWORK_OFF, E2eStack
from tests.harness.procedures.e2e.conftest import HOTPASS, InProcess

BEGUN = datetime(2026, 1, 15, 9, tzinfo=UTC)


@pytest.fixture
def files(known: Settings, tmp_path: Path) -> Files:
    stack = E2eStack(
        hotpass=InProcess(root=tmp_path, prefix=("hotpass",), variables={}),
        systems=(HOTPASS, NETWORK_OFF),
        scratch=tmp_path,
        tracked=False,
        network=False,
    )
    contacts = Contacts(redactor=Redactor(), most=1)
    return Files(root=tmp_path, plan=Plan.of(known.words.e2e, stack), contacts=contacts)


@pytest.mark.parametrize("made", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_workbook(files: Files, made: object) -> None:
    """A directory or a pipe in its place is told of, read by nobody, and stops no stage."""
    path = files.path_of("refined")
    path.parent.mkdir(parents=True)
    files.note_before("refined")
    assert callable(made)
    made(path)
    found = files.output("refined")
    assert found.not_written_since(BEGUN) == f"{path} is no file"
    files.note_before("refined")


def test_inputs_that_are_not_there(files: Files) -> None:
    """The hint names this word's own setting."""
    with pytest.raises(errors.InputsUnreadable) as caught:
        files.inputs()
    assert "REHEARSAL_WORDS__E2E__INPUT_DIR" in caught.value.hint


def test_no_file_at_all(files: Files) -> None:
    """Nothing there is said in as many words."""
    files.note_before("refined")
    assert files.output("refined").not_written_since(BEGUN) == "no file is there"
