"""Connections that are slow or many are ended.

A client that sends its request one byte a minute holds a connection for as long as it likes, and
uvicorn counts none of that: its time limit is for idle connections between two requests.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, ClassVar

import h11
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from kb.config import LimitsConfig
from ui.http.addresses import network_of

__all__ = ["limited_protocol"]

# A body comes at this speed at least, over all of it; a slow line has several times as much.
_MIN_BYTES_PER_S = 1024
_LOOK_S = 1.0


class _Connection(H11Protocol):
    """HTTP/1.1 with time limits and a limit of connections."""

    limits: ClassVar[LimitsConfig]
    counts: ClassVar[Counter[str]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._address = ""
        self._timer: asyncio.TimerHandle | None = None
        self._waits_since_s = self.loop.time()
        self._heard_s = self._waits_since_s
        self._n_bytes = 0
        self._cycle: object = None

    # -- how many ------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = network_of(self.client[0]) if self.client else ""
        self.counts[self._address] += 1
        is_over = self.counts.total() > self.limits.max_connections
        if is_over or self.counts[self._address] > self.limits.max_connections // 2:
            self.logger.warning("Too many connections; one of %s was closed", self._address)
            transport.abort()
            return
        self._timer = self.loop.call_later(_LOOK_S, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        self.counts[self._address] -= 1
        if not self.counts[self._address]:
            del self.counts[self._address]

    # -- how slow ------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        now_s = self.loop.time()
        if self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is not None:
            # The first bytes of another request on the same connection.
            self._waits_since_s = now_s
        self._heard_s = now_s
        self._n_bytes += len(data)
        super().data_received(data)

    def _look(self) -> None:
        if self.transport.is_closing():
            return
        self._timer = self.loop.call_later(_LOOK_S, self._look)
        now_s = self.loop.time()
        if self.cycle is not self._cycle:
            # Its headers are here.
            self._cycle = self.cycle
            self._waits_since_s = self._heard_s = now_s
            self._n_bytes = 0
        state = self.conn.their_state
        if state is h11.IDLE:
            # Between two requests the time limit of uvicorn holds.
            is_late = self.timeout_keep_alive_task is None and (
                now_s - self._waits_since_s > self.limits.header_timeout_s
            )
        elif state is h11.SEND_BODY and not self.flow.read_paused:
            is_late = (
                now_s - self._heard_s > self.limits.body_timeout_s
                or now_s - self._waits_since_s - self.limits.body_timeout_s
                > self._n_bytes / _MIN_BYTES_PER_S
            )
        else:
            # The request is here, or it is us who let it wait.
            self._heard_s = now_s
            self._waits_since_s += _LOOK_S
            is_late = False
        if is_late:
            self.transport.abort()


def limited_protocol(limits: LimitsConfig) -> type[H11Protocol]:
    """The class of connections for `uvicorn.Config`, whose number is counted for one server."""
    return type("LimitedConnection", (_Connection,), {"limits": limits, "counts": Counter()})
