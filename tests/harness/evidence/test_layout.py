"""Self-tests of the list of artefacts, and of whether a file counts as one."""

from __future__ import annotations

import importlib.resources
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from fixtures.core import words
from fixtures.drawing import banner
from fixtures.evidence import contract, layout
from fixtures.evidence.sink import NAME
from fixtures.guardrails.registries import REGISTRIES

SCHEMAS = sorted(
    each.name.removesuffix(".schema.json")
    for each in importlib.resources.files("schemas").iterdir()
    if each.name.endswith(".schema.json")
)


def schema_of(name: str) -> dict[str, Any]:
    """A schema as it lies in ``schemas/``."""
    file = importlib.resources.files("schemas").joinpath(f"{name}.schema.json")
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return loaded


def formats_in(value: Any) -> Iterator[str]:
    """Every format a schema names."""
    if isinstance(value, dict):
        if isinstance(value.get("format"), str):
            yield value["format"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from formats_in(each)


@pytest.mark.parametrize("word", words.WORDS)
def test_each_artefact_stands_once(word: str) -> None:
    """One entry per path, also when case is folded, each with a legal name and a source."""
    entries = layout.artefacts_of(word)
    folded = [each.path.casefold() for each in entries]
    assert sorted(set(folded)) == sorted(folded)
    for each in entries:
        assert NAME.fullmatch(each.path)
        assert each.source
        assert each.least_bytes > 0
        assert layout.entry_for(word, each.path) == each


@pytest.mark.parametrize("word", words.WORDS)
def test_each_named_schema_exists(word: str) -> None:
    """A schema that is named is there, and only JSON has one."""
    for each in layout.artefacts_of(word):
        if each.schema is not None:
            assert each.schema in SCHEMAS
            assert each.path.endswith(".json")


def test_no_schema_is_an_orphan() -> None:
    """Every schema is somebody's: of an artefact, the manifest, a lineage event, an answer."""
    named = {each.schema for word in words.WORDS for each in layout.artefacts_of(word)}
    assert set(SCHEMAS) - named <= {"bundle-manifest", "openlineage-run-event", "bundle-diff"}


@pytest.mark.parametrize("word", REGISTRIES)
def test_guardrails_point_at_artefacts_of_the_layout(word: str) -> None:
    """The file a verdict sends a reader to is one the bundle holds."""
    for each in REGISTRIES[word]:
        assert each.artefact is None or layout.entry_for(word, each.artefact) is not None


def test_what_sealing_makes() -> None:
    """Files younger than the ledger's last line, which hence cannot name them."""
    made = [e.path for e in layout.artefacts_of("marquez") if layout.made_by_sealing(e.path)]
    assert made == ["ledger.jsonl", "report.html", "junit.xml", "redactions.json", "diff.json"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.json", "application/json"),
        ("a.log", "text/plain"),
        ("x/graph.png", "image/png"),
        ("runs.json.page-2", "application/octet-stream"),
        ("noext", "application/octet-stream"),
    ],
)
def test_media_types(path: str, expected: str) -> None:
    """By suffix, and bytes when nobody knows."""
    assert layout.media_type(path) == expected


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one(name: str) -> None:
    """Valid by its own metaschema, named for its file, and closed to a forgotten `required`."""
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:hotpass-rehearsals:{name}"
    assert re.fullmatch(rf"(bundle|openlineage)-[a-z-]+|({'|'.join(words.WORDS)})-[a-z-]+", name)
    assert schema["required"]
    assert contract.trouble_with({}, name) is not None


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_format_is_checked(name: str) -> None:
    """A format jsonschema has no library for would pass anything."""
    used = set(formats_in(schema_of(name)))
    assert used <= set(Draft202012Validator.FORMAT_CHECKER.checkers)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date-time", "2025-12-03T12:00:00Z", "2025-12-03T12:00:00"),
        ("date-time", "2025-12-03T12:00:00+02:00", "yesterday"),
        ("date", "2025-12-03", "2025-13-03"),
        ("uuid", "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10", "3f1c2a7e"),
        ("uri", "http://127.0.0.1:5000/api", "no uri"),
    ],
)
def test_formats_are_checked(form: str, good: str, bad: str) -> None:
    """The checker we hand to jsonschema tells good from bad."""
    checker = contract.validator("bundle-manifest").format_checker
    assert checker is not None
    assert checker.conforms(good, form)
    assert not checker.conforms(bad, form)


