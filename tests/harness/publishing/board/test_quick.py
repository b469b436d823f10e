"""What the board refuses: listed, never hidden, never counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from fixtures.core.records.systems import Mode
from fixtures.evidence import canonical, layout
from fixtures.evidence.verify import Policy, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.publishing import board
from tests.harness.publishing.board import made
from tests.harness.publishing.board.conftest import NOW, Draw, Make

Spoil = Callable[[Path], object]


def edited(folder: Path, **changes: Any) -> None:
    """Edit the manifest and nothing else."""
    body = {**made.manifest_of(folder), **changes}
    (folder / layout.MANIFEST).write_bytes(canonical.pretty(body))


def resealed(folder: Path, **changes: Any) -> None:
    """Edit the manifest and make the sums agree, as somebody without the key can."""
    made.write(folder, {**made.manifest_of(folder), **changes})


def renamed(folder: Path, name: str) -> None:
    """Give it another name in the same place."""
    folder.rename(folder.with_name(name))


def outside(folder: Path) -> None:
    """Name a picture that is not in the bundle."""
    body = made.manifest_of(folder)
    body["artefacts"][0]["path"] = "../../../secret.png"
    made.write(folder, body)


def piped(folder: Path) -> None:
    """Put something in the manifest's place that never ends."""
    (folder / layout.MANIFEST).unlink()
    os.mkfifo(folder / layout.MANIFEST)


def linked(folder: Path) -> None:
    """Let the manifest be somewhere else."""
    (folder / layout.MANIFEST).rename(folder / "m")
    (folder / layout.MANIFEST).symlink_to("m")


def unsigned(folder: Path) -> None:
    """Edit it, seal it again, and take the signature away."""
    (folder / layout.ATTESTATION).unlink()
    resealed(folder, operator="me")


def moved(folder: Path) -> None:
    """Put it among another word's."""
    other = folder.parents[1] / "arc"
    other.mkdir()
    folder.rename(other / folder.name)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "manifest-edited": (lambda at: edited(at, operator="somebody else"), "one was changed"),
    "manifest-gone-wrong": (lambda at: (at / layout.MANIFEST).write_bytes(b"{"), "Expecting"),
    "manifest-spaced": (
        lambda at: (at / layout.MANIFEST).write_bytes(
            (at / layout.MANIFEST).read_bytes() + b" \n"
        ),
        "not written as we write it",
    ),
    "manifest-of-nothing": (lambda at: edited(at, mode="alive"), "does not fit schema"),
    "manifest-missing": (lambda at: (at / layout.MANIFEST).unlink(), "No such file"),
    "manifest-a-pipe": (
        piped,
        "no regular file",
    ),
    "manifest-a-link": (linked, "symbolic links"),
    "sums-edited": (lambda at: (at / layout.SUMS).write_bytes(b""), "one was changed"),
    "sums-missing": (lambda at: (at / layout.SUMS).unlink(), "No such file"),
    "signature-gone": (lambda at: (at / layout.ATTESTATION).unlink(), "there is none"),
    "signature-spoilt": (
        lambda at: (at / layout.ATTESTATION).write_bytes(b"{}\n"),
        "no envelope",
    ),
    "resealed-unsigned": (
        unsigned,
        "there is none",
    ),
    "resealed-under-the-signature": (
        lambda at: resealed(at, operator="me"),
        "what is signed is not what",
    ),
    "renamed": (lambda at: renamed(at, "20261101T000000Z"), "the directory is named"),
    "renamed-to-nonsense": (lambda at: renamed(at, "<b>latest"), "is no time stamp"),
    "picture-changed": (
        lambda at: (at / "graph.png").write_bytes(b"\x89PNG, another one"),
        "graph.png was changed",
    ),
    "picture-missing": (lambda at: (at / "graph.png").unlink(), "No such file"),
}
UNSIGNED: dict[str, tuple[Spoil, str]] = {
    "path-outside": (outside, "no path of a bundle"),
    "dry-run-made-live": (
        lambda at: resealed(at, mode="live", outcome="PASSED", would_be=None),
        "its systems make it dry run",
    ),
    "failed-made-passed": (lambda at: resealed(at, would_be="PASSED"), "add up to FAILED"),
    "ended-before-it-began": (
        lambda at: resealed(
            at,
            window={
                "started_at": made.manifest_of(at)["window"]["started_at"],
                "ended_at": "2020-01-01T00:00:00.000Z",
            },
        ),
        "before it began",
    ),
    "began-another-day": (
        lambda at: resealed(
            at,
            window={
                "started_at": "2020-01-01T00:00:00.000Z",
                "ended_at": "2020-01-01T00:00:01.000Z",
            },
        ),
        "its stamp is",
    ),
    "of-another-word": (moved, "it lies under arc"),
}


