"""Unit tests reach no network: a socket is an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    # Unix sockets are how worker processes are spoken to.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
