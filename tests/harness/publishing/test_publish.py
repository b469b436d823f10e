"""Self-tests of publishing: what is done, told and kept, and what a failure leaves behind."""

from __future__ import annotations

import argparse
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.s3 import S3
from fixtures.command import publish as command
from fixtures.core import errors, words
from fixtures.core.outcome import Exit
from fixtures.core.redaction import Redactor
from fixtures.core.settings.publishing import BucketTable
from fixtures.evidence import canonical, durable, layout
from fixtures.evidence.verify import Policy
from fixtures.publishing import bucket, journal, notifiers, publish, sign_off
from fixtures.publishing.publish import Places, Result, Told
from tests.harness.publishing import bucket_stage as stage
from tests.harness.publishing import judged
from tests.harness.publishing.bucket_stage import Kept, Shelf, Store

TABLE = BucketTable(name=stage.BUCKET, prefix="staging")


class Killed(BaseException):
    """A kill, as far as the same process can suffer one."""


@dataclass
class Teller:
    """Notifier that remembers what it was told, or fails as said."""

    name: str = "channel"
    place: str = "#staging-readiness"
    trouble: BaseException | None = None
    told: list[Told] = field(default_factory=list)

    def tell(self, told: Told) -> str:
        """Remember it."""
        if self.trouble is not None:
            raise self.trouble
        self.told.append(told)
        return f"message {len(self.told)}"


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


@pytest.fixture
def dry(shelf: Shelf, tmp_path: Path) -> Path:
    """A dry run below a root of its own."""
    return shelf.copy(shelf.dry, tmp_path / "root")


@pytest.fixture
def live(shelf: Shelf, tmp_path: Path) -> Path:
    """A signed live run below a root of its own."""
    return shelf.copy(shelf.live, tmp_path / "root")


def push(
    folder: Path, *notifiers: Teller, s3: S3 | None = None, policy: Policy | None = None
) -> Result:
    return publish.publish(
        folder,
        Places(s3=s3, table=TABLE, notifiers=notifiers),
        policy=policy or Policy(),
        redactor=Redactor(),
    )


def kinds(folder: Path) -> list[str]:
    return [line["kind"] for line in journal.read(folder.parents[1])]


def state(store: Store | Kept, folder: Path) -> tuple[dict[str, bytes], bytes]:
    path = folder.parents[1] / journal.NAME
    return store.contents(), path.read_bytes() if path.exists() else b""


def test_the_bucket_comes_first_and_everybody_hears_of_it(
    store: Store, live: Path, shelf: Shelf
) -> None:
    """One line each in the journal, with run, manifest and where it is."""
    channel, issue = Teller(), Teller("issue", "acme/hotpass#7")
    done = push(live, channel, issue, s3=store.client(), policy=shelf.policy)
    url = f"s3://evidence/staging/marquez/{live.name}/"
    assert done.troubles == []
    assert channel.told[0].bucket_url == issue.told[0].bucket_url == url
    assert channel.told[0].signed_by == "QA laptop"
    lines = journal.read(live.parents[1])
    assert [line["kind"] for line in lines] == ["published", "told", "told"]
    assert {line["manifest_sha256"] for line in lines} == {done.answer.manifest_sha256}
    assert (lines[0]["where"], lines[2]["said"]) == (url, "message 1")


def test_three_repeats_leave_the_same_bytes(kept: Kept, dry: Path) -> None:
    """In the bucket and in the journal; nobody is told twice."""
    teller = Teller()
    push(dry, teller, s3=kept.client())
    before = state(kept, dry)
    for _ in range(3):
        done = push(dry, teller, s3=kept.client())
        assert [took.said for took in done.told] == ["message 1"]
    assert state(kept, dry) == before
    assert len(teller.told) == 1


