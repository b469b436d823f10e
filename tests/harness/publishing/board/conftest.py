"""An evidence root to make bundles in, and a board of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from fixtures.evidence.verify import Policy
from fixtures.publishing import board
from tests.harness.publishing.board import made

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
Make = Callable[..., Path]
Draw = Callable[..., board.Built]


@pytest.fixture(scope="session")
def key() -> CryptoSigner:
    """A key of somebody trusted."""
    return CryptoSigner(Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle, for others to share its files; for reading only."""
    return made.whole(tmp_path_factory.mktemp("like"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Evidence root."""
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


@pytest.fixture
def make(root: Path, like: Path, key: CryptoSigner) -> Make:
    """Makes a bundle of so many days ago: live, signed and passed unless said otherwise."""

    def one(days: float = 1.0, *, below: Path = root, **how: Any) -> Path:
        live = how.get("mode", "live") == "live"
        return made.quick(
            below, like, NOW - timedelta(days=days), **{"signer": key if live else None, **how}
        )

    return one


@pytest.fixture
def draw(root: Path, key: CryptoSigner) -> Draw:
    """Builds the board of the root."""

    def one(
        *roots: Path, output: Path = root / "board", now: datetime = NOW, everything: bool = False
    ) -> board.Built:
        policy = Policy(trusted=(made.trust(key),))
        return board.build(roots or (root,), output, policy=policy, now=now, everything=everything)

    return one


@pytest.fixture
def own(make: Make, tmp_path: Path) -> Callable[[Path], Path]:
    """Gives a bundle files of its own: what is shared must not be written to."""

    def one(folder: Path) -> Path:
        aside = tmp_path / "aside"
        shutil.copytree(folder, aside)
        shutil.rmtree(folder)
        aside.rename(folder)
        return folder

    return one


def pages_of(output: Path) -> dict[str, bytes]:
    """Every page of a board, by its path."""
    return {
        str(path.relative_to(output)): path.read_bytes() for path in sorted(output.rglob("*.html"))
    }
