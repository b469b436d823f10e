"""Bundles to publish and a bucket to publish them to, which can be told to misbehave.

Covers: sealed bundles of either kind, moto's store in this process, faults by boto3's own hooks.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

import boto3  # type: ignore[import-untyped]  # no types
import botocore.loaders  # type: ignore[import-untyped]  # no types
import botocore.session  # type: ignore[import-untyped]  # no types
import pytest
from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]  # no types
from botocore.config import Config  # type: ignore[import-untyped]  # no types
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from securesystemslib.signer import CryptoSigner

from fixtures.clients.s3 import S3
from fixtures.clients.s3_objects import Held, Sending
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.keys import TrustedKey
from fixtures.evidence.verify import Policy
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import closing
from tests.harness.evidence.conftest import JUNIT, OPENING, fill, judge

BUCKET = "evidence"
REGION = "eu-west-1"
Handler = Callable[..., Any]


def a_key() -> CryptoSigner:
    return CryptoSigner(Ed25519PrivateKey.generate())


def trusted(signer: CryptoSigner, name: str, *, live: bool = True) -> TrustedKey:
    return TrustedKey(name=name, key=signer.public_key, signs_live=live)


def live_opening() -> dict[str, Any]:
    """Of a live run on pinned systems."""
    systems = [
        {
            "name": name,
            "provenance": "local",
            "claimed": "local",
            "identity": {"digest": f"{name}-1"},
            "detail": "",
            "demanded": "local",
            "pins": {"digest": f"{name}-1"},
        }
        for name in ("marquez", "hotpass")
    ]
    source = {"commit": None, "dirty": False}
    told = {"staging": True, "taints": [], "systems": systems, "source": source}
    return {**OPENING, **told}


def sealed(
    root: Path,
    *,
    live: bool = True,
    signer: CryptoSigner | None = None,
    first: str = "held",
    now: datetime | None = None,
    **changes: Any,
) -> Path:
    """Rehearse and seal."""
    bundle = Bundle.reserve(
        root,
        word="marquez",
        mode=Mode.LIVE if live else Mode.DRY_RUN,
        redactor=Redactor(),
        registry=REGISTRIES["marquez"],
        opening={**(live_opening() if live else OPENING), **changes},
        signer=signer,
        now=now,
    )
    fill(bundle)
    judge(bundle, first)
    return closing.close(bundle, junit=JUNIT).folder


@dataclass(frozen=True)
class Shelf:
    """Sealed bundles, made once, to be copied."""

    live: Path
    dry: Path
    failed: Path
    signer: CryptoSigner
    policy: Policy

    def copy(self, which: Path, root: Path) -> Path:
        """A copy below a root of its own."""
        return Path(shutil.copytree(which, root / "marquez" / which.name))


_SHELVES: dict[Path, Shelf] = {}


def shelf(home: Path) -> Shelf:
    """One of each kind, made once for all who ask in one session; the live one is signed."""
    session = home.parent
    if session not in _SHELVES:
        signer = a_key()
        _SHELVES[session] = Shelf(
            live=sealed(home / "live", signer=signer),
            dry=sealed(home / "dry", live=False),
            failed=sealed(home / "failed", first="broke", signer=signer),
            signer=signer,
            policy=Policy(trusted=(trusted(signer, "QA laptop"),)),
        )
    return _SHELVES[session]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(2**16):
            yield chunk


def refusal(status: int, code: str, message: str = "because") -> Handler:
    """A handler that refuses in the store's place."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return answered(status, body)


def answered(status: int, body: bytes) -> Handler:
    """A handler that answers in the store's place."""

    def answer(request: Any, **_: Any) -> AWSResponse:
        # boto3 asks every handler and takes the first answer: moto, asked last, must do nothing.
        request.method = "HEAD"
        return AWSResponse(request.url, status, {"content-type": "application/xml"}, _Raw(body))

    return answer


def one_at_a_time() -> Callable[..., Any]:
    """Moto's store, which threads of its own would trip over: a file one of them has closed."""
    turn, answer = threading.RLock(), BotocoreStubber.process_request

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        with turn:
            return answer(self, request)

    return process_request


def without_condition(request: Any, **_: Any) -> None:
    """A store that overlooks the condition."""
    request.headers.pop("If-None-Match", None)


def without_lock(request: Any, **_: Any) -> None:
    """A store that overlooks the lock."""
    for name in ("x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"):
        request.headers.pop(name, None)


