"""The table of seeded faults: what a report may say of it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib import resources

import pytest

from fixtures.core import words
from fixtures.core.outcome import Outcome, decide
from fixtures.core.verdict import Ruling
from fixtures.evidence import canonical
from fixtures.guardrails import seeded
from fixtures.guardrails.registries import REGISTRIES, code_sha256

WITH_TABLE = sorted(word for word in words.WORDS if seeded.faults(word))
JQ = shutil.which("jq")
FILES = resources.files("fixtures.guardrails")


def test_lineage_smoke_has_its_table() -> None:
    """Guardrails nobody ever saw break prove nothing; a word without a table says "none yet"."""
    assert "marquez" in WITH_TABLE
    assert set(WITH_TABLE) <= REGISTRIES.keys()


@pytest.mark.parametrize("word", WITH_TABLE)
def test_table_reads_strictly(word: str) -> None:
    """No fault stands twice: the second row would hide the first."""
    table = canonical.read(FILES.joinpath(f"seeded_{word}.json").read_bytes())
    assert sum(map(len, table.values())) == len(seeded.faults(word))


@pytest.mark.parametrize("word", WITH_TABLE)
def test_rows_name_guardrails_of_the_registry(word: str) -> None:
    """Each exists, stands in its order, and none is said to hold."""
    order = [each.id for each in REGISTRIES[word]]
    for fault in seeded.faults(word):
        assert list(fault.not_held) == [name for name in order if name in fault.not_held]
        assert Ruling.HELD not in fault.not_held.values()


@pytest.mark.parametrize("word", WITH_TABLE)
def test_outcomes_are_what_the_verdicts_add_up_to(word: str) -> None:
    """A row does not contradict itself; doctored payloads come to no outcome."""
    for fault in seeded.faults(word):
        rulings = {each.id: fault.not_held.get(each.id, Ruling.HELD) for each in REGISTRIES[word]}
        whole = fault.seeded_in != "payloads"
        came_to = decide(REGISTRIES[word], rulings).outcome if whole else None
        assert fault.outcome == came_to, fault.name
    assert {fault.outcome for fault in seeded.faults(word)} >= {Outcome.FAILED, Outcome.BLOCKED}


@pytest.mark.parametrize(
    "guardrail", [each.id for word in WITH_TABLE for each in REGISTRIES[word]]
)
def test_every_guardrail_is_broken_by_some_fault(guardrail: str) -> None:
    """A guardrail that no seeded fault breaks is decoration."""
    teeth = seeded.teeth(guardrail.partition(".")[0])
    assert teeth is not None
    assert teeth["guardrails"][guardrail]["broke"] > 0


@pytest.mark.parametrize("word", WITH_TABLE)
def test_teeth_add_up(word: str) -> None:
    """What a report says is counted from the rows, by another way of counting."""
    teeth = seeded.teeth(word)
    assert teeth is not None
    rows = seeded.faults(word)
    assert teeth["faults"] + teeth["harmless"] == len(rows)
    assert teeth["faults"] == len([row for row in rows if len(row.not_held) > 0])
    assert teeth["sha256"] == seeded.digest(word)
    told = sum(sum(counts.values()) for counts in teeth["guardrails"].values())
    assert told == sum(len(row.not_held) for row in rows)
    for name, counts in teeth["guardrails"].items():
        assert counts["broke"] == sum(row.not_held.get(name) is Ruling.BROKE for row in rows)


@pytest.mark.parametrize("word", WITH_TABLE)
def test_digest_is_that_of_the_canonical_table(word: str) -> None:
    """Written as evidence writes a line: anybody can compute it from the file."""
    table = canonical.read(FILES.joinpath(f"seeded_{word}.json").read_bytes())
    assert seeded.digest(word) == hashlib.sha256(canonical.line(table)).hexdigest()


@pytest.mark.skipif(JQ is None, reason="needs jq: apt-get install jq")
@pytest.mark.parametrize("word", WITH_TABLE)
def test_digest_is_what_jq_and_coreutils_say(word: str) -> None:
    """The report's digest needs none of our code."""
    name = str(FILES.joinpath(f"seeded_{word}.json"))
    assert JQ is not None
    said = subprocess.run([JQ, "-cS", ".", name], capture_output=True, check=True, timeout=30)
    assert hashlib.sha256(said.stdout).hexdigest() == seeded.digest(word)


def test_word_without_a_table_has_no_teeth() -> None:
    """Nothing is claimed where nothing was seeded."""
    assert seeded.teeth("no-such-word") is None
    assert seeded.faults("no-such-word") == ()


@pytest.mark.parametrize("word", sorted(REGISTRIES))
def test_code_that_judges_has_a_digest(word: str) -> None:
    """Sixty-four digits, the same whenever asked."""
    assert code_sha256(word) == code_sha256(word)
    assert len(bytes.fromhex(code_sha256(word))) == 32
