"""Two sealed rehearsals and more, to compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from fixtures.core.records.systems import Mode
from fixtures.evidence.verify import Answer, Policy, verify
from fixtures.guardrails.registries import REGISTRIES
from tests.harness.publishing.board import made


@pytest.fixture(scope="session")
def key() -> CryptoSigner:
    """A key of somebody trusted."""
    return CryptoSigner(Ed25519PrivateKey.generate())


@pytest.fixture(scope="session")
def ask(key: CryptoSigner) -> Callable[[Path], Answer]:
    """Verifies a bundle, that key trusted."""
    policy = Policy(trusted=(made.trust(key),))
    return lambda folder: verify(folder, registries=REGISTRIES, policy=policy)


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory, key: CryptoSigner) -> tuple[Path, Path]:
    """A green live rehearsal, and one after it that broke a promise; for reading only."""
    root = tmp_path_factory.mktemp("pair")
    older = made.whole(root, mode=Mode.LIVE, signer=key)
    newer = made.whole(
        root,
        mode=Mode.LIVE,
        signer=key,
        first="broke",
        settings={"idle_s": 60.0, "token_name": "unseen-value"},
        harness={"version": "1", "python": "3", "pytest": "9", "platform": "linux"},
        systems=made.systems(identity={"digest": "another"}, pins={"digest": "another"}),
        before_sealing=lambda bundle: bundle.note_deviation("4", "exported by hand"),
    )
    return older, newer
