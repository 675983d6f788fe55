"""How many connections an address holds; how slow they may be is tested over real HTTP."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from kb.config import LimitsConfig
from ui.http.connections import limited_protocol


class Wire(asyncio.Transport):
    """A connection from an address."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1), "sockname": ("::1", 2)})
        self.is_open = True

    def abort(self) -> None:
        self.is_open = False

    def is_closing(self) -> bool:
        return not self.is_open


def n_open(addresses: list[str]) -> int:
    """How many stay open of connections from `addresses`, where one may hold 10."""

    async def connect() -> int:
        protocol = limited_protocol(LimitsConfig(max_connections=20))
        config = Config(_nothing, http=protocol)
        wires = [Wire(address) for address in addresses]
        for wire in wires:
            protocol(config, ServerState(), {}).connection_made(wire)
        return sum(wire.is_open for wire in wires)

    return asyncio.run(connect())


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("of", "n"),
    [
        ("192.0.2.1", 10),
        ("192.0.2.{}", 15),
        ("2001:db8::{:x}", 10),
        ("2001:db8::{:x}%eth0", 10),
        ("::ffff:192.0.2.1", 10),
        ("::ffff:192.0.2.{}", 15),
        ("2001:db8:0:{:x}::1", 15),
    ],
)
def test_an_address_holds_half_and_of_ipv6_a_network(of: str, n: int) -> None:
    assert n_open([of.format(k + 1) for k in range(15)]) == n
