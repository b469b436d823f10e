"""Self-tests of the chain as the bucket has it."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.core.settings.publishing import BucketTable
from fixtures.evidence import canonical, chain, layout
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.verify import Policy, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from fixtures.publishing import bucket, bucket_chain, publish
from fixtures.publishing.bucket_chain import Asked
from tests.harness.evidence.conftest import JUNIT, fill, judge
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing.bucket_stage import Kept, Store

Opened = Callable[[Any], list[BucketTable]]

STAMPS = [f"2026111{day}T140000Z" for day in range(1, 7)]


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with our bucket in it."""
    with stage.opened() as made:
        yield made


def run_of(stamp: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, stamp))


@cache
def a_body() -> bytes:
    """The manifest of a bundle, to be changed."""
    with tempfile.TemporaryDirectory() as home:
        return (stage.sealed(Path(home)) / layout.MANIFEST).read_bytes()


def a_manifest(stamp: str, **changes: Any) -> dict[str, Any]:
    return {
        **canonical.read(a_body()),
        "word": "marquez",
        "stamp": stamp,
        "run_id": run_of(stamp),
        "mode": "live",
        "environment": "hotpass-staging",
        "narrowed": "",
        "previous": None,
        **changes,
    }


def put(store: Store, stamp: str, *, below: str = "e/marquez/", **changes: Any) -> dict[str, str]:
    """Have a manifest there; how the next bundle would name it."""
    data = canonical.pretty(a_manifest(stamp, **changes))
    ending = ".interrupted" if "interrupted" in below else ""
    store.have(f"{below}{stamp}{ending}/manifest.json", data)
    digest = hashlib.sha256(data).hexdigest()
    return {"stamp": stamp, "run_id": run_of(stamp), "manifest_sha256": digest}


def last(store: Store, before: str) -> str:
    found = bucket_chain.last(
        store.client(),
        "e/",
        word="marquez",
        mode="live",
        environment="hotpass-staging",
        before=before,
    )
    return found.stamp if found else ""


def test_the_latest_before_is_found(store: Store) -> None:
    """Of the same word, mode and environment; never itself, never a later one."""
    for stamp in STAMPS[:3]:
        put(store, stamp)
    put(store, STAMPS[3], environment="another")
    assert [last(store, stamp) for stamp in (STAMPS[0], STAMPS[1], STAMPS[5])] == [
        "",
        STAMPS[0],
        STAMPS[2],
    ]


def test_an_interrupted_one_is_a_link_too(store: Store) -> None:
    """It lies apart, and what came after it names it."""
    put(store, STAMPS[0])
    put(store, STAMPS[1], below="e/interrupted/marquez/")
    assert last(store, STAMPS[5]) == STAMPS[1]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]", b"[" * 100_000])
def test_what_is_no_manifest_is_no_link(store: Store, data: bytes) -> None:
    """Nor is a bundle without one: it was never published."""
    put(store, STAMPS[0])
    store.have(f"e/marquez/{STAMPS[1]}/manifest.json", data)
    store.have(f"e/marquez/{STAMPS[2]}/cli.log", b"")
    store.have("e/marquez/notes/manifest.json", b"")
    assert last(store, STAMPS[5]) == STAMPS[0]


@pytest.mark.parametrize("run_id", [1, None, "", "run of the day", {"x": 1}, run_of("x").upper()])
def test_what_no_manifest_could_name_is_no_link(store: Store, run_id: Any) -> None:
    """A run id that is none would make the next bundle's own manifest invalid."""
    put(store, STAMPS[0])
    put(store, STAMPS[1], run_id=run_id)
    assert last(store, STAMPS[5]) == STAMPS[0]


@pytest.mark.parametrize("names", ["newest", "nothing", "older", "absent"])
def test_a_fork_is_told(store: Store, names: str) -> None:
    """Two machines rehearsed on their own: said, and no reason to refuse."""
    older, newest = put(store, STAMPS[0]), put(store, STAMPS[2])
    named = {"older": older, "newest": newest, "absent": {**older, "stamp": STAMPS[3]}}
    manifest = a_manifest(STAMPS[5], previous=named.get(names))
    assert (
        bucket_chain.forked(store.client(), "e/", manifest)
        == {
            "newest": "",
            "nothing": f"it says it is the first, and {STAMPS[2]} was published before it",
            "older": f"it continues {STAMPS[0]}, and {STAMPS[2]} was published between them",
            "absent": f"it continues {STAMPS[3]}, which was never published",
        }[names]
    )


def test_the_first_of_all_continues_nothing(store: Store) -> None:
    """An empty bucket has nothing against it."""
    assert bucket_chain.forked(store.client(), "e/", a_manifest(STAMPS[0])) == ""


def test_a_contradiction_is_denied(store: Store) -> None:
    """The one it continues was published with another manifest: somebody changed one of them."""
    named = {**put(store, STAMPS[0]), "manifest_sha256": "0" * 64}
    with pytest.raises(errors.BundleDenied, match="one of the two was changed"):
        bucket_chain.forked(store.client(), "e/", a_manifest(STAMPS[5], previous=named))


TABLE = BucketTable(name=stage.BUCKET, prefix="e")
LATER = "29990101T000000Z"


def asked(parent: Path, **how: Any) -> Asked:
    told: dict[str, Any] = {"mode": "live", "environment": "hotpass-staging", "before": LATER}
    return bucket_chain.ask(TABLE, parent, **{**told, **how})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[BucketTable]]:
    """Have a bucket opened in the settings' place, or raise what stands in its way."""

    def have(found: Any) -> list[BucketTable]:
        tables: list[BucketTable] = []

        def open_bucket(table: BucketTable) -> Any:
            tables.append(table)
            if isinstance(found, BaseException):
                raise found
            return found() if callable(found) else found

        monkeypatch.setattr(bucket, "open_bucket", open_bucket)
        return tables

    return have