@dataclass
class Store:
    """Moto's store, in this process."""

    session: Any
    raw: Any
    """A client of its own, without faults."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    """Operation and path, in the order they were sent; retries too."""

    def client(self, **changes: Any) -> S3:
        """Our client of it; requests are made once."""
        told: dict[str, Any] = {"region": REGION, "attempts": 1, "session": self.session}
        return S3(BUCKET, **{**told, **changes})

    def fault(self, operation: str, handler: Handler, *, key: str = "") -> None:
        """Have a handler see every request of an operation before the store does."""

        def on(request: Any, **kwargs: Any) -> Any:
            return handler(request=request, **kwargs) if key in request.url else None

        self.session.events.register_first(f"before-send.s3.{operation}", on)

    def bucket(self, *, lock: bool = False) -> None:
        """Make the bucket."""
        self.raw.create_bucket(
            Bucket=BUCKET,
            CreateBucketConfiguration={"LocationConstraint": REGION},
            ObjectLockEnabledForBucket=lock,
        )

    def contents(self) -> dict[str, bytes]:
        """Every object by its key, as the store itself has it."""
        objects = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[BUCKET].keys
        return {key: found.value for key, found in objects.items()}

    def versions(self) -> int:
        """How many objects were ever written."""
        return len(self.raw.list_object_versions(Bucket=BUCKET).get("Versions", []))

    def have(self, key: str, data: bytes) -> None:
        """Have something there already."""
        self.raw.put_object(Bucket=BUCKET, Key=key, Body=data)


class Kept:
    """A bucket without requests: quick, honest unless told otherwise, stopped at any step."""

    def __init__(self) -> None:
        self.bucket = BUCKET
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        """What was asked, and the end of its key."""
        self.written = 0
        self.step: Callable[[], None] = lambda: None
        self.on_put: dict[str, Callable[[bytes], bytes | None]] = {}
        """By the end of a key: what is kept instead of what was sent, None to forget it."""

    def client(self) -> S3:
        """It speaks for itself."""
        return cast("S3", self)

    def contents(self) -> dict[str, bytes]:
        """Every object by its key."""
        return dict(self.objects)

    def versions(self) -> int:
        """How many objects were ever written."""
        return self.written

    def have(self, key: str, data: bytes) -> None:
        """Have something there already."""
        self.objects[key] = data
        self.written += 1

    def folders(self, prefix: str, *, each_page: Callable[[], object] = lambda: None) -> list[str]:
        """As of a bucket, on one page."""
        each_page()
        below = {key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)}
        return sorted({each.partition("/")[0] for each in below if "/" in each})

    def keys(self, prefix: str) -> list[str]:
        """As of a bucket."""
        self._ask("keys", prefix)
        return [key for key in self.objects if key.startswith(prefix)]

    def locks(self) -> bool:
        """It cannot."""
        return False

    def put(self, sending: Sending, *, only_new: bool) -> bool:
        """As of a bucket: the answer may be lost after the object was written."""
        self._ask("PutObject", sending.key)
        if only_new and sending.key in self.objects:
            return False
        data: bytes | None = sending.body.read()
        for ending, change in self.on_put.items():
            if sending.key.endswith(f"/{ending}") and data is not None:
                data = change(data)
        if data is not None:
            self.have(sending.key, data)
        self.step()
        return True

    def read(self, key: str, *, most_bytes: int) -> bytes | None:
        """As of a bucket."""
        data = self.objects.get(key)
        return data and data[:most_bytes]

    def read_back(self, key: str) -> Held | None:
        """As of a bucket."""
        self._ask("GetObject", key)
        data = self.objects.get(key)
        if data is None:
            return None
        return Held(len(data), hashlib.sha256(data).hexdigest(), None)

    def _ask(self, what: str, key: str) -> None:
        self.requests.append((what, key))
        self.step()


@cache
def _loader() -> Any:
    # Reads the models of AWS once: they cost more than everything a test does.
    return botocore.loaders.create_loader()


@cache
def _raw() -> Any:
    """A client without faults: moto answers whatever client asks while it stands in."""
    plain = Config(response_checksum_validation="when_required")
    return a_session().client("s3", region_name=REGION, config=plain)


def a_session() -> Any:
    """A session without faults."""
    bare = botocore.session.Session()
    bare.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=bare)


@contextmanager
def opened(*, bucket: bool = True, lock: bool = False) -> Iterator[Store]:
    """A store for one test."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        patched.setenv("AWS_CONFIG_FILE", "/nonexistent")
        patched.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patched.setattr(BotocoreStubber, "process_request", one_at_a_time())
        patched.setattr(botocore.session, "create_loader", lambda *_: _loader())
        with mock_aws():
            session = a_session()
            store = Store(session, _raw())

            def note(request: Any, event_name: str, **_: Any) -> None:
                store.requests.append((event_name.rpartition(".")[2], request.url))

            session.events.register_first("before-send.s3", note)
            if bucket:
                store.bucket(lock=lock)
            yield store


def moment() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)
