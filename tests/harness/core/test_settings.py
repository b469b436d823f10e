"""Self-tests of settings: good defaults, one list of troubles, no secret in any message."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import fixtures
from fixtures.core import errors, settings
from fixtures.core.records.systems import Provenance

OUR_OWN = Path(fixtures.__file__ or "").parents[1] / "pyproject.toml"
Load = Callable[[str], settings.Settings]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings of this machine do not reach these tests."""
    with monkeypatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("REHEARSAL_")]:
            patch.delenv(name)
        yield


@pytest.fixture
def our_table() -> str:
    """The text of our own settings."""
    text = OUR_OWN.read_text(encoding="utf-8")
    return text[text.index("[tool.rehearsals]") :]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings from a text."""

    def from_text(text: str) -> settings.Settings:
        path = tmp_path / "pyproject.toml"
        path.write_text(text, encoding="utf-8")
        return settings.load(path)

    return from_text


def test_our_own_file_loads() -> None:
    """The settings this project ships with are valid, and say what the run-books say."""
    loaded = settings.load(OUR_OWN)
    marquez = loaded.words.marquez
    assert (marquez.namespace, marquez.job) == ("hotpass.local", "hotpass.pipeline.generic")
    assert marquez.commands["refine"][:4] == ("uv", "run", "hotpass", "refine")
    assert loaded.words.arc.environment == "arc-staging"
    assert not loaded.strict
    name, environment = loaded.environment_of("marquez")
    assert name == "hotpass-staging"
    assert environment.provenance["marquez"] is Provenance.LOCAL


@pytest.mark.parametrize(
    ("variable", "value", "path", "expected"),
    [
        ("STRICT", "1", "strict", True),
        ("EVIDENCE_ROOT", "/srv/evidence", "evidence_root", "/srv/evidence"),
        ("STACK", "running", "stack", "running"),
        ("WORDS__MARQUEZ__NAMESPACE", "elsewhere", "words.marquez.namespace", "elsewhere"),
        ("WORDS__MARQUEZ__IDLE_S", "12.5", "words.marquez.idle_s", 12.5),
        ("WORDS__ARC__OWNERS", '["Us"]', "words.arc.owners", ("Us",)),
    ],
)
def test_variables_win_over_the_file(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, path: str, expected: object
) -> None:
    """One variable changes one key; every other stays as the file has it."""
    monkeypatch.setenv(f"REHEARSAL_{variable}", value)
    loaded: Any = settings.load(OUR_OWN)
    assert loaded.words.marquez.job == "hotpass.pipeline.generic"
    for part in path.split("."):
        loaded = getattr(loaded, part)
    assert loaded == expected


def test_a_dashed_environment_is_named_with_underscores(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell takes a dash in a name; what the variable does not name stays."""
    prefix = "REHEARSAL_ENVIRONMENTS__HOTPASS_STAGING"
    monkeypatch.setenv(f"{prefix}__MARQUEZ_URL", "http://127.0.0.1:5000/")
    monkeypatch.setenv(f"{prefix}__PROVENANCE__MARQUEZ", "staging")
    loaded = settings.load(OUR_OWN)
    assert sorted(loaded.environments) == ["arc-staging", "hotpass-e2e-staging", "hotpass-staging"]
    ours = loaded.environments["hotpass-staging"]
    assert ours.marquez_url == "http://127.0.0.1:5000"
    assert ours.provenance == {
        "marquez": Provenance.STAGING,
        "prefect": Provenance.LOCAL,
        "hotpass": Provenance.LOCAL,
    }


def test_a_variable_alone_can_add_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A throw-away environment needs no edit of the file."""
    monkeypatch.setenv("REHEARSAL_ENVIRONMENTS__MY_OWN__PROVENANCE", '{"marquez": "local"}')
    name, table = settings.load(OUR_OWN).environment_of("marquez", "my-own")
    assert (name, table.provenance) == ("my-own", {"marquez": Provenance.LOCAL})


def test_an_unknown_environment_is_named_with_the_known() -> None:
    """Asking for an environment nobody described says which there are."""
    with pytest.raises(errors.SettingsInvalid, match="no environment 'nowhere'") as caught:
        settings.load(OUR_OWN).environment_of("marquez", "nowhere")
    assert "hotpass-e2e-staging" in caught.value.message
    assert "[tool.rehearsals.environments.nowhere]" in caught.value.hint


def test_dotenv_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stray ``.env`` in the folder we run in changes nothing."""
    (tmp_path / ".env").write_text("REHEARSAL_STRICT=1\nREHEARSAL_STACK=running\n")
    monkeypatch.chdir(tmp_path)
    loaded = settings.load(OUR_OWN)
    assert (loaded.strict, loaded.stack) == (False, "")


