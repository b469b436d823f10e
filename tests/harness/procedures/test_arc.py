"""The ARC rehearsal as a procedure: what it leaves, and that it leaves the scale set as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.core.records.arc import Lifecycle
from fixtures.evidence import canonical, ledger, sealing
from fixtures.evidence.summary import fold
from fixtures.procedures import arc_restore
from fixtures.procedures.arc import ArcRehearsal
from tests.harness.procedures.arc_stage import Played, Staged, staged

QUIET_S = 90.0
MOMENTS_S = (QUIET_S + 1, QUIET_S + 7, QUIET_S + 12, QUIET_S + 40, QUIET_S + 157, QUIET_S + 175)
"""While job A waits, as it runs, right after the drain, amid it, after the restore, as B runs."""


class KilledError(BaseException):
    """Nobody plans for this one."""


def at(seconds: float, wrong: BaseException) -> Callable[[float], None]:
    """Have something happen once, at that second of the world."""
    left = [wrong]

    def strike(now_s: float) -> None:
        if now_s >= seconds and left:
            raise left.pop()

    return strike


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Staged]:
    """ARC rehearsal ready to run; a test spoils it, then plays it."""
    with staged(tmp_path) as ready:
        yield ready


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """ARC rehearsal in which everything went well, played once; look, do not touch."""
    with staged(tmp_path_factory.mktemp("good")) as ready:
        yield ready.play()


def test_bundle_holds_what_the_plan_asks_for(good: Played) -> None:
    """Lifecycle report, STS confirmation, and the workflow run's URL in the manifest."""
    names = set(sealing.files_in(good.sealed.folder))
    assert names >= {"lifecycle.json", "sts.txt", "events.ndjson", "listener.log", "rbac.txt"}
    assert names >= {"lifecycle.svg", "lifecycle.png", "preflight.json", "identity.json"}
    body = canonical.read((good.sealed.folder / "lifecycle.json").read_bytes())
    assert body["jobs"]["a"]["html_url"] in good.text("manifest.json")


def test_sts_and_lifecycle_speak_of_one_run(good: Played) -> None:
    """The confirmation is of the run that was watched, on the runner that was watched."""
    body = canonical.read((good.sealed.folder / "lifecycle.json").read_bytes())
    told = good.text("sts.txt")
    assert str(body["jobs"]["a"]["run_id"]) in told
    assert body["jobs"]["a"]["runner_name"] in told
    assert "role:              arc-rehearsal" in told


