"""Self-tests of the chain as the bucket has it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.evidence import canonical
from fixtures.publishing import bucket_chain
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing.bucket_stage import Store

STAMPS = [f"2026111{day}T140000Z" for day in range(1, 7)]


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with our bucket in it."""
    with stage.opened() as made:
        yield made


def a_manifest(stamp: str, **changes: Any) -> dict[str, Any]:
    return {
        "word": "marquez",
        "stamp": stamp,
        "run_id": f"run of {stamp}",
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
    return {"stamp": stamp, "run_id": f"run of {stamp}", "manifest_sha256": digest}


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
