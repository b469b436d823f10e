"""Client of the `hotpass` command: its argv, its run, facts about its files."""

from __future__ import annotations

import hashlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.clients import hotpass
from fixtures.clients.hotpass import Hotpass
from fixtures.core import errors
from fixtures.core.process import Ending

RUNBOOK = ("uv", "run", "hotpass", "refine", "--profile", "generic")


@pytest.fixture
def shell(tmp_path: Path) -> Hotpass:
    """Command that runs a line of Python in place of `uv run hotpass`."""
    return Hotpass(prefix=(sys.executable, "-c"), root=tmp_path, variables={"KNOWN": "from us"})


def test_argv_replaces_the_prefix_and_nothing_else(tmp_path: Path) -> None:
    """Options keep their order; ours come last."""
    command = Hotpass(prefix=("python", "-m", "twin"), root=tmp_path, variables={})
    argv = command.argv(RUNBOOK, "--config", "run.json")
    assert argv == (
        *("python", "-m", "twin"),
        *("refine", "--profile", "generic", "--config", "run.json"),
    )


def test_real_command_keeps_its_words(tmp_path: Path) -> None:
    """With the run-book's own prefix the argv is the run-book's."""
    command = Hotpass(prefix=hotpass.RUNBOOK_PREFIX, root=tmp_path, variables={})
    assert command.argv(list(RUNBOOK)) == RUNBOOK


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param((), id="empty"),
        pytest.param(("hotpass", "refine"), id="no-uv-run"),
        pytest.param(("uv", "run"), id="cut-short"),
        pytest.param(("uv", "run", "prefect", "deploy"), id="another-program"),
        pytest.param(("uv run hotpass", "refine"), id="one-string"),
        pytest.param(("uv", "run", "--quiet", "hotpass", "refine"), id="option-in-between"),
    ],
)
def test_other_prefix_is_refused(tmp_path: Path, argv: tuple[str, ...]) -> None:
    """What does not begin with `uv run hotpass` is no command of the run-book."""
    command = Hotpass(prefix=("python",), root=tmp_path, variables={})
    with pytest.raises(errors.SettingsInvalid, match="does not begin with `uv run hotpass`"):
        command.argv(argv)


def test_run_hands_over_variables_and_place(shell: Hotpass, tmp_path: Path) -> None:
    """The command runs in its root, with its own variables and the run-book's on top."""
    output: list[bytes] = []
    program = "import os; print(os.getcwd(), os.environ['KNOWN'], os.environ['STEP'])"
    finished = shell.run(
        (*shell.prefix, program),
        variables={"STEP": "2", "KNOWN": "from the run-book"},
        write=output.append,
        idle_s=10,
        total_s=10,
    )
    assert finished.exit_code == 0
    assert b"".join(output).decode().split(maxsplit=1) == [
        str(tmp_path.resolve()),
        "from the run-book 2\n",
    ]
    assert finished.variables == ("KNOWN", "STEP")


def test_run_ends_at_its_deadline(shell: Hotpass) -> None:
    """A command that hangs is ended, and has no exit code."""
    finished = shell.run(
        (*shell.prefix, "import signal; signal.pause()"),
        variables={},
        write=lambda _: None,
        idle_s=0.2,
        total_s=10,
    )
    assert finished.ending is Ending.IDLE_DEADLINE
    assert finished.exit_code is None


def test_missing_program_is_not_started(tmp_path: Path) -> None:
    """A program that is not there is our own trouble, with its code."""
    command = Hotpass(prefix=(str(tmp_path / "nowhere"),), root=tmp_path, variables={})
    with pytest.raises(errors.CommandNotStarted):
        command.run(command.prefix, variables={}, write=lambda _: None, idle_s=1, total_s=1)


def test_fact_says_all_but_the_content(tmp_path: Path) -> None:
    """Size, digest, time, magic and resolved path of a file, through a link too."""
    file = tmp_path / "real.xlsx"
    file.write_bytes(b"PK\x03\x04 and the rest")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    link = tmp_path / "link.xlsx"
    link.symlink_to(file)
    fact = hotpass.fact(link)
    assert fact is not None
    assert fact.path == str(file.resolve())
    assert fact.size_bytes == 17
    assert fact.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert fact.modified_at == datetime.fromtimestamp(1_700_000_000, tz=UTC)
    assert fact.magic == "504b0304"


