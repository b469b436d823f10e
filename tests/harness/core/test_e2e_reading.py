"""Reading what the preflight's commands say: tables, broken lines, counts, skips, blame."""

from __future__ import annotations

import pytest

from fixtures.core.records import e2e_causes, e2e_reading

TABLE = """
┏━━━━━━━━━━━━━━━━━━━━┳━━━━━━━┓
┃ Metric             ┃ Value ┃
┡━━━━━━━━━━━━━━━━━━━━╇━━━━━━━┩
│ input_rows         │ 1,048 │
│ duplicates         │     5 │
│ dropped            │       │
│ run                │ today │
└────────────────────┴───────┘
""".splitlines()


def test_cell_of_two_lines_is_one_cell() -> None:
    """A label broken over two lines keeps its number, and thousands are read as one number."""
    assert e2e_reading.counts_in(TABLE) == {"input_rows": 1048, "duplicates dropped": 5}


def test_row_after_a_rule_goes_on_with_nothing() -> None:
    """A first cell that is empty right after the heading is no continuation of it."""
    rows = e2e_reading.table_rows(["│ a │ b │", "├───┼───┤", "│   │ 7 │"])
    assert rows == [["a", "b"], ["", "7"]]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("│ data/example-clubs.xlsx │", id="panel"),
        pytest.param("a | pipe in words", id="words"),
        pytest.param("", id="blank"),
    ],
)
def test_no_table_row(line: str) -> None:
    """A panel has one cell, and words none."""
    assert e2e_reading.table_rows([line]) == []


def test_lines_broken_at_80_columns_are_one_again() -> None:
    """A path broken twice reads as it was printed."""
    path = "Archive created: /srv/" + "a" * 160 + "/refined.zip"
    broken = [path[at : at + 80] for at in range(0, len(path), 80)]
    assert list(e2e_reading.rejoined(["before", *broken, "after"])) == ["before", path, "after"]
    assert e2e_reading.broken_lines(["before", *broken, "after"]) == 2


def test_last_line_of_eighty_is_kept() -> None:
    """Output that ends with a full line loses nothing."""
    assert list(e2e_reading.rejoined(["b" * 80])) == ["b" * 80]


def test_frame_of_eighty_columns_is_no_broken_line() -> None:
    """A table as wide as the terminal is whole."""
    assert e2e_reading.broken_lines(["┏" + "━" * 78 + "┓", "│" + " " * 78 + "│"]) == 0


@pytest.mark.parametrize(
    "line",
    [
        "WARNING PII redaction unavailable; returning original dataframe",
        "No deployments matched the requested flows",
        "│ Contract Checks │ passed │ nothing to check: 0 workbook(s) │",
        "openlineage is not installed",
        "Network enrichment: disabled (deterministic only)",
        "Skipping research: FEATURE_ENABLE_REMOTE_RESEARCH is unset",
    ],
)
def test_skip_is_heard(line: str) -> None:
    """What was not done is told, without the frame of a table."""
    (told,) = e2e_reading.skips_in(["all fine", line, line])
    assert "│" not in told


def test_nothing_skipped_says_nothing() -> None:
    """Ordinary words are no skip, and of many only the first are kept."""
    assert e2e_reading.skips_in(["✓ Enriched 43 rows", "Refined data written to: x"]) == ()
    assert len(e2e_reading.skips_in([f"skipped {n}" for n in range(50)])) == 10


BLAME = [
    ("uv: command not found", "uv"),
    ("[Errno 2] No such file or directory: 'uv'", "uv"),
    ("error: No interpreter found for Python >=3.13, <3.14 in managed installations", "python"),
    ("Python 3.11.9, is incompatible with the project's Python requirement: `>=3.13`", "python"),
    ("error: Failed to fetch: `https://pypi.example/simple/pandas/`", "network"),
    ("  Caused by: dns error: failed to lookup address information", "network"),
    ("curl: (6) Could not resolve host: api.example", "network"),
    ("error sending request for url (https://files.example/x.whl)", "network"),
    ("CONNECT tunnel failed, response 407 Proxy Authentication Required", "network"),
    ("OSError: [Errno 28] No space left on device: 'dist/refined.xlsx'", "disk"),
    ("OSError: [Errno 30] Read-only file system: 'dist'", "disk"),
    ("MemoryError", "memory"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "cause"), BLAME)
def test_machine_is_to_blame(line: str, cause: str) -> None:
    """Words of uv, the resolver and the kernel tell of this machine, and what to do about it."""
    found = e2e_causes.cause_in(["hotpass", line])
    assert found.startswith(f"{cause}: ")
    assert e2e_causes.hint_for(found).endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        "Error: Profile 'staging' could not be found",
        "TypeError: Console.print() got an unexpected keyword argument 'file'",
        "DataContractError: 3 rows without an organisation",
        "hotpass: error: unrecognized arguments: --output",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "FileNotFoundError: [Errno 2] No such file or directory: 'data'",
        "AwsIdentityVerifier module unavailable. Check ops/arc installation.",
    ],
)
def test_hotpass_is_to_blame(line: str) -> None:
    """Its own errors stay its own, whatever they sound like."""
    assert e2e_causes.cause_in([line]) == ""


def test_network_goes_before_the_python_it_could_not_fetch() -> None:
    """The cause is the one to mend: with a network uv would fetch the Python by itself."""
    lines = ["error: Failed to fetch a Python download", "  Caused by: dns error: no such host"]
    assert e2e_causes.cause_in(lines).startswith("network: ")


def test_unknown_cause_has_a_hint_all_the_same() -> None:
    """A cause of another kind, such as a program that did not start, is still to be mended."""
    assert e2e_causes.hint_for("[command-not-started] uv").endswith(".")
