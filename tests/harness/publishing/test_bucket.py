"""Self-tests of a bundle in the bucket: whole and checked, or not published."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.core import errors, words
from fixtures.core.settings.publishing import BucketTable
from fixtures.evidence import canonical, layout
from fixtures.evidence.verify import Policy
from fixtures.publishing import bucket, publish
from fixtures.publishing.bucket import Published
from fixtures.publishing.bucket_files import Files, attestation_of
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing import judged
from tests.harness.publishing.bucket_stage import Kept, Shelf, Store

TABLE = BucketTable(name=stage.BUCKET, prefix="staging")


@pytest.fixture(autouse=True)
def judging_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nearly every bundle here is a copy of one."""
    judged.once(monkeypatch)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Sealed bundles of every kind."""
    return stage.shelf(tmp_path_factory.mktemp("shelf"))


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with our bucket in it."""
    with stage.opened() as made:
        yield made


@pytest.fixture
def kept() -> Kept:
    """A bucket without requests."""
    return Kept()


def files_of(folder: Path, policy: Policy | None = None) -> Files:
    attestation = attestation_of(folder)
    answer = publish.verify_once(folder, policy or Policy())
    assert answer.verified, answer.denials
    return Files.of(answer, attestation=attestation)


def push(store: Store | Kept, files: Files, table: BucketTable = TABLE, **how: Any) -> Published:
    return bucket.publish(store.client(), files, table, **{"again": lambda: None, **how})


