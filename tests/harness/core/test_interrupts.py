"""Ctrl-C and SIGTERM: the first ends in order, and nothing comes between shielded lines."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from fixtures.core import interrupts

pytestmark = pytest.mark.usefixtures("signals_as_before")


def send(number: signal.Signals) -> None:
    """Send this process a signal; its handler has run when this returns."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_one_stops(number: signal.Signals) -> None:
    """The first signal raises, and its name is known."""
    with interrupts.handled():
        with pytest.raises(KeyboardInterrupt, match=number.name):
            send(number)
        assert interrupts.stopped_by() == number.name


def test_next_ones_change_nothing() -> None:
    """An impatient operator tears nothing: every further signal is ignored."""
    with interrupts.handled():
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        send(signal.SIGINT)
        send(signal.SIGTERM)
        assert interrupts.stopped_by() == "SIGINT"


def test_shielded_lines_come_to_their_end() -> None:
    """A signal amid shielded lines is raised after the last of them, nested ones included."""
    done = []

    def work() -> None:
        with interrupts.shielded():
            with interrupts.shielded():
                send(signal.SIGINT)
                done.append("inner")
            done.append("outer")

    with interrupts.handled(), pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["inner", "outer"]


def test_shield_lets_an_error_through() -> None:
    """An error amid shielded lines is raised as it is."""
    with interrupts.handled(), pytest.raises(ValueError, match="mine"), interrupts.shielded():
        raise ValueError("mine")


def test_handlers_are_put_back() -> None:
    """A session in a session leaves the outer one's handlers as they were, stopped or not."""
    with interrupts.handled():
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with interrupts.handled():
            assert signal.getsignal(signal.SIGTERM) == before[1]
            with pytest.raises(KeyboardInterrupt):
                send(signal.SIGTERM)
        after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        assert after == (before[0], signal.SIG_IGN)
        assert interrupts.stopped_by() == ""


def test_a_session_that_was_stopped_leaves_both_ignored() -> None:
    """Where Python's own handlers stood before, an impatient last Ctrl-C changes nothing."""
    for number, own in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
    ):
        signal.signal(number, own)
    with interrupts.handled(), pytest.raises(KeyboardInterrupt):
        send(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_other_threads_leave_them_be() -> None:
    """Only the main thread may take signals: in another one nothing happens."""
    failed: list[BaseException] = []

    def use() -> None:
        try:
            with interrupts.handled():
                pass
        except BaseException as wrong:
            failed.append(wrong)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not failed


def test_dropped_one_is_raised_again() -> None:
    """A signal that Python dropped amid a destructor still stops what goes on."""

    class Dying:
        def __del__(self) -> None:
            send(signal.SIGINT)

    with interrupts.handled():
        interrupts.insist()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "unraisablehook", lambda _: None)
            dying = Dying()
            del dying
        with pytest.raises(KeyboardInterrupt, match="SIGINT"):
            interrupts.insist()
