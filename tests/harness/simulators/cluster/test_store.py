"""Self-tests of the store behind the cluster's twin."""

from __future__ import annotations

import pytest

from fixtures.simulators.cluster.kinds import PODS
from fixtures.simulators.cluster.refusals import RefusedError
from fixtures.simulators.cluster.store import NAME_TRIES, Store
from fixtures.simulators.cluster.timeline import Timeline

POD = {"metadata": {"generateName": "runner-"}, "spec": {"containers": [{"name": "one"}]}}


class Drawn:
    """Draws the suffixes it was given, one after the other."""

    def __init__(self, *suffixes: str) -> None:
        self.left = list(suffixes)

    def choices(self, _: str, *, k: int) -> str:
        """The next suffix."""
        assert k == 5
        return self.left.pop(0)

    def getrandbits(self, _: int) -> int:
        """Any uid will do."""
        return 1


def drawing(monkeypatch: pytest.MonkeyPatch, *suffixes: str) -> Store:
    store = Store(Timeline())
    store.add_namespace("arc")
    monkeypatch.setattr(store, "_random", Drawn(*suffixes))
    return store


def test_a_name_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand runners do collide: nobody is refused for a draw of the server's."""
    store = drawing(monkeypatch, "aaaaa", "aaaaa", "bbbbb")
    names = [store.create(PODS, "arc", POD)["metadata"]["name"] for _ in range(2)]
    assert names == ["runner-aaaaa", "runner-bbbbb"]


def test_drawing_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries the server says so, as the real one does."""
    store = drawing(monkeypatch, *["aaaaa"] * (NAME_TRIES + 1))
    store.create(PODS, "arc", POD)
    with pytest.raises(RefusedError, match="already exists"):
        store.create(PODS, "arc", POD)
