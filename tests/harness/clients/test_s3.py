"""Self-tests of the client of a bucket: real boto3 against moto's store, in this process."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]  # no types
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from fixtures.clients.s3 import S3
from fixtures.clients.s3_objects import ConditionUnknownError, Lock, Sending
from fixtures.clients.s3_refusals import refusals
from fixtures.core import errors
from tests.harness.publishing.bucket_stage import BUCKET, REGION, Store, opened, refusal

DATA = b"what was seen on staging\n"


@pytest.fixture
def store() -> Iterator[Store]:
    """A store with our bucket in it."""
    with opened() as made:
        yield made


def sending(key: str = "a", data: bytes = DATA, lock: Lock | None = None) -> Sending:
    return Sending(
        key=key,
        body=io.BytesIO(data),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="text/plain",
        lock=lock,
    )


def test_an_object_is_written_once_and_read_back(store: Store) -> None:
    """The second writer is told that something is there, and it stays."""
    client = store.client()
    assert client.put(sending(), only_new=True)
    assert not client.put(sending(data=b"other"), only_new=True)
    held = client.read_back("a")
    assert held is not None
    assert (held.size_bytes, held.sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert client.read("a", most_bytes=4) == DATA[:4]
    assert list(client.keys("")) == ["a"]


def test_folders_are_listed_without_what_they_hold(store: Store) -> None:
    """Direct ones only, in order; an object beside them is no folder."""
    for key in ("w/b/1", "w/b/2", "w/a/x/y", "w/file", "other/c/1"):
        store.have(key, b"")
    assert list(store.client().folders("w/")) == ["a", "b"]


def test_listing_ends_when_nobody_waits_for_it(store: Store) -> None:
    """Whoever lists is asked at each page, also at one that names no folder."""
    store.have("w/file", b"")

    def given_up() -> None:
        raise KeyError("given up")

    with pytest.raises(KeyError, match="given up"):
        list(store.client().folders("w/", each_page=given_up))


def test_what_is_not_there_is_none(store: Store) -> None:
    """No object is no error: it may be written."""
    client = store.client()
    assert client.read_back("a") is None
    assert client.read("a", most_bytes=9) is None


@pytest.mark.parametrize("parts", [False, True], ids=["whole", "in-parts"])
def test_each_object_carries_its_sha256(store: Store, parts: bool) -> None:
    """In the header that a store checks it by, once for all or part by part."""
    seen: list[Any] = []
    store.fault("PutObject", lambda request, **_: seen.append(request))
    store.fault("UploadPart", lambda request, **_: seen.append(request))
    client = store.client()
    data = DATA
    if parts:
        client.largest_put_bytes, client.part_bytes = 0, 5 * 2**20
        data = bytes(range(256)) * 4 * (6 * 2**10)
    assert client.put(sending(data=data), only_new=True)
    headers = [each.headers["x-amz-checksum-sha256"] for each in seen]
    size = 5 * 2**20 if parts else len(data)
    pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
    wanted = [base64.b64encode(hashlib.sha256(each).digest()) for each in pieces]
    told = [each if isinstance(each, bytes) else each.encode() for each in headers]
    assert told == wanted
    assert len(wanted) == (2 if parts else 1)
    held = client.read_back("a")
    assert held is not None
    assert held.sha256 == hashlib.sha256(data).hexdigest()


def test_parts_replace_nothing_and_leave_nothing(store: Store) -> None:
    """The condition holds for the last step of many, and what was sent before it is taken back."""
    client = store.client()
    client.put(sending(), only_new=True)
    client.largest_put_bytes, client.part_bytes = 0, 5 * 2**20
    store.fault("CompleteMultipartUpload", refusal(412, "PreconditionFailed"))
    assert not client.put(sending(data=b"other"), only_new=True)
    assert store.contents() == {"a": DATA}
    assert "Uploads" not in store.raw.list_multipart_uploads(Bucket=BUCKET)


def test_a_store_without_the_condition_says_so(store: Store) -> None:
    """501 is no fault of ours: the caller decides how to go on."""
    store.fault("PutObject", refusal(501, "NotImplemented"))
    with pytest.raises(ConditionUnknownError):
        store.client().put(sending(), only_new=True)


def test_a_conflict_is_tried_again(store: Store) -> None:
    """409 means that somebody writes the same key at this moment; it passes."""
    answers = [refusal(409, "ConditionalRequestConflict")] * 2
    store.fault(
        "PutObject",
        lambda request, **known: answers.pop()(request=request, **known) if answers else None,
    )
    assert store.client().put(sending(), only_new=True)
    assert store.contents() == {"a": DATA}


def test_a_locked_object_says_until_when() -> None:
    """Asked of a bucket that can lock; what was asked for is what is read back."""
    until = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    with opened(lock=True) as store:
        client = store.client()
        assert client.locks()
        client.put(sending(lock=Lock("GOVERNANCE", until)), only_new=True)
        held = client.read_back("a")
        assert held is not None
        assert held.locked_until == until


def test_a_bucket_without_lock_says_so(store: Store) -> None:
    """Whatever way it has of saying it."""
    assert not store.client().locks()
    store.fault("GetObjectLockConfiguration", refusal(501, "NotImplemented"))
    assert not store.client().locks()


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDenied", errors.BucketRefused),
        (403, "InvalidAccessKeyId", errors.BucketRefused),
        (400, "ExpiredToken", errors.BucketCredentialsMissing),
        (404, "NoSuchBucket", errors.BucketMissing),
        (400, "AuthorizationHeaderMalformed", errors.BucketElsewhere),
        (301, "PermanentRedirect", errors.BucketElsewhere),
        (507, "XMinioStorageFull", errors.BucketFull),
        (403, "QuotaExceeded", errors.BucketFull),
        (503, "SlowDown", errors.BucketSilent),
        (500, "InternalError", errors.BucketSilent),
        (400, "BadDigest", errors.BucketRefused),
        (418, "Teapot", errors.BucketRefused),
    ],
)
def test_each_refusal_has_its_code(
    status: int, code: str, error: type[errors.HarnessError]
) -> None:
    """An operator reads from the code what to do, and from the text what the store said."""
    told = {
        "Error": {"Code": code, "Message": "so it is"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    with pytest.raises(error, match=f"{BUCKET}.*{code}: so it is"), refusals(BUCKET):
        raise ClientError(told, "PutObject")


def test_a_refusal_names_the_right_that_is_missing(store: Store) -> None:
    """A role that may list and not write is told what to ask for."""
    store.fault("PutObject", refusal(403, "AccessDenied", "so it is"))
    with pytest.raises(errors.BucketRefused, match="AccessDenied: so it is") as refused:
        store.client().put(sending(), only_new=True)
    assert "s3:PutObject" in refused.value.hint
    assert store.contents() == {}


def test_a_missing_bucket_is_found_missing() -> None:
    """By any request."""
    with opened(bucket=False) as store:
        client = store.client()
        for ask in (
            lambda: list(client.keys("")),
            lambda: client.read_back("a"),
            lambda: client.put(sending(), only_new=True),
        ):
            with pytest.raises(errors.BucketMissing):
                ask()


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (NoCredentialsError(), errors.BucketCredentialsMissing),
        (ReadTimeoutError(endpoint_url="x"), errors.BucketSilent),
        (EndpointConnectionError(endpoint_url="x"), errors.BucketSilent),
    ],
)
def test_no_answer_has_its_code(
    store: Store, raised: Exception, error: type[errors.HarnessError]
) -> None:
    """No credentials, no network, too slow: each is told apart from a refusal."""

    def fail(**_: Any) -> None:
        raise raised

    store.fault("GetObject", fail)
    with pytest.raises(error):
        store.client().read_back("a")


def test_a_store_that_never_answers_is_given_up() -> None:
    """A server that takes the request and falls silent costs no more than the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", "made-up")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
        client = S3(
            BUCKET,
            region=REGION,
            endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}",
            addressing="path",
            timeout_s=0.2,
            attempts=1,
        )
        with pytest.raises(errors.BucketSilent, match="timeout"):
            client.read_back("a")


def test_the_bucket_must_be_whose_it_should_be(store: Store) -> None:
    """Each request says whose bucket it means: a name is free again when its owner deletes it."""
    seen: list[Any] = []
    store.session.events.register_first(
        "before-send.s3",
        lambda request, **_: seen.append(request.headers.get("x-amz-expected-bucket-owner")),
    )
    client = store.client(account="123456789012")
    client.locks()
    client.put(sending(), only_new=True)
    client.largest_put_bytes = 0
    client.put(sending(key="b"), only_new=True)
    client.read_back("a")
    list(client.keys(""))
    list(client.folders(""))
    assert len(seen) == 8
    assert {each if isinstance(each, str) else each.decode() for each in seen} == {"123456789012"}


def test_no_trailer_is_sent(store: Store) -> None:
    """MinIO and Ceph of many versions would keep it as a part of the file."""
    seen: list[Any] = []
    store.fault("PutObject", lambda request, **_: seen.append(dict(request.headers)))
    store.client().put(sending(), only_new=True)
    names = {name.lower() for name in seen[0]}
    assert "x-amz-trailer" not in names
    assert "content-encoding" not in names