def test_two_at_once_tell_once(kept: Kept, dry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine the second waits, and finds that all is done."""
    teller = Teller()
    second = threading.Thread(target=push, args=(dry, teller), kwargs={"s3": kept.client()})
    tell = teller.tell

    def slow(told: Told) -> str:
        if not second.ident:
            second.start()
            # It would be through by then, were it not waiting.
            second.join(timeout=0.2)
        return tell(told)

    monkeypatch.setattr(teller, "tell", slow)
    push(dry, teller, s3=kept.client())
    second.join()
    assert kinds(dry) == ["published", "told"]
    assert (len(teller.told), kept.written) == (1, len(kept.objects))


@pytest.mark.parametrize("what", ["nothing", "a-file", "no-bundle"])
def test_what_is_no_bundle_goes_nowhere(tmp_path: Path, what: str) -> None:
    """Each with an error of its own, none with a traceback."""
    folder = tmp_path / "marquez" / "20261112T140000Z"
    if what == "a-file":
        folder.parent.mkdir()
        folder.write_bytes(b"")
    elif what == "no-bundle":
        folder.mkdir(parents=True)
    with pytest.raises((errors.BundleUnreadable, errors.BundleDenied)):
        push(folder, Teller())


def test_telling_without_the_bucket_keeps_the_link(kept: Kept, dry: Path) -> None:
    """`--only issue` after everything was published: nothing new, and nothing is taken back."""
    teller = Teller()
    push(dry, teller, s3=kept.client())
    before = state(kept, dry)
    (took,) = push(dry, teller).told
    assert (took.new, state(kept, dry)) == (False, before)
    sign_off.give(dry, accepted=False, by="Bob", reason="no", policy=Policy())
    push(dry, teller)
    assert teller.told[1].bucket_url == teller.told[0].bucket_url


def test_an_answer_is_news(kept: Kept, dry: Path) -> None:
    """After a sign-off the answer goes to the bucket, and the message is brought up to date."""
    teller = Teller()
    push(dry, teller, s3=kept.client())
    sign_off.give(dry, accepted=False, by="Bob", reason="no", policy=Policy())
    done = push(dry, teller, s3=kept.client())
    key = f"staging/dry-run/marquez/{dry.name}.sign-offs/001.dsse.json"
    assert (done.answers_sent, key in kept.contents()) == (1, True)
    assert "           1 sign-off sent, beside it" in command._lines(done)
    assert teller.told[1].before == "message 1"
    assert [each.by for each in teller.told[1].answers] == ["Bob"]
    assert kinds(dry) == ["published", "told", "signed-off", "published", "told"]
    before = state(kept, dry)
    push(dry, teller, s3=kept.client())
    assert state(kept, dry) == before


@pytest.mark.parametrize(
    "trouble",
    [
        errors.SystemRefused("429", hint="Wait."),
        errors.SystemUnreachable("no answer", hint="Wait."),
        ZeroDivisionError("a fault of ours"),
    ],
)
def test_a_notifier_that_fails_harms_nobody(kept: Kept, dry: Path, trouble: Exception) -> None:
    """The bundle is published, the others are told, the journal says who was not and why."""
    broken, fine = Teller(trouble=trouble), Teller("issue", "acme/hotpass#7")
    before = {path: path.read_bytes() for path in dry.iterdir()}
    done = push(dry, broken, fine, s3=kept.client())
    assert done.published is not None
    assert [took.new for took in done.told] == [False, True]
    assert len(done.troubles) == 1
    assert kinds(dry) == ["published", "told-failed", "told"]
    assert {path: path.read_bytes() for path in dry.iterdir()} == before
    broken.trouble = None
    assert push(dry, broken, fine, s3=kept.client()).troubles == []
    assert kinds(dry) == ["published", "told-failed", "told", "told"]


def test_a_bucket_that_fails_does_not_silence_the_rest(store: Store, dry: Path) -> None:
    """Those who wait for the result hear of it without a link, and again when there is one."""
    store.fault("PutObject", stage.refusal(403, "AccessDenied"), key="/report.html")
    teller = Teller()
    done = push(dry, teller, s3=store.client())
    assert isinstance(done.trouble, errors.BucketRefused)
    assert (done.published, teller.told[0].bucket_url) == (None, "")
    assert kinds(dry) == ["told"]
    mended = store.client(session=stage.a_session())
    assert push(dry, teller, s3=mended).troubles == []
    assert teller.told[1].bucket_url
    assert kinds(dry) == ["told", "published", "told"]


def test_what_verify_denies_goes_nowhere(kept: Kept, dry: Path) -> None:
    """Nothing is sent, nobody is told, nothing is noted."""
    (dry / "notes.md").write_bytes(b"edited")
    teller = Teller()
    with pytest.raises(errors.BundleDenied, match=r"notes\.md was changed"):
        push(dry, teller, s3=kept.client())
    assert state(kept, dry) == ({}, b"")
    assert (teller.told, kept.requests) == ([], [])


def test_an_unsigned_bundle_goes_nowhere_where_signatures_are_required(
    kept: Kept, tmp_path: Path
) -> None:
    """The settings of the publishing checkout say what counts."""
    folder = stage.sealed(tmp_path)
    with pytest.raises(errors.BundleDenied, match="unsigned"):
        push(folder, s3=kept.client(), policy=Policy(require_signature=True))
    assert kept.contents() == {}


def test_a_narrowed_bundle_goes_nowhere(kept: Kept, tmp_path: Path) -> None:
    """It never counts."""
    folder = stage.sealed(tmp_path, live=False, narrowed="-k run_completed")
    with pytest.raises(errors.BundleDenied, match="never counts"):
        push(folder, s3=kept.client())
    assert kept.contents() == {}


@pytest.mark.parametrize("name", ["notes.md", layout.ATTESTATION, layout.MANIFEST])
@pytest.mark.parametrize("when", ["SHA256SUMS", "runs.json"])
def test_a_bundle_that_changes_meanwhile_is_never_published(
    kept: Kept, live: Path, shelf: Shelf, name: str, when: str
) -> None:
    """Whichever file, and whether it had been sent by then: nobody is told, nothing is noted."""

    def edit(sent: bytes) -> bytes:
        (live / name).write_bytes((live / name).read_bytes() + b"\n")
        return sent

    kept.on_put[when] = edit
    teller = Teller()
    with pytest.raises(errors.BundleChanged):
        push(live, teller, s3=kept.client(), policy=shelf.policy)
    assert not any(key.endswith(layout.MANIFEST) for key in kept.contents())
    assert (teller.told, kinds(live)) == ([], [])


def test_another_whole_bundle_in_its_place_is_never_published(
    kept: Kept, dry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is not what is there now, though verify says yes to both."""
    when = words.moment_of(dry.name)
    other = stage.sealed(tmp_path / "other", live=False, now=when, operator="somebody else")

    def swap(sent: bytes) -> bytes:
        dry.rename(tmp_path / "away")
        other.rename(dry)
        return sent

    kept.on_put["runs.json"] = swap
    # One after the other: it is the last of those in between.
    monkeypatch.setattr(bucket, "WORKERS", 1)
    with pytest.raises(errors.BundleChanged, match="another bundle"):
        push(dry, s3=kept.client())
    assert not any(key.endswith(layout.MANIFEST) for key in kept.contents())


def test_a_fork_is_told_and_published(kept: Kept, live: Path, shelf: Shelf) -> None:
    """Somebody else published in between: both stay, and the operator hears of it."""
    older = canonical.read((live / layout.MANIFEST).read_bytes()) | {"stamp": "20200101T000000Z"}
    key = "staging/marquez/20200101T000000Z/manifest.json"
    kept.have(key, canonical.pretty(older))
    done = push(live, s3=kept.client(), policy=shelf.policy)
    assert "20200101T000000Z was published before it" in done.fork
    assert done.published is not None


def test_a_journal_that_was_edited_stops_it_before_anything_is_done(kept: Kept, dry: Path) -> None:
    """There is no saying what was done before, hence nothing is."""
    (dry.parents[1] / journal.NAME).write_bytes(b"{}\n")
    with pytest.raises(errors.JournalUnreadable):
        push(dry, s3=kept.client())
    assert kept.contents() == {}


def _counting(limit: int) -> tuple[list[int], Callable[[], None]]:
    seen = [0]

    def step() -> None:
        seen[0] += 1
        if seen[0] == limit:
            raise Killed

    return seen, step


def _struck(
    kept: Kept, folder: Path, teller: Teller, limit: int, monkeypatch: pytest.MonkeyPatch
) -> int:
    """Publish, and be stopped at one step: a request, the telling, a line's write or sync."""
    seen, step = _counting(limit)
    real_sync, real_tell = durable.sync, teller.tell

    def sync(descriptor: int) -> None:
        step()
        real_sync(descriptor)
        step()

    def tell(told: Told) -> str:
        step()
        said = real_tell(told)
        step()
        return said

    with monkeypatch.context() as patched:
        patched.setattr(durable, "sync", sync)
        patched.setattr(teller, "tell", tell)
        patched.setattr(kept, "step", step)
        # One after the other, so that each step has a number.
        patched.setattr(bucket, "WORKERS", 1)
        with contextlib.suppress(Killed):
            push(folder, teller, s3=kept.client())
    return seen[0]


def test_wherever_it_is_stopped_the_next_run_completes_it(
    kept: Kept, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At some of the many objects, and each of the last steps: whole or not, then whole, once.

    ``sweep/test_killed_publish.py`` kills a process of its own at every one.
    """
    folder = shelf.copy(shelf.dry, tmp_path / "clean")
    steps = _struck(kept, folder, Teller(), 0, monkeypatch)
    whole = kept.objects
    assert steps > 2 * len(whole)
    for limit in sorted({*range(1, steps + 1, 9), *range(steps - 12, steps + 1)}):
        kept, teller = Kept(), Teller()
        folder = shelf.copy(shelf.dry, tmp_path / str(limit))
        _struck(kept, folder, teller, limit, monkeypatch)
        assert kept.objects.items() <= whole.items(), limit
        if any(key.endswith(layout.MANIFEST) for key in kept.objects):
            assert kept.objects == whole, limit
        else:
            assert "published" not in kinds(folder), limit
        assert push(folder, teller, s3=kept.client()).troubles == [], limit
        assert kept.objects == whole, limit
        assert kept.written == len(whole), limit
        assert kinds(folder).count("published") == 1, limit
        assert kinds(folder).count("told") == 1, limit


# The command.


def asked(folder: Path, *only: str, dry_run: bool = False) -> argparse.Namespace:
    return argparse.Namespace(directory=str(folder), only=list(only), dry_run=dry_run)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The bucket, in the settings of this checkout."""
    monkeypatch.setenv("REHEARSAL_PUBLISHING__BUCKET__NAME", stage.BUCKET)
    monkeypatch.setenv("REHEARSAL_PUBLISHING__BUCKET__PREFIX", "staging")
    return monkeypatch


def test_the_command_says_what_it_did(
    store: Store, dry: Path, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """First what would be done, then what was, then that there was nothing to do."""
    assert command.run(asked(dry, dry_run=True)) is Exit.HELD
    assert store.contents() == {}
    said = capsys.readouterr().out
    assert f"would publish to s3://evidence/staging/dry-run/marquez/{dry.name}/" in said
    assert command.run(asked(dry)) is Exit.HELD
    count = len(store.contents())
    assert f"{count} objects, {count} sent, each read back" in capsys.readouterr().out
    assert command.run(asked(dry)) is Exit.HELD
    assert "nothing to send, each read back" in capsys.readouterr().out


def test_the_command_denies_what_verify_denies(
    store: Store, dry: Path, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, as verify would."""
    (dry / "notes.md").write_bytes(b"edited")
    assert command.run(asked(dry)) is Exit.BROKE
    assert "[bundle-denied]" in capsys.readouterr().err


def test_the_command_says_what_it_could_not_do(
    dry: Path, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3, with the code of the reason."""
    with stage.opened(bucket=False):
        assert command.run(asked(dry)) is Exit.HARNESS_FAULT
    said = capsys.readouterr()
    assert "✗ bucket" in said.out
    assert "[bucket-missing]" in said.err


def test_a_notifier_alone_makes_it_say_so(
    dry: Path, settings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3: what was asked for was not all done; the rehearsal's outcome is another matter."""
    trouble = errors.SystemRefused("429", hint="Wait.")
    told: Callable[..., Any] = lambda _: (Teller(trouble=trouble),)  # noqa: E731 - a stand-in
    settings.setattr(notifiers, "configured", told)
    with stage.opened():
        assert command.run(asked(dry)) is Exit.HARNESS_FAULT
    said = capsys.readouterr()
    assert "✓ bucket" in said.out
    assert "✗ channel  #staging-readiness: not told" in said.out
    assert "[system-refused]" in said.err


def test_only_what_is_asked_for_is_done(
    store: Store, dry: Path, settings: pytest.MonkeyPatch
) -> None:
    """The bucket is left alone when the channel is what somebody wants."""
    teller = Teller()
    told: Callable[..., Any] = lambda _: (teller,)  # noqa: E731 - a stand-in
    settings.setattr(notifiers, "configured", told)
    assert command.run(asked(dry, "channel")) is Exit.HELD
    assert (store.contents(), len(teller.told)) == ({}, 1)
    assert command.run(asked(dry, "bucket")) is Exit.HELD
    assert (bool(store.contents()), len(teller.told)) == (True, 1)


def test_nowhere_to_publish_is_a_usage_error(dry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a success that did nothing."""
    monkeypatch.setattr(notifiers, "configured", lambda _: ())
    with pytest.raises(errors.SettingsInvalid, match="no bucket or issue or channel"):
        command.run(asked(dry))
    with pytest.raises(errors.SettingsInvalid, match="no channel"):
        command.run(asked(dry, "channel"))