BAD = {
    "unknown-key": ("strict = false", "strict = false\nstrikt = true", "strikt"),
    "no-boolean": ("strict = false", 'strict = "perhaps"', "strict"),
    "unknown-stack": ("strict = false", 'strict = false\nstack = "cloud"', "stack"),
    "unknown-word": ("[tool.rehearsals.words.arc]", "[tool.rehearsals.words.ark]", "words.ark"),
    "unknown-key-of-a-word": ('job = "', 'jobs = "', "words.marquez.jobs"),
    "missing-key-of-a-word": ('namespace = "hotpass.local"', "", "words.marquez.namespace"),
    "empty-job": ('job = "hotpass.pipeline.generic"', 'job = ""', "words.marquez.job"),
    "no-owner": ('owners = ["QA"]', "owners = []", "words.e2e.owners"),
    "owner-no-list": ('owners = ["QA"]', 'owners = "QA"', "words.e2e.owners"),
    "empty-argv": (
        'qa = ["uv", "run", "hotpass", "qa", "all"]',
        "qa = []",
        "words.e2e.commands.qa",
    ),
    "negative-deadline": ('job = "', 'idle_s = -1\njob = "', "words.marquez.idle_s"),
    "zero-deadline": ('job = "', 'total_s = 0\njob = "', "words.marquez.total_s"),
    "unknown-provenance": (
        'marquez = "local"',
        'marquez = "real"',
        "environments.hotpass-staging.provenance.marquez",
    ),
    "url-without-scheme": (
        'provenance = { marquez = "local", prefect = "local", hotpass = "local" }',
        'provenance = {}\nmarquez_url = "marquez:5000"',
        "environments.hotpass-staging.marquez_url",
    ),
    "environment-not-described": (
        'environment = "arc-staging"',
        'environment = "ark"',
        "words.arc.environment is 'ark'",
    ),
    "refine-without-output": (
        '    "--output-path", "./dist/refined.xlsx",\n',
        "",
        "commands.refine must hold --output-path once",
    ),
    "refine-with-two-inputs": (
        '    "--input-dir", "./data",\n    "--output-path", "./dist/refined.xlsx",',
        '    "--input-dir", "./data", "--input-dir", "./more",\n    "--output-path", "./x",',
        "commands.refine must hold --input-dir once",
    ),
    "waiver-without-reason": (
        "strict = false",
        'strict = false\nwaivers = [{guardrail = "marquez.x", owner = "A", expires = 2026-01-01}]',
        "waivers.0.reason",
    ),
    "waiver-without-expiry": (
        "strict = false",
        'strict = false\nwaivers = [{guardrail = "marquez.x", owner = "A", reason = "x"}]',
        "waivers.0.expires",
    ),
    "waiver-of-no-guardrail": (
        "strict = false",
        "strict = false\nwaivers = [{guardrail='x', owner='A', reason='x', expires=2026-01-01}]",
        "waivers.0.guardrail",
    ),
}


@pytest.mark.parametrize("flaw", BAD)
def test_a_bad_value_is_named_by_its_key(flaw: str, load: Load, our_table: str) -> None:
    """Every flaw is refused with its code and the path of the key."""
    old, new, where = BAD[flaw]
    assert old in our_table
    with pytest.raises(errors.SettingsInvalid) as caught:
        load(our_table.replace(old, new, 1))
    assert where in caught.value.message
    assert str(caught.value).startswith("[settings-invalid]")