def test_originals_are_written_down_before_the_first_patch(stage: Staged) -> None:
    """A kill right after the patch must find them in the ledger."""
    kept: list[int] = []
    patch = stage.stack.parts.cluster.merge_patch

    def watched(*asked: object, **more: object) -> object:
        kept.append(len(fold(ledger.read(stage.bundle.ledger.path)).originals))
        return patch(*asked, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as on:
        on.setattr(
            type(stage.stack.parts.cluster), "merge_patch", lambda _, *a, **k: watched(*a, **k)
        )
        stage.play()
    assert kept
    assert set(kept) == {1}


def test_no_secret_is_ever_read_whole(stage: Staged) -> None:
    """Secrets are asked for as metadata only, and nothing of theirs is in the evidence."""
    played = stage.play()
    asked = [each for each in stage.world.api.requests if "/secrets" in each.target]
    assert asked
    assert all("PartialObjectMetadata" in each.accept for each in asked)
    tree = b"".join(path.read_bytes() for path in played.sealed.folder.iterdir())
    for secret in (
        b"eyJydW5uZXIiOiJzaW11bGF0ZWQifQ",
        b"c2ltdWxhdGVkIGtleQ",
        b"simulated-cluster-token",
    ):
        assert secret not in tree


def test_jit_configuration_of_old_versions_stays_out(tmp_path: Path) -> None:
    """Until 0.12.1 a runner's status holds its registration secret: no event carries it."""
    with staged(tmp_path, version="0.12.1") as ready:
        played = ready.play()
    assert "runnerJITConfig" not in played.text("events.ndjson")
    assert "eyJydW5uZXI" not in played.text("events.ndjson")


def test_every_transition_is_seen(stage: Staged) -> None:
    """What the watch tells of a runner is what the server knows of it."""
    changes: list[tuple[str, str]] = []

    def note(kind: object, change: object) -> None:
        if getattr(kind, "plural", "") == "ephemeralrunners":
            item = change.after  # type: ignore[attr-defined]
            told = (item["metadata"]["name"], item.get("status", {}).get("phase", ""))
            if not changes or told not in changes:
                changes.append(told)

    stage.world.store.listeners.append(note)
    played = stage.play()
    lifecycle = played.seen["lifecycle"]
    assert isinstance(lifecycle, Lifecycle)
    seen = {(each.name, phase) for each in lifecycle.runners for phase in each.phases}
    assert set(changes) <= seen


@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_interrupt_leaves_the_limits_as_they_were(stage: Staged, moment_s: float) -> None:
    """Ctrl-C at any step: the finaliser restores, cancels our runs, keeps what was seen."""
    before = stage.limits
    stage.clock.on_sleep = at(moment_s, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        stage.rehearsal.run()
    assert stage.limits == before
    assert (stage.bundle.folder / "lifecycle.json").is_file()
    stage.world.timeline.advance(60)
    assert all(each.job.status == "completed" for each in stage.world.github.runs.values())


@pytest.mark.parametrize("moment_s", MOMENTS_S)
@pytest.mark.parametrize("most", [3, None])
def test_restore_after_a_kill(tmp_path: Path, moment_s: float, most: int | None) -> None:
    """After SIGKILL at any step the ledger alone puts the limits back, an absent one as absent."""
    with staged(tmp_path, max_runners=most) as ready, pytest.MonkeyPatch.context() as on:
        before = ready.limits
        ready.clock.on_sleep = at(moment_s, KilledError())
        # Nothing of ours runs after a SIGKILL.
        on.setattr(ArcRehearsal, "_leave_as_found", lambda _: None)
        with pytest.raises(KilledError):
            ready.rehearsal.run()
        original = arc_restore.remembered(ready.bundle.folder)
        said = arc_restore.restore(ready.stack.parts.cluster, original)
        assert ready.limits == before
        assert "restored" in said or "already" in said
        assert "already" in arc_restore.restore(ready.stack.parts.cluster, original)


def test_restore_refuses_limits_somebody_else_has_set(stage: Staged) -> None:
    """Neither drained nor as it was: whoever set these is asked first."""
    stage.play()
    stage.world.arc._patch_set({"minRunners": 2, "maxRunners": 5})
    original = arc_restore.remembered(next((stage.bundle.folder.parent).glob("2*")))
    cluster = stage.stack.parts.cluster
    with pytest.raises(errors.SystemRefused, match="neither drained nor as it was"):
        arc_restore.restore(cluster, original)
    assert "restored" in arc_restore.restore(cluster, original, force=True)


def test_restore_refuses_another_scale_set_of_that_name(stage: Staged) -> None:
    """A set installed anew has its own limits; another cluster's are none of our business."""
    stage.play()
    original = arc_restore.remembered(next((stage.bundle.folder.parent).glob("2*")))
    cluster = stage.stack.parts.cluster
    for other in (replace(original, uid="another"), replace(original, server_sha256="0" * 64)):
        with pytest.raises(errors.IdentityRefused):
            arc_restore.restore(cluster, other)


def test_nothing_is_changed_before_the_preflight_is_clean(tmp_path: Path) -> None:
    """A set that cannot be rehearsed is left alone: no patch, no dispatch, no originals."""
    with staged(tmp_path, lambda world: setattr(world.arc.faults, "failed_runners", 1)) as ready:
        ready.play()
        sent = {each.method for each in ready.world.api.requests} - {"GET"}
        assert sent == {"POST"}  # access reviews
        assert not ready.world.github.runs
    with pytest.raises(errors.BundleUnreadable, match="holds no originals"):
        arc_restore.remembered(next((ready.bundle.folder.parent).glob("2*")))


def test_events_are_written_as_they_come(stage: Staged) -> None:
    """A kill leaves what was seen until then; nothing of it waits in memory."""
    sizes: list[int] = []
    aside = stage.bundle.folder / ".events.ndjson.part"

    def measure(_: float) -> None:
        if aside.exists():
            sizes.append(aside.stat().st_size)

    stage.clock.on_sleep = measure
    stage.play()
    assert len(set(sizes)) > 10
    assert sizes == sorted(sizes)


def test_full_disk_under_a_watch_is_told(stage: Staged) -> None:
    """An event that could not be kept, on a thread nobody hears, ends the rehearsal as such."""
    full = errors.EvidenceNotWritable("no space left", hint="Make room.")

    def refuse(_: object) -> None:
        raise full

    def fill(_: float) -> None:
        if stage.rehearsal.looks.drain is not None and stage.rehearsal.looks.restore is None:
            stage.rehearsal.looks.collector.keep_with(refuse)

    before = stage.limits
    stage.clock.on_sleep = fill
    with pytest.raises(errors.EvidenceNotWritable, match="no space left"):
        stage.rehearsal.run()
    assert stage.limits == before