def local(folder: Path, place: str) -> dict[str, bytes]:
    return {
        place + path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def puts(store: Store | Kept) -> list[str]:
    return [url.rpartition("/")[2] for name, url in store.requests if name == "PutObject"]


def test_what_is_published_is_the_bundle(store: Store, shelf: Shelf) -> None:
    """Byte for byte, the signature with it, under the prefix, word and timestamp."""
    files = files_of(shelf.live, shelf.policy)
    done = push(store, files)
    place = f"staging/marquez/{shelf.live.name}/"
    assert store.contents() == local(shelf.live, place)
    assert place + layout.ATTESTATION in store.contents()
    assert (done.url, done.objects) == (f"s3://evidence/{place}", len(store.contents()))
    assert (done.sent, done.conditional) == (done.objects, True)


def test_the_manifest_comes_last(store: Store, shelf: Shelf) -> None:
    """And the claim first: a bundle without its manifest was never published."""
    push(store, files_of(shelf.dry))
    sent = puts(store)
    assert (sent[0], sent[-1]) == (layout.SUMS, layout.MANIFEST)
    # The claim once more, to see whether the store keeps the condition.
    assert sent.count(layout.SUMS) == 2
    assert sent.count(layout.MANIFEST) == 1
    gets = [url.rpartition("/")[2] for name, url in store.requests if name == "GetObject"]
    assert set(gets) == {key.rpartition("/")[2] for key in store.contents()}
    assert store.requests.index(("PutObject", _url(store, layout.MANIFEST))) > max(
        index
        for index, (name, url) in enumerate(store.requests)
        if name == "GetObject" and not url.endswith(layout.MANIFEST)
    )


def _url(store: Store, name: str) -> str:
    return next(url for kind, url in store.requests if kind == "PutObject" and url.endswith(name))


@pytest.mark.parametrize(
    ("mode", "name", "place"),
    [
        ("live", "20261112T140000Z", "e/marquez/20261112T140000Z/"),
        ("dry run", "20261112T140000Z", "e/dry-run/marquez/20261112T140000Z/"),
        ("local", "20261112T140000Z", "e/local/marquez/20261112T140000Z/"),
        (
            "live",
            "20261112T140000Z.interrupted",
            "e/interrupted/marquez/20261112T140000Z.interrupted/",
        ),
        (
            "dry run",
            "20261112T140000Z.interrupted",
            "e/interrupted/marquez/20261112T140000Z.interrupted/",
        ),
    ],
)
def test_only_live_bundles_lie_where_evidence_is_looked_for(
    mode: str, name: str, place: str
) -> None:
    """Whatever else is published lies in a folder that says what it is."""
    assert bucket.place_of({"mode": mode, "word": "marquez"}, name, "e/") == place


@pytest.mark.parametrize("prefix", ["a/b", "/a/b", "a/b/", "/a/b//"])
def test_a_prefix_is_a_folder(prefix: str) -> None:
    """However it is written: no word ever sticks to its name."""
    assert BucketTable(prefix=prefix).prefix == "a/b/"
    assert BucketTable(prefix="").prefix == BucketTable(prefix="/").prefix == ""


@pytest.mark.parametrize(
    "wrong",
    [{"name": "Upper"}, {"name": "a/b"}, {"name": "x"}, {"account": "12"}, {"retention_days": -1}],
)
def test_settings_that_no_store_takes_are_refused(wrong: dict[str, Any]) -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(ValidationError):
        BucketTable(**wrong)


def test_three_repeats_leave_the_same(kept: Kept, shelf: Shelf) -> None:
    """Nothing is written again; everything is read back and hashed again."""
    files = files_of(shelf.dry)
    push(kept, files)
    before, versions = kept.contents(), kept.versions()
    for _ in range(3):
        kept.requests.clear()
        done = push(kept, files)
        assert (done.sent, done.conditional) == (0, None)
        assert puts(kept) == []
        asked = [url for name, url in kept.requests if name == "GetObject"]
        assert len(set(asked)) == done.objects
    assert (kept.contents(), kept.versions()) == (before, versions)


@pytest.mark.parametrize("count", [1, 12, 23])
def test_what_is_there_is_not_sent_again(kept: Kept, shelf: Shelf, count: int) -> None:
    """However far another one came: the rest is sent, and the whole is read back."""
    files = files_of(shelf.dry)
    place = bucket.place_of(files.manifest, files.folder.name, TABLE.prefix)
    there = dict(sorted(local(shelf.dry, place).items())[:count])
    for key, data in there.items():
        if not key.endswith(layout.MANIFEST):
            kept.have(key, data)
    done = push(kept, files)
    assert kept.contents() == local(shelf.dry, place)
    already = len([key for key in there if not key.endswith(layout.MANIFEST)])
    assert done.sent == done.objects - already


def test_two_at_once_leave_one_result(shelf: Shelf) -> None:
    """Each object is written once, and both say that the bundle is there."""
    files = files_of(shelf.dry)
    with stage.opened() as store:
        meet = threading.Barrier(2, timeout=20)
        done: list[Published] = []

        def one(client: Any) -> None:
            def again() -> None:
                meet.wait()

            done.append(bucket.publish(client, files, TABLE, again=again))

        clients = [store.client(), store.client()]
        threads = [threading.Thread(target=one, args=(each,)) for each in clients]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(done) == 2
        place = bucket.place_of(files.manifest, files.folder.name, TABLE.prefix)
        assert store.contents() == local(shelf.dry, place)
        assert sum(each.sent for each in done) == done[0].objects
        assert store.versions() == done[0].objects


@pytest.mark.parametrize("name", [layout.SUMS, "cli.log", layout.MANIFEST])
def test_what_others_put_there_is_never_replaced(kept: Kept, shelf: Shelf, name: str) -> None:
    """Another object in a place of ours is an error that names both digests."""
    files = files_of(shelf.dry)
    place = bucket.place_of(files.manifest, files.folder.name, TABLE.prefix)
    kept.have(place + name, b"somebody else's")
    with pytest.raises(
        errors.BucketHoldsOther, match=hashlib.sha256(b"somebody else's").hexdigest()
    ):
        push(kept, files)
    assert kept.contents()[place + name] == b"somebody else's"
    if name == layout.SUMS:
        # Whose place it is shows before anything is left in it.
        assert list(kept.contents()) == [place + name]


def test_a_strange_object_among_ours_is_refused(kept: Kept, shelf: Shelf) -> None:
    """What is published is the bundle and nothing else."""
    files = files_of(shelf.dry)
    place = bucket.place_of(files.manifest, files.folder.name, TABLE.prefix)
    kept.have(f"{place}notes-of-somebody.txt", b"")
    with pytest.raises(errors.BucketHoldsOther, match=r"notes-of-somebody\.txt"):
        push(kept, files)
    assert len(kept.contents()) == 1


def test_another_bundle_of_the_same_name_is_refused_at_once(
    kept: Kept, shelf: Shelf, tmp_path: Path
) -> None:
    """Two machines that rehearsed in the same second: the claim tells them apart."""
    first = shelf.copy(shelf.dry, tmp_path / "a")
    when = words.moment_of(first.name)
    other = stage.sealed(tmp_path / "b", live=False, now=when, operator="somebody else")
    assert other.name == first.name
    push(kept, files_of(first))
    before = kept.contents()
    with pytest.raises(errors.BucketHoldsOther, match=layout.SUMS):
        push(kept, files_of(other))
    assert kept.contents() == before


@pytest.mark.parametrize("name", [layout.SUMS, "cli.log", layout.ATTESTATION, layout.MANIFEST])
def test_a_store_that_keeps_other_bytes_is_caught(kept: Kept, shelf: Shelf, name: str) -> None:
    """It took the object and its checksum, and hands out something else."""
    kept.on_put[name] = lambda data: b"x" + data[1:]
    with pytest.raises(errors.BucketLies, match=name):
        push(kept, files_of(shelf.live, shelf.policy))
    looks_published = any(key.endswith(layout.MANIFEST) for key in kept.contents())
    assert looks_published == (name == layout.MANIFEST)


def test_a_store_that_forgets_is_caught(kept: Kept, shelf: Shelf) -> None:
    """It said that it took the object, and has none."""
    kept.on_put["cli.log"] = lambda _: None
    with pytest.raises(errors.BucketLies):
        push(kept, files_of(shelf.dry))
    assert not any(key.endswith(layout.MANIFEST) for key in kept.contents())


def test_a_store_that_overlooks_the_condition_is_noticed(store: Store, shelf: Shelf) -> None:
    """The result says so, and nothing that was there is replaced."""
    store.fault("PutObject", stage.without_condition)
    files = files_of(shelf.dry)
    done = push(store, files)
    assert done.conditional is False
    assert done.sent == done.objects


def test_without_the_condition_nothing_is_replaced_either(store: Store, shelf: Shelf) -> None:
    """A store that says 501: it is looked first, then written, then read back."""
    store.fault("PutObject", _unless_plain)
    files = files_of(shelf.dry)
    place = bucket.place_of(files.manifest, files.folder.name, TABLE.prefix)
    done = push(store, files)
    assert done.conditional is False
    assert store.contents() == local(shelf.dry, place)
    assert store.versions() == done.objects


def _unless_plain(request: Any, **known: Any) -> Any:
    if "If-None-Match" in request.headers:
        return stage.refusal(501, "NotImplemented")(request=request, **known)
    return None


def test_a_file_that_changed_is_never_sent(kept: Kept, shelf: Shelf, tmp_path: Path) -> None:
    """What is sent is what was verified, or nothing."""
    folder = shelf.copy(shelf.dry, tmp_path)
    files = files_of(folder)
    (folder / "cli.log").write_bytes(b"edited")
    with pytest.raises(errors.BundleChanged, match=r"cli\.log"):
        push(kept, files)
    keys = [key.rpartition("/")[2] for key in kept.contents()]
    assert "cli.log" not in keys
    assert layout.MANIFEST not in keys


@pytest.mark.parametrize("how", ["gone", "link"])
def test_a_file_that_is_gone_or_a_link_is_never_sent(
    kept: Kept, shelf: Shelf, tmp_path: Path, how: str
) -> None:
    """Nobody can have another file published by pointing at it."""
    folder = shelf.copy(shelf.dry, tmp_path)
    files = files_of(folder)
    data = (folder / "cli.log").read_bytes()
    (folder / "cli.log").unlink()
    if how == "link":
        (tmp_path / "elsewhere").write_bytes(data)
        (folder / "cli.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.BundleChanged, match=r"cli\.log"):
        push(kept, files)


def test_a_bundle_that_changed_after_it_was_sent_is_not_published(
    kept: Kept, shelf: Shelf
) -> None:
    """The last look comes before the object that makes it published."""

    def changed() -> None:
        raise errors.BundleChanged("edited", hint="None.")

    with pytest.raises(errors.BundleChanged):
        push(kept, files_of(shelf.dry), again=changed)
    assert not any(key.endswith(layout.MANIFEST) for key in kept.contents())


def test_a_live_bundle_is_locked_as_the_settings_say(shelf: Shelf) -> None:
    """Each object of it, and each is read back as locked."""
    table = BucketTable(**{**TABLE.model_dump(), "retention_days": 30})
    now = stage.moment()
    with stage.opened(lock=True) as store:
        done = push(store, files_of(shelf.live, shelf.policy), table, now=now)
        assert done.locked_until == now.replace(microsecond=0) + timedelta(days=30)
        for key in store.contents():
            told = store.raw.head_object(Bucket=stage.BUCKET, Key=key)
            assert told["ObjectLockMode"] == "GOVERNANCE"


def test_a_dry_run_is_not_locked(shelf: Shelf) -> None:
    """Nobody has to keep for years what proves nothing."""
    table = BucketTable(**{**TABLE.model_dump(), "retention_days": 30})
    with stage.opened(lock=True) as store:
        assert push(store, files_of(shelf.dry), table).locked_until is None


def test_a_bucket_that_cannot_lock_is_refused(kept: Kept, shelf: Shelf) -> None:
    """Asked for and not to be had is an error, before anything is sent."""
    table = BucketTable(**{**TABLE.model_dump(), "retention_days": 30})
    with pytest.raises(errors.BucketRefused, match="cannot lock"):
        push(kept, files_of(shelf.live, shelf.policy), table)
    assert kept.contents() == {}


def test_a_lock_that_was_not_kept_is_caught(shelf: Shelf) -> None:
    """A store that takes the lock and forgets it."""
    table = BucketTable(**{**TABLE.model_dump(), "retention_days": 30})
    with stage.opened(lock=True) as store:
        store.fault("PutObject", stage.without_lock, key="/cli.log")
        with pytest.raises(errors.BucketLies, match="locked until never"):
            push(store, files_of(shelf.live, shelf.policy), table)
        assert not any(key.endswith(layout.MANIFEST) for key in store.contents())


def test_a_large_file_is_never_held_in_memory(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is copied to a file without a name, and sent from there."""
    from fixtures.publishing import bucket_files

    monkeypatch.setattr(bucket_files, "IN_MEMORY_BYTES", 1000)
    (tmp_path / "large").write_bytes(bytes(range(256)) * 100)
    digest = hashlib.sha256(bytes(range(256)) * 100).hexdigest()
    file = bucket_files.File(tmp_path, "large", digest)
    with file.sending("large", None) as sending:
        assert getattr(sending.body, "_rolled", False)
        assert store.client().put(sending, only_new=True)
    assert store.contents() == {"large": (tmp_path / "large").read_bytes()}


def test_a_preview_changes_nothing(kept: Kept, shelf: Shelf) -> None:
    """It says where the bundle would go and what is missing there."""
    files = files_of(shelf.dry)
    url, missing = bucket.missing(kept.client(), files, TABLE)
    assert url == f"s3://evidence/staging/dry-run/marquez/{shelf.dry.name}/"
    assert len(missing) == len(local(shelf.dry, ""))
    assert kept.contents() == {}
    push(kept, files)
    assert bucket.missing(kept.client(), files, TABLE)[1] == []


def test_a_published_bundle_verifies_when_it_is_fetched(
    kept: Kept, shelf: Shelf, tmp_path: Path
) -> None:
    """On any machine, without anything but the bucket and the key."""
    push(kept, files_of(shelf.live, shelf.policy))
    folder = tmp_path / "marquez" / shelf.live.name
    folder.mkdir(parents=True)
    for key, data in kept.contents().items():
        (folder / key.rpartition("/")[2]).write_bytes(data)
    answer = publish.verify_once(folder, Policy(live=True, trusted=shelf.policy.trusted))
    assert answer.verified, answer.denials
    assert canonical.read((folder / layout.MANIFEST).read_bytes()) == answer.manifest
