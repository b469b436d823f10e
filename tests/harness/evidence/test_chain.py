"""Self-tests of the chain: each bundle names the last one of its word, mode and environment."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical, chain, layout, plain, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.chain import Link
from fixtures.evidence.verify import Answer, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing

BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
Rehearse = Callable[..., Path]


def begun(folder: Path, hour: int, opening: dict[str, Any]) -> Bundle:
    return Bundle.reserve(
        folder / "staging",
        word="marquez",
        mode=Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["marquez"],
        opening=opening,
        now=BEGIN + timedelta(hours=hour),
    )


@pytest.fixture
def rehearse(
    tmp_path: Path, opening: dict[str, Any], rehearsed: Callable[[Bundle, str], None], junit: bytes
) -> Rehearse:
    """Rehearse at an hour of a day, in an environment."""

    def made(hour: int, *, during: Callable[[], object] | None = None, **changes: Any) -> Path:
        bundle = begun(tmp_path, hour, {**opening, **changes})
        if during is not None:
            during()
        rehearsed(bundle, "held")
        return closing.close(bundle, junit=junit).folder

    return made


def previous(folder: Path) -> Any:
    return json.loads((folder / layout.MANIFEST).read_text())["previous"]


def chain_of(folder: Path) -> tuple[tuple[str, ...], str]:
    """What the check of the chain denies and says."""
    said: Answer = verify(folder, registries=REGISTRIES)
    return next((each.denied, each.said) for each in said.checks if each.name == "chain")


def test_each_names_the_last(rehearse: Rehearse) -> None:
    """Stamp, run id and the digest of the manifest: what was sealed before cannot be swapped."""
    first, second = rehearse(0), rehearse(1)
    assert previous(first) is None
    assert previous(second) == {
        "stamp": first.name,
        "run_id": json.loads((first / layout.MANIFEST).read_text())["run_id"],
        "manifest_sha256": sealing.digest(first / layout.MANIFEST).sha256,
    }
    assert chain_of(first) == ((), "the first")
    assert chain_of(second) == ((), f"continues {first.name}")


def test_another_environment_is_another_chain(rehearse: Rehearse) -> None:
    """Nor does a narrowed run, which never counts, stand in between."""
    first = rehearse(0)
    rehearse(1, environment="elsewhere")
    rehearse(2, narrowed="-k x")
    assert previous(rehearse(3))["stamp"] == first.name


def test_a_killed_one_is_a_link_too(
    rehearse: Rehearse, tmp_path: Path, opening: dict[str, Any]
) -> None:
    """What was interrupted happened: the next one names it, by the name it was sealed under."""
    rehearse(0)
    bundle = begun(tmp_path, 1, opening)
    bundle.ledger.close()
    killed = closing.recover(bundle.folder)
    after = rehearse(2)
    assert killed.folder.name == f"{previous(after)['stamp']}.interrupted"
    assert previous(after)["manifest_sha256"] == killed.manifest_sha256
    assert chain_of(after) == ((), f"continues {previous(after)['stamp']}")


def test_what_came_later_is_not_read(rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old bundle is verified at the cost of an old one, however many have followed."""
    first, second, _ = rehearse(0), rehearse(1), rehearse(2)
    looked: list[str] = []
    read = plain.read

    def seen(path: Path, *, most_bytes: int) -> bytes:
        looked.append(path.parent.name)
        return read(path, most_bytes=most_bytes)

    monkeypatch.setattr(plain, "read", seen)
    assert chain.last(
        first.parent, mode="dry run", environment="hotpass-staging", before=second.name
    )
    assert looked == [first.name]


def test_a_gap_is_said(rehearse: Rehearse, tmp_path: Path) -> None:
    """Whoever copies one bundle has not the one before: that is said, and denies nothing."""
    first, second = rehearse(0), rehearse(1)
    alone = tmp_path / "elsewhere" / second.name
    shutil.copytree(second, alone)
    assert chain_of(alone) == ((), f"continues {first.name}, which is not here (a gap)")


def test_a_fork_is_said(rehearse: Rehearse) -> None:
    """Two at once name the same one before: neither lies."""
    first = rehearse(0)
    between: list[Path] = []
    late = rehearse(2, during=lambda: between.append(rehearse(1)))
    assert previous(late)["stamp"] == first.name
    assert chain_of(late) == (
        (),
        f"continues {first.name}; {between[0].name} lies between and is not named (a fork)",
    )


def test_a_lost_beginning_is_said(rehearse: Rehearse) -> None:
    """One that names none, beside an older one, began a chain of its own."""
    second: list[Path] = []
    first = rehearse(1, during=lambda: second.append(rehearse(0)))
    assert chain_of(first) == ((), f"the first, and {second[0].name} beside it is older (a fork)")


def test_a_contradiction_denies(rehearse: Rehearse) -> None:
    """The one before is here, and it is not the one that was named: one of them was changed."""
    first, second = rehearse(0), rehearse(1)
    path = first / layout.MANIFEST
    body = json.loads(path.read_text())
    body["operator"] = "somebody else"
    path.write_bytes(canonical.pretty(body))
    (denied,), _ = chain_of(second)
    assert "one of the two was changed" in denied
    assert first.name in denied