def test_all_troubles_come_at_once(load: Load, our_table: str) -> None:
    """Two flaws are told in one message."""
    text = our_table.replace('job = "', 'idle_s = -1\ntotal_s = 0\njob = "')
    with pytest.raises(errors.SettingsInvalid) as caught:
        load(text)
    assert "2 wrong" in caught.value.message
    assert "idle_s" in caught.value.message
    assert "total_s" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[tool.rehearsals", id="no-toml"),
        pytest.param("", id="empty"),
        pytest.param("[tool.other]\n", id="no-table"),
        pytest.param("[tool]\nrehearsals = 3\n", id="no-table-but-a-number"),
        pytest.param("tool = 3\n", id="tool-is-a-number"),
        pytest.param("[tool.rehearsals]\n", id="empty-table"),
    ],
)
def test_a_file_without_settings_is_refused(text: str, load: Load) -> None:
    """Whatever is wrong with the file is ours to mend, and said so."""
    with pytest.raises(errors.SettingsInvalid):
        load(text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """No file, no settings, no traceback."""
    with pytest.raises(errors.SettingsInvalid, match="cannot be read"):
        settings.load(tmp_path / "none.toml")


SECRET = "hunter2-hunter2"


def test_secrets_are_read_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret comes from a variable and does not show in any text of the settings."""
    monkeypatch.setenv("REHEARSAL_SECRETS__GITHUB", SECRET)
    loaded = settings.load(OUR_OWN)
    assert [each.get_secret_value() for each in loaded.secrets.values()] == [SECRET]
    assert SECRET not in repr(loaded)
    assert SECRET not in str(loaded)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("REHEARSAL_SECRETS", SECRET, id="no-table"),
        pytest.param("REHEARSAL_SECRETS", f'["{SECRET}"]', id="a-list"),
        pytest.param("REHEARSAL_SECRETS", f'{{"a": {{"b": "{SECRET}"}}}}', id="a-table-of-tables"),
        pytest.param("REHEARSAL_SECRETS__A__B", SECRET, id="too-deep"),
        pytest.param("REHEARSAL_WORDS__MARQUEZ__TOKEN", SECRET, id="in-the-wrong-table"),
        pytest.param("REHEARSAL_WORDS__MARQUEZ", SECRET, id="for-a-table"),
        pytest.param("REHEARSAL_SECRET__GITHUB", SECRET, id="misspelt"),
        pytest.param("REHEARSAL_TOKEN", SECRET, id="unknown-name"),
    ],
)
def test_no_secret_in_a_message(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A secret in the wrong place is refused, and the refusal does not tell it."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(errors.SettingsInvalid) as caught:
        settings.load(OUR_OWN)
    assert SECRET not in str(caught.value)
    assert "REHEARSAL_" in caught.value.message


def test_a_secret_in_the_file_is_not_told_either(load: Load, our_table: str) -> None:
    """A secret that does not validate stays untold."""
    with pytest.raises(errors.SettingsInvalid, match=r"secrets\.a") as caught:
        load(our_table + "\n[tool.rehearsals.secrets]\na = 123456789\n")
    assert "123456789" not in str(caught.value)


def test_waivers_are_handed_out_by_word(load: Load, our_table: str) -> None:
    """A word gets its own waivers, the expired ones too: the caller says which still apply."""
    rows = ", ".join(
        f'{{guardrail = "{name}", reason = "r", owner = "o", expires = {day}}}'
        for name, day in (
            ("marquez.run-completed", "2020-01-01"),
            ("marquez.graph-linked", "2999-01-01"),
            ("arc.scaled", "2999-01-01"),
        )
    )
    loaded = load(our_table.replace("strict = false", f"strict = false\nwaivers = [{rows}]"))
    assert [(each.guardrail, each.expires) for each in loaded.waivers_of("marquez")] == [
        ("marquez.run-completed", date(2020, 1, 1)),
        ("marquez.graph-linked", date(2999, 1, 1)),
    ]
    assert [each.guardrail for each in loaded.waivers_of("arc")] == ["arc.scaled"]
    assert loaded.waivers_of("e2e") == ()


def test_the_bad_table_breaks_what_is_there(our_table: str) -> None:
    """Each flaw above changes the table and leaves it TOML: the flaw itself is what is refused."""
    for old, new, _ in BAD.values():
        assert tomllib.loads(our_table.replace(old, new, 1)) != tomllib.loads(our_table)


@pytest.mark.parametrize("runs", [1, 50])
def test_runs_of_a_backfill_may_be_asked_for(load: Load, our_table: str, runs: int) -> None:
    """`--runs 1`, the run-book's literal, is allowed; everything else stays as it was."""
    before = load(our_table)
    after = before.with_runs(runs)
    assert after.words.backfill.runs == runs
    assert after.words.marquez == before.words.marquez
    assert after.with_runs(before.words.backfill.runs) == before


@pytest.mark.parametrize("runs", [0, -1, 51])
def test_runs_that_make_no_sense_are_refused(load: Load, our_table: str, runs: int) -> None:
    """None at all, or more than a workspace should be asked for."""
    with pytest.raises(errors.SettingsInvalid, match=f"--runs {runs}"):
        load(our_table).with_runs(runs)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param('{"pipeline": {"backfill"', '{"pipeline": ["', "is no JSON", id="no-json"),
        pytest.param('"--params", \'{', '"--param", \'{', "must hold --params", id="no-params"),
        pytest.param("qa = [", "gates = [", "commands lacks qa", id="no-gates"),
    ],
)
def test_commands_of_a_backfill_must_be_usable(
    load: Load, our_table: str, old: str, new: str, told: str
) -> None:
    """A command the procedure cannot carry out is refused before the window, not in it."""
    head, mark, rest = our_table.partition("[tool.rehearsals.words.backfill.commands]")
    with pytest.raises(errors.SettingsInvalid, match=told):
        load(head + mark + rest.replace(old, new, 1))