@pytest.mark.parametrize(
    ("content", "magic"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b"P", "50", id="one-byte"),
        pytest.param(b"PK" + b"\0" * 2**20, "504b0000", id="more-than-a-chunk"),
    ],
)
def test_fact_of_odd_sizes(tmp_path: Path, content: bytes, magic: str) -> None:
    """A file of any size has its facts."""
    file = tmp_path / "file.xlsx"
    file.write_bytes(content)
    fact = hotpass.fact(file)
    assert fact is not None
    assert (fact.size_bytes, fact.magic) == (len(content), magic)
    assert fact.sha256 == hashlib.sha256(content).hexdigest()


def test_fact_of_nothing_is_none(tmp_path: Path) -> None:
    """A file that is not there has none; nor has a link to nowhere."""
    link = tmp_path / "dangling.xlsx"
    link.symlink_to(tmp_path / "gone.xlsx")
    assert hotpass.fact(tmp_path / "gone.xlsx") is None
    assert hotpass.fact(link) is None


def test_fact_of_a_directory_is_unreadable(tmp_path: Path) -> None:
    """A directory of that name is trouble, not absence."""
    with pytest.raises(errors.InputsUnreadable, match="Is a directory"):
        hotpass.fact(tmp_path)


def test_inputs_are_those_the_command_reads(tmp_path: Path) -> None:
    """Four suffixes, directly in the folder, sorted; nothing below, nothing else."""
    for name in ("b.xlsx", "a.csv", "c.parquet", "d.xls", "notes.txt", "E.XLSX", "below/f.xlsx"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "dangling.xlsx").symlink_to(tmp_path / "gone")
    names = [Path(each.path).name for each in hotpass.inputs_in(tmp_path)]
    assert names == ["a.csv", "b.xlsx", "c.parquet", "d.xls"]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        pytest.param([], "No such file or directory", id="missing"),
        pytest.param(["data/"], "holds no workbook", id="empty"),
        pytest.param(
            ["data/rows.csv", "data/more.parquet"], "holds no workbook", id="no-workbook"
        ),
        pytest.param(["data/book.xlsx/"], "holds no workbook", id="directory-named-workbook"),
        pytest.param(["data/below/book.xlsx"], "holds no workbook", id="workbook-below"),
        pytest.param(["data"], "Not a directory", id="file-instead-of-directory"),
    ],
)
def test_unusable_inputs_are_told(tmp_path: Path, made: list[str], told: str) -> None:
    """What the command would refuse is refused before it runs, with the setting to mend."""
    for name in made:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.write_bytes(b"x")
    with pytest.raises(errors.InputsUnreadable, match=told) as caught:
        hotpass.inputs_in(tmp_path / "data")
    assert caught.value.code == "inputs-unreadable"
    assert str(tmp_path / "data") in caught.value.message
    assert caught.value.hint


def test_link_to_nowhere_is_no_workbook(tmp_path: Path) -> None:
    """A directory whose only workbook is a dangling link holds none."""
    (tmp_path / "book.xlsx").symlink_to(tmp_path / "gone.xlsx")
    with pytest.raises(errors.InputsUnreadable, match="holds no workbook"):
        hotpass.inputs_in(tmp_path)


@pytest.mark.parametrize("what", ["directory", "workbook"])
def test_unreadable_inputs_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Missing permissions are told as such; root passes them, so the refusal is handed in."""
    (tmp_path / "book.xlsx").write_bytes(b"PK")

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir" if what == "directory" else "open", refuse)
    with pytest.raises(errors.InputsUnreadable, match="Permission denied"):
        hotpass.inputs_in(tmp_path)


def test_archives_are_zips_of_one_folder(tmp_path: Path) -> None:
    """Archives are told by suffix, resolved; a folder that is not there holds none."""
    for name in ("a.zip", "b.xlsx", "below/c.zip"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"PK")
    assert hotpass.archives_in(tmp_path) == {(tmp_path / "a.zip").resolve()}
    assert hotpass.archives_in(tmp_path / "gone") == frozenset()