def test_a_live_run_is_told_the_last_one(store: Store, opened: Opened, tmp_path: Path) -> None:
    """Of its word, by whoever published it; or that there is none. It waits seconds for it."""
    tables = opened(store.client)
    assert asked(tmp_path / "marquez") == Asked("s3://evidence/e/ has none before it")
    named = put(store, STAMPS[0])
    told = asked(tmp_path / "marquez")
    assert told.said == f"the last one in s3://evidence/e/ is {STAMPS[0]}"
    assert told.link is not None
    assert told.link.entry() == named
    assert {each.timeout_s for each in tables} == {bucket_chain.PATIENCE_S}


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        pytest.param(stage.refusal(403, "AccessDenied"), "[bucket-refused] ", id="denied"),
        pytest.param(stage.refusal(404, "NoSuchBucket"), "[bucket-missing] ", id="missing"),
        pytest.param(stage.answered(200, b"<html>"), "not asked: [", id="not-s3"),
    ],
)
def test_a_bucket_that_refuses_stops_nobody(
    store: Store, opened: Opened, tmp_path: Path, trouble: Any, said: str
) -> None:
    """What it said goes into the ledger, in one line."""
    store.fault("ListObjectsV2", trouble)
    opened(store.client)
    told = asked(tmp_path / "marquez")
    assert told.link is None
    assert told.said.startswith("s3://evidence/e/ not asked: [")
    assert said in told.said
    assert "\n" not in told.said


@pytest.mark.parametrize(
    "trouble",
    [
        errors.ExtraMissing("no boto3", hint="Install it."),
        OSError(28, "No space left on device"),
        RuntimeError("first line\nsecond line"),
        ValueError(""),
        LookupError("\x1b[2J\rVERIFIED\u202e"),
        SystemExit(3),
        MemoryError(),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_whatever_goes_wrong_stops_nobody(
    opened: Opened, tmp_path: Path, trouble: BaseException
) -> None:
    """Faults of ours too, and a library that would end us: a rehearsal has its window now."""
    opened(trouble)
    told = asked(tmp_path / "marquez")
    assert told.link is None
    assert told.said.startswith("s3://evidence/e/ not asked: [")
    assert "no answer" not in told.said
    assert told.said.isprintable()


def test_a_bucket_that_never_answers_stops_nobody(opened: Opened, tmp_path: Path) -> None:
    """Nor does one that keeps every timeout of a socket, or a process that has no credentials."""
    released = threading.Event()
    opened(lambda: released.wait(60))
    told = asked(tmp_path / "marquez", total_s=0.01)
    released.set()
    assert told.link is None
    assert (
        "not asked: [system-unreachable] no answer of s3://evidence/e/ within 0.01 s" in told.said
    )


def test_nothing_more_is_asked_once_nobody_waits(opened: Opened, tmp_path: Path) -> None:
    """A rehearsal that has begun shares the machine with no listing that goes on."""
    released, ended = threading.Event(), threading.Event()
    read: list[str] = []

    class Slow(Kept):
        def folders(self, prefix: str, **how: Any) -> Any:
            released.wait(60)
            try:
                return super().folders(prefix, **how)
            finally:
                ended.set()

        def read(self, key: str, *, most_bytes: int) -> bytes | None:
            read.append(key)
            return super().read(key, most_bytes=most_bytes)

    kept = Slow()
    kept.have(f"e/marquez/{STAMPS[0]}/manifest.json", b"{}")
    opened(lambda: kept)
    assert "within 0.01 s" in asked(tmp_path / "marquez", total_s=0.01).said
    released.set()
    assert ended.wait(60)
    for thread in threading.enumerate():
        if thread.name == "bucket-chain":
            thread.join(60)
    assert read == []


FORGED = "20261120T140000Z"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda: a_manifest(STAMPS[0]), id="a-copy-under-another-stamp"),
        pytest.param(lambda: a_manifest(FORGED, word="arc"), id="of-another-word"),
        pytest.param(lambda: a_manifest(FORGED, guardrails=1), id="of-no-schema"),
        pytest.param(
            lambda: {
                "run_id": run_of("x"),
                "mode": "live",
                "environment": "hotpass-staging",
                "narrowed": "",
            },
            id="four-keys",
        ),
    ],
)
def test_what_anybody_could_write_there_is_passed_over_aloud(
    store: Store, opened: Opened, tmp_path: Path, forge: Callable[[], dict[str, Any]]
) -> None:
    """A live bundle names the last bundle; the ledger says that something else lay there."""
    opened(store.client)
    put(store, STAMPS[0])
    store.have(f"e/marquez/{FORGED}/manifest.json", canonical.pretty(forge()))
    told = asked(tmp_path / "marquez")
    assert told.link is not None
    assert told.link.stamp == STAMPS[0]
    assert told.said.endswith(f"is {STAMPS[0]}; passed over 1 that are no bundle")