def test_a_successor_cannot_come_first(
    rehearse: Rehearse, tmp_path: Path, opening: dict[str, Any]
) -> None:
    """A replay under an older stamp names one that came after it."""
    first, second = rehearse(0), rehearse(1)
    older = second.with_name("20260301T090000Z")
    second.rename(older)
    said = verify(older, registries=REGISTRIES)
    assert not said.verified
    assert first.is_dir()


NO_RUN = b'{"environment": "hotpass-staging", "mode": "dry run", "narrowed": "", "run_id": 1}'


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"mode": 1}', NO_RUN])
def test_rubbish_beside_it_is_no_link(rehearse: Rehearse, tmp_path: Path, content: bytes) -> None:
    """A folder that looks like a bundle and is none neither breaks nor joins the chain."""
    rubbish = tmp_path / "staging" / "marquez" / "20260301T093000Z"
    rubbish.mkdir(parents=True)
    (rubbish / layout.MANIFEST).write_bytes(content)
    assert previous(rehearse(0)) is None


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(chain.LARGEST_MANIFEST_BYTES + 1)


@pytest.mark.parametrize(
    "make", [pipe, endless, sparse, Path.mkdir], ids=lambda make: make.__name__
)
def test_what_would_be_waited_for_is_no_link(
    rehearse: Rehearse, tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """A pipe beside it holds up no rehearsal and no verify, nor does a device without an end."""
    rubbish = tmp_path / "staging" / "marquez" / "20260301T093000Z"
    rubbish.mkdir(parents=True)
    make(rubbish / layout.MANIFEST)
    first = rehearse(0)
    assert previous(first) is None
    assert chain_of(first) == ((), "the first; passed over 1 that are no bundle")
    assert chain.read(rubbish) is None
    assert [*filter(chain.is_valid, chain.sealed_in(rubbish.parent))] == [chain.read(first)]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="a-copy-under-another-stamp"),
        pytest.param({"stamp": "20260301T103000Z", "word": "arc"}, id="of-another-word"),
        pytest.param({"stamp": "20260301T103000Z", "guardrails": 1}, id="of-no-schema"),
        pytest.param({"stamp": "20260301T103000Z", "artefacts": {}}, id="of-no-artefacts"),
    ],
)
def test_what_only_looks_like_a_bundle_is_no_link(
    rehearse: Rehearse, change: dict[str, Any]
) -> None:
    """It lies between two, and the later names the earlier all the same; verify counts it."""
    first = rehearse(0)
    forged = first.with_name("20260301T103000Z")
    forged.mkdir()
    body = canonical.read((first / layout.MANIFEST).read_bytes())
    (forged / layout.MANIFEST).write_bytes(canonical.pretty(body | change))
    second = rehearse(1)
    assert previous(second)["stamp"] == first.name
    assert chain_of(second) == (
        (),
        f"continues {first.name}; passed over 1 that are no bundle",
    )


def test_a_bundle_is_written_as_we_write_it() -> None:
    """The same body in another form is another file, and nothing names it."""
    data = canonical.pretty({"stamp": "20260301T103000Z"})
    assert chain.sealed("20260301T103000Z", data.replace(b"  ", b" ")) is None


def test_one_that_was_spoilt_contradicts(rehearse: Rehearse) -> None:
    """What was named is not what lies there, though nothing can be read from it."""
    first, second = rehearse(0), rehearse(1)
    sealed_link = Link(**link_of(first))
    (first / layout.MANIFEST).write_bytes(b"{}")
    (denied,), _ = chain_of(second)
    assert "one of the two was changed" in denied
    assert "one of the two was changed" in chain.contradiction(first.parent, sealed_link)


def link(stamp: str, digest: str = "a") -> Link:
    return Link(stamp, "3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10", digest * 64)


@pytest.mark.parametrize(
    ("here", "elsewhere", "named"),
    [
        pytest.param(None, None, None, id="neither"),
        pytest.param(link("20260301T100000Z"), None, "20260301T100000Z", id="here"),
        pytest.param(None, link("20260301T100000Z"), "20260301T100000Z", id="elsewhere"),
        pytest.param(
            link("20260301T110000Z"), link("20260301T100000Z"), "20260301T110000Z", id="here-later"
        ),
        pytest.param(
            link("20260301T100000Z"),
            link("20260301T110000Z"),
            "20260301T110000Z",
            id="there-later",
        ),
    ],
)
def test_the_later_of_two_is_continued(
    here: Link | None, elsewhere: Link | None, named: str | None
) -> None:
    """Wherever it lies."""
    found = chain.later(here, elsewhere)
    assert (found.stamp if found else None) == named


def test_of_two_that_contradict_the_published_one_is_continued(rehearse: Rehearse) -> None:
    """What lies here can be changed, and fetched again; what was published cannot."""
    first = rehearse(0)
    sealed_link = Link(**link_of(first))
    assert chain.contradiction(first.parent, sealed_link) == ""
    assert chain.contradiction(first.parent, link("20260301T090000Z")) == ""
    other = link(first.name)
    assert chain.later(sealed_link, other) == other
    told = chain.contradiction(first.parent, other)
    assert sealed_link.manifest_sha256 in told
    assert other.manifest_sha256 in told


def link_of(folder: Path) -> dict[str, str]:
    found = chain.read(folder)
    assert found is not None
    return found.link.entry()
