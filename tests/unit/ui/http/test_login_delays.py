from __future__ import annotations

import base64

import pytest
from starlette.datastructures import Headers

from ui.http.login import Caller, Login
from ui.http.login_delays import LoginDelays


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def basic(password: str) -> Headers:
    given = base64.b64encode(f"kb:{password}".encode()).decode()
    return Headers({"Authorization": f"Basic {given}"})


def test_delays_grow_and_pass() -> None:
    clock = Clock()
    delays = LoginDelays(clock)
    waits = []
    for n in range(20):
        delays.note_wrong("192.0.2.1", str(n).encode())
        waits.append(delays.wait_s("192.0.2.1"))
        clock.now_s += delays.wait_s("192.0.2.1")
    assert waits[:8] == [0, 0, 0, 0, 0, 1, 2, 4]
    assert waits[-1] == 60
    assert delays.wait_s("192.0.2.1") == 0
    clock.now_s += 3600
    delays.note_wrong("192.0.2.1", b"x")
    assert delays.wait_s("192.0.2.1") == 0


def test_another_address_does_not_wait() -> None:
    delays = LoginDelays(Clock())
    for n in range(50):
        delays.note_wrong("192.0.2.1", str(n).encode())
        delays.note_wrong(f"2001:db8::{n:x}", str(n).encode())
        delays.note_wrong("::ffff:192.0.2.3", str(n).encode())
    assert delays.wait_s("192.0.2.2") == 0
    assert delays.wait_s("2001:db8:0:1::1") == 0
    assert delays.wait_s("2001:db8::ffff") > 0
    assert delays.wait_s("192.0.2.3") > 0


def test_the_same_wrong_password_counts_once() -> None:
    delays = LoginDelays(Clock())
    for _ in range(50):
        delays.note_wrong("192.0.2.1", b"stale")
    assert delays.wait_s("192.0.2.1") == 0


def test_memory_is_bounded() -> None:
    delays = LoginDelays(Clock())
    for n in range(30_000):
        delays.note_wrong(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", b"x")
    assert len(delays._records) == 10_000


@pytest.mark.parametrize("address", ["", "testclient", "fe80::1%eth0", "999.1.1.1"])
def test_any_address_will_do(address: str) -> None:
    delays = LoginDelays(Clock())
    for n in range(10):
        delays.note_wrong(address, str(n).encode())
    assert delays.wait_s(address) > 0


def test_a_login_waits_and_the_command_line_does_not() -> None:
    clock = Clock()
    login = Login("t0ken", "right", LoginDelays(clock))
    for n in range(8):
        assert login.caller(basic(f"wrong{n}"), "192.0.2.1") is Caller.NOBODY
    assert login.wait_s(basic("right"), "192.0.2.1") > 0
    assert login.wait_s(basic("right"), "192.0.2.2") == 0
    assert login.wait_s(Headers({"Authorization": "Bearer t0ken"}), "192.0.2.1") == 0
    assert login.wait_s(Headers({}), "192.0.2.1") == 0
    clock.now_s += 60
    assert login.wait_s(basic("right"), "192.0.2.1") == 0
    assert login.caller(basic("right"), "192.0.2.1") is Caller.PERSON
