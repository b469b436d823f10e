"""Commands of a fenced block, as bash reads them, and where in the text they stand."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.procedures.runbook import shell
from fixtures.procedures.runbook.shell import Command
from tests.harness.often import often


def read(text: str) -> list[Command]:
    return list(shell.commands(text, 0, len(text)))


def one(text: str) -> Command:
    [command] = read(text)
    return command


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("uv run hotpass overview", ["uv", "run", "hotpass", "overview"]),
        ("a \\\n  --b c \\\r\n  d", ["a", "--b", "c", "d"]),
        ("a 'b c' \"d $e\"", ["a", "b c", "d $e"]),
        ("a --p='{\"x\": 1}'", ["a", '--p={"x": 1}']),
        ("a b\\ c", ["a", "b c"]),
        ("a # b", ["a"]),
        ("$ a b", ["a", "b"]),
        ("a b#c", ["a", "b#c"]),
        ("a ''", ["a", ""]),
        ("a <name> b", ["a", "<name>", "b"]),
        ("a x$(b c)d", ["a", "x$(b c)d"]),
        ('a "b\\"c"', ["a", 'b"c']),
        ("a 'open", ["a", "open"]),
    ],
)
def test_words(text: str, argv: list[str]) -> None:
    """Quotes, continuations, comments, prompts and placeholders."""
    assert list(one(text).argv) == argv


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing", "cd x", "export A=1", "A=1", "set -eu"])
def test_no_command(text: str) -> None:
    """What only changes the next command's surroundings is none itself."""
    assert read(text) == []


def test_several() -> None:
    """Lines, and what joins commands on one line."""
    found = read("a 1\nb 2 && c 3; d | e\nf &\ng || h\n")
    assert [each.argv[0] for each in found] == list("abcdefgh")


def test_surroundings() -> None:
    """Exports and a change of folder hold for what follows; an assignment for its own command."""
    first, second = read('cd deploy/docker\nexport A="1" B=2\nC=3 a\nb\n')
    assert dict(first.variables) == {"A": "1", "B": "2", "C": "3"}
    assert dict(second.variables) == {"A": "1", "B": "2"}
    assert first.folder == second.folder == "deploy/docker"
    assert [each.text for each in first.assigned] == ["A=1", "B=2", "C=3"]


def test_sub_shell_keeps_to_itself() -> None:
    """As in cli.sh, where every command has a sub-shell of its own."""
    first, second = read("(\ncd /x\nexport A=1\na\n)\nb\n")
    assert (first.folder, dict(first.variables)) == ("/x", {"A": "1"})
    assert (second.folder, dict(second.variables)) == ("", {})


@pytest.mark.parametrize(
    ("text", "argv", "output"),
    [
        ("a > b", ["a"], "b"),
        ("a >> b c", ["a", "c"], "b"),
        ("a > x/<timestamp>/b.json", ["a"], "x/<timestamp>/b.json"),
        ("a 2>&1", ["a"], ""),
        ("a 2> b", ["a"], "b"),
        ("a &> b", ["a"], "b"),
        ("a < b", ["a"], "b"),
    ],
)
def test_redirections(text: str, argv: list[str], output: str) -> None:
    """They are no words of the command."""
    command = one(text)
    assert (list(command.argv), command.output) == (argv, output)


def test_places_are_those_of_the_text() -> None:
    """Each word is found again where it is said to stand, quotes included."""
    text = "before\nA='x y' uv run \\\n  --p '{}' > out\n"
    command = one(text[7:])
    words = [*command.assigned, *command.words]
    assert [text[7:][each.begin : each.end] for each in words] == [
        "A='x y'",
        "uv",
        "run",
        "--p",
        "'{}'",
    ]


PLAIN = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"),
    min_size=1,
    max_size=12,
)


@often(100)
@given(st.lists(PLAIN, min_size=1, max_size=6))
def test_what_shlex_joins_is_read_back(words: list[str]) -> None:
    """cli.sh is written with shlex: every argv comes back as it was."""
    command = one(shlex.join(["program", *words]))
    assert list(command.argv) == ["program", *words]


@often(100)
@given(st.text(max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    """Whatever a document holds: reading ends, in order, within the text."""
    at = 0
    for command in read(text):
        for word in command.words:
            assert at <= word.begin < word.end <= len(text)
            at = word.end


def test_bash_agrees(tmp_path: Path) -> None:
    """The same words reach a program when bash itself reads the block."""
    block = 'A=1 show \'b c\' d\\ e \\\n  --f="g h" "$A"x # no\n'
    program = tmp_path / "show"
    program.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    program.chmod(0o755)
    told = subprocess.run(  # noqa: S602 - bash's own reading is what is compared with
        block.replace("show", str(program)),
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout.splitlines()
    # Bash expands what a person would see as it stands.
    assert [each.replace("$A", "") for each in one(block).argv[1:]] == told