def test_what_is_too_large_is_no_bundle(
    store: Store, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off while it is read, never kept whole."""
    opened(store.client)
    put(store, STAMPS[0])
    monkeypatch.setattr(chain, "LARGEST_MANIFEST_BYTES", 100)
    told = asked(tmp_path / "marquez")
    assert told.said == "s3://evidence/e/ has none before it; passed over 1 that are no bundle"


def test_the_latest_of_many_are_looked_at(
    store: Store, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, the last is among them; where it is not, that is no answer."""
    opened(store.client)
    monkeypatch.setattr(bucket_chain, "MOST_NAMES", 2)
    for stamp in STAMPS[:3]:
        put(store, stamp)
    assert last(store, LATER) == STAMPS[2]
    for stamp in STAMPS[3:5]:
        put(store, stamp, environment="another")
    told = asked(tmp_path / "marquez")
    assert "not asked: [bucket-refused] none of the 2 latest" in told.said


def rehearsed(root: Path, asked: Asked | None, hour: int) -> Path:
    """A live rehearsal of that hour, which asked before."""
    bundle = Bundle.reserve(
        root,
        word="marquez",
        mode=Mode.LIVE,
        redactor=Redactor(),
        registry=REGISTRIES["marquez"],
        opening=stage.live_opening(),
        now=datetime(2026, 3, 1, hour, tzinfo=UTC),
        elsewhere=asked.link if asked is not None else None,
    )
    fill(bundle)
    judge(bundle, "held")
    return closing.close(bundle, junit=JUNIT).folder


def previous(folder: Path) -> Any:
    return canonical.read((folder / layout.MANIFEST).read_bytes())["previous"]


def chain_of(folder: Path) -> tuple[tuple[str, ...], str]:
    said = verify(folder, registries=REGISTRIES)
    return next((each.denied, each.said) for each in said.checks if each.name == "chain")


def published(folder: Path, kept: Kept) -> publish.Result:
    places = publish.Places(s3=kept.client(), table=TABLE)
    return publish.publish(folder, places, policy=Policy(), redactor=Redactor())


def test_the_chain_goes_on_on_another_machine(opened: Opened, tmp_path: Path) -> None:
    """It has nothing but what the bucket has: the gap is said, and publishing finds no fork."""
    kept = Kept()
    opened(kept.client)
    first = rehearsed(tmp_path / "a", None, 10)
    published(first, kept)
    second = rehearsed(tmp_path / "b", asked(tmp_path / "b" / "marquez"), 12)
    assert previous(second)["stamp"] == first.name
    assert chain_of(second) == ((), f"continues {first.name}, which is not here (a gap)")
    assert verify(second, registries=REGISTRIES).verified
    assert published(second, kept).fork == ""
    third = rehearsed(tmp_path / "a", asked(tmp_path / "a" / "marquez"), 14)
    assert previous(third)["stamp"] == second.name
    assert published(third, kept).fork == ""


def test_a_later_one_here_is_continued(opened: Opened, tmp_path: Path) -> None:
    """It was not published yet: what the bucket has is older."""
    kept = Kept()
    opened(kept.client)
    published(rehearsed(tmp_path / "a", None, 10), kept)
    second = rehearsed(tmp_path / "a", None, 12)
    third = rehearsed(tmp_path / "a", asked(tmp_path / "a" / "marquez"), 14)
    assert previous(third)["stamp"] == second.name
    assert "was never published" in published(third, kept).fork


def test_a_contradiction_is_rehearsed_told_and_denied(opened: Opened, tmp_path: Path) -> None:
    """The new one vouches for what was published, and is denied until that is fetched again."""
    kept = Kept()
    opened(kept.client)
    first = rehearsed(tmp_path, None, 10)
    published(first, kept)
    manifest = first / layout.MANIFEST
    honest = manifest.read_bytes()
    manifest.write_bytes(canonical.pretty(canonical.read(honest) | {"operator": "another"}))
    told = asked(tmp_path / "marquez")
    assert "one of the two was changed" in told.said
    second = rehearsed(tmp_path, told, 12)
    assert previous(second)["manifest_sha256"] == hashlib.sha256(honest).hexdigest()
    (denied,), _ = chain_of(second)
    assert "one of the two was changed" in denied
    with pytest.raises(errors.BundleDenied):
        published(second, kept)
    manifest.write_bytes(honest)
    assert published(second, kept).fork == ""
