"""Reading manifests: every copy, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.core import errors
from fixtures.procedures import backfill_manifests
from fixtures.simulators.hotpass.manifest_samples import write_synthetic_manifests


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Checkout with the four synthetic manifests."""
    write_synthetic_manifests(tmp_path)
    return tmp_path


def test_copies_of_one_flow_are_found(root: Path) -> None:
    """Two files describe the backfill, and the deeper one is loaded."""
    found = backfill_manifests.read(root, folder="prefect", flow="backfill")
    assert [copy.path for copy in found.copies] == [
        "prefect/backfill.yaml",
        "prefect/deployments/hotpass-backfill.yaml",
    ]
    assert found.winner is found.copies[1]
    assert (found.limit, found.key) == (2, "hotpass/backfill")
    assert found == type(found).from_json(found.to_json())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a: [", "", id="no-yaml"),
        pytest.param("id: backfill\nparameters: 3\n", "no mapping", id="parameters"),
        pytest.param("\x00", "", id="binary"),
    ],
)
def test_unreadable_copy_is_told(root: Path, text: str, told: str) -> None:
    """A file that nobody can read may be meant for us: it is not passed over."""
    (root / "prefect" / "more.yaml").write_text(text)
    found = backfill_manifests.read(root, folder="prefect", flow="backfill")
    (unreadable,) = [copy for copy in found.copies if copy.trouble]
    assert (unreadable.path, told in unreadable.trouble) == ("prefect/more.yaml", True)


def test_others_manifests_are_left_out(root: Path) -> None:
    """A manifest of another flow, or a list, says nothing of ours."""
    (root / "prefect" / "list.yml").write_text("- 1\n")
    found = backfill_manifests.read(root, folder="prefect", flow="refinement")
    assert [copy.concurrency_limit for copy in found.copies] == [None, None]


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    """Nothing to read is no empty promise."""
    with pytest.raises(errors.InputsUnreadable, match="no manifest folder"):
        backfill_manifests.read(tmp_path, folder="prefect", flow="backfill")