def test_an_unchecked_format_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its library a format passes silently: we refuse to start."""
    monkeypatch.setattr(contract, "FORMATS", ("date-time", "no-such-format"))
    contract.validator.cache_clear()
    with pytest.raises(RuntimeError, match="no-such-format"):
        contract.validator("bundle-manifest")
    contract.validator.cache_clear()


def test_trouble_names_the_place() -> None:
    """One line: schema, path, what is wrong; never the whole payload."""
    body = {"healthcheck": {"db": {"healthy": "x" * 1000}}, "namespaces": [], "_rehearsal": {}}
    trouble = contract.trouble_with(body, "marquez-health")
    assert trouble is not None
    assert trouble.startswith("does not fit schema marquez-health at $")
    assert len(trouble) < 400


def an_entry(path: str, least_bytes: int = 1) -> layout.Artefact:
    """An artefact of that name."""
    return layout.Artefact(path=path, source="x", step="1", least_bytes=least_bytes)


def a_blank_png() -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(out, format="PNG")
    return out.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'

NOT_COUNTED: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.log", b"", "0 bytes"),
    "blank-picture": ("a.png", a_blank_png(), "shows nothing"),
    "blank-beneath-the-banner": (
        "a.png",
        banner.stamp(a_blank_png(), text="DRY RUN"),
        "shows nothing",
    ),
    "text-as-picture": ("a.png", b"not a picture", "is no picture"),
    "cut-off-picture": ("a.png", a_blank_png()[:-40], "is no picture"),
    "no-json": ("a.json", b"{", "cannot be read as JSON"),
    "json-key-twice": ("a.json", b'{"a":1,"a":1}', "a key stands twice"),
    "json-nan": ("a.json", b"[NaN]", "is no JSON"),
    "json-deeply-nested": ("a.json", b"[" * 100_000, "cannot be read as JSON"),
    "no-xml": ("a.xml", b"<a>", "is no XML"),
    "svg-with-doctype": ("a.svg", b"<!DOCTYPE svg>" + SVG, "document type"),
    "svg-with-entity": ("a.svg", b'<!ENTITY x "y">' + SVG, "document type"),
}


@pytest.mark.parametrize("flaw", NOT_COUNTED)
def test_a_file_that_does_not_count(flaw: str, tmp_path: Path) -> None:
    """What shows nothing, or is not what its name says, is no evidence."""
    name, data, why = NOT_COUNTED[flaw]
    (tmp_path / name).write_bytes(data)
    trouble = contract.why_not_counted(tmp_path / name, an_entry(name))
    assert trouble is not None
    assert why in trouble


@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.log", b"x", id="log"),
        pytest.param("a.json", b"[]", id="json-without-schema"),
        pytest.param("a.svg", SVG, id="svg"),
    ],
)
def test_a_file_that_counts(name: str, data: bytes, tmp_path: Path) -> None:
    """Nothing more is asked than its kind can give."""
    (tmp_path / name).write_bytes(data)
    assert contract.why_not_counted(tmp_path / name, an_entry(name)) is None
    assert contract.why_not_counted(tmp_path / name, None) is None


def test_a_picture_counts(picture: bytes, tmp_path: Path) -> None:
    """One that shows something beneath its banner."""
    (tmp_path / "a.png").write_bytes(picture)
    assert contract.why_not_counted(tmp_path / "a.png", an_entry("a.png", 500)) is None


@pytest.mark.parametrize(("size", "counts"), [(99, False), (100, True)])
def test_the_least_size_is_enough(size: int, counts: bool, tmp_path: Path) -> None:
    """A stub of a file is none."""
    (tmp_path / "a.log").write_bytes(b"x" * size)
    trouble = contract.why_not_counted(tmp_path / "a.log", an_entry("a.log", 100))
    assert (trouble is None) is counts


@pytest.mark.parametrize("name", ["marquez.log", "prefect.log"])
def test_a_service_that_said_nothing_left_no_log(name: str, tmp_path: Path) -> None:
    """The heading that every log of ours begins with is not the system's own word."""
    entry = layout.entry_for("marquez", name)
    head = b"# [dry run] run id 5\n# [dry run] log of a service\n"
    for said, counts in ((b"", False), (b"\n \n", False), (b"2026-01-01T00:00:00Z up\n", True)):
        (tmp_path / name).write_bytes(head + said)
        trouble = contract.why_not_counted(tmp_path / name, entry)
        assert (trouble is None) is counts
        assert counts or "said nothing" in str(trouble)


def test_a_missing_file_does_not_count(tmp_path: Path) -> None:
    """Absence is told, not raised."""
    assert contract.why_not_counted(tmp_path / "none.log", None) == "No such file or directory"


def test_a_huge_json_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would fill the memory is not loaded."""
    monkeypatch.setattr(contract, "LARGEST_CHECKED_BYTES", 3)
    (tmp_path / "a.json").write_bytes(b"[1, 2]")
    assert contract.why_not_counted(tmp_path / "a.json", None) == "6 bytes are more than we load"