def refused(built: board.Built) -> str:
    """The page of the only bundle, which is refused."""
    assert (built.bundles, built.refused) == (1, 1)
    (page,) = (built.output / "bundles").iterdir()
    assert "REFUSED" in page.read_text("utf-8")
    assert page.name in (built.output / "index.html").read_text("utf-8")
    assert all(each.state == "never rehearsed live" for each in built.lines)
    return page.read_text("utf-8")


@pytest.mark.parametrize(("spoil", "why"), SPOILT.values(), ids=SPOILT.keys())
def test_spoilt_live_bundle_is_refused(
    make: Make, draw: Draw, own: Callable[[Path], Path], spoil: Spoil, why: str
) -> None:
    """A green live bundle, then one thing changed: listed with the reason, counted nowhere."""
    spoil(own(make(1)))
    assert why in refused(draw())


@pytest.mark.parametrize(("spoil", "why"), UNSIGNED.values(), ids=UNSIGNED.keys())
def test_consistent_forgery_is_refused(
    make: Make, draw: Draw, own: Callable[[Path], Path], spoil: Spoil, why: str
) -> None:
    """Unsigned, with manifest and sums that agree: what does not follow is found all the same."""
    spoil(own(make(1, mode="dry run", outcome="FAILED")))
    assert why in refused(draw())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"troubles": [{}]}, id="trouble-of-nothing"),
        pytest.param({"steps": [{"began_at": "x", "ended_at": "y"}]}, id="step-without-a-time"),
        pytest.param({"deviations": [], "guardrails": [{}]}, id="guardrail-of-nothing"),
    ],
)
def test_what_a_schema_leaves_open_breaks_no_board(
    make: Make, draw: Draw, changes: dict[str, Any]
) -> None:
    """What our code stumbles over in one manifest: that one is refused, the others are drawn."""
    make(2)
    make(
        1,
        mode="local",
        staging=True,
        systems=[],
        outcome="BLOCKED",
        edit=lambda body: body.update(changes),
    )
    built = draw()
    assert (built.bundles, built.refused) == (2, 1)


def test_spoiling_is_seen_after_the_first_build(
    make: Make, draw: Draw, own: Callable[[Path], Path]
) -> None:
    """A manifest edited in place, its times set back: the next build reads it again."""
    folder = own(make(1))
    assert draw().refused == 0
    manifest = folder / layout.MANIFEST
    seen = manifest.stat()
    manifest.write_bytes(manifest.read_bytes().replace(b'"somebody"', b'"sombebody"'[:10]))
    os.utime(manifest, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert manifest.stat().st_size == seen.st_size
    refused(draw())


def test_live_bundle_in_the_dry_run_prefix_is_refused(make: Make, draw: Draw, root: Path) -> None:
    """What a bucket keeps apart as dry runs cannot make anything ready."""
    make(1, below=root / "dry-run")
    assert "says that it is live" in refused(draw())


def test_dry_runs_of_a_bucket_are_found(make: Make, draw: Draw, root: Path) -> None:
    """A bucket as downloaded: live bundles by word, dry runs below a prefix of their own."""
    make(2)
    make(1, below=root / "dry-run", mode="dry run")
    built = draw()
    assert (built.bundles, built.refused) == (2, 0)


def test_what_verify_believes_is_not_refused(tmp_path: Path, key: CryptoSigner) -> None:
    """Whole bundles of either kind pass: the quick checks ask no more than `verify` does."""
    root = tmp_path / "whole"
    folders = [made.whole(root), made.whole(root, mode=Mode.LIVE, signer=key, first="broke")]
    policy = Policy(trusted=(made.trust(key),))
    for each in folders:
        assert verify(each, registries=REGISTRIES, policy=policy).verified
    built = board.build([root], tmp_path / "board", policy=policy, now=NOW + timedelta(days=900))
    assert (built.bundles, built.refused) == (2, 0)


def test_half_written_and_foreign_names_are_no_bundles(draw: Draw, root: Path) -> None:
    """Neither what a rehearsal is writing, nor what was set aside, nor other people's files."""
    for name in (".20261122T000000Z.partial", ".20261122T000000Z.quarantined", "notes"):
        (root / "marquez" / name).mkdir(parents=True)
    (root / "marquez" / "README.md").write_text("hello")
    assert draw().bundles == 0
