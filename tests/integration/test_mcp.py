"""`kb mcp` and ``/mcp`` asked by the protocol's own client: as chat programs start the one, and as
programs elsewhere reach the other."""

from __future__ import annotations

import asyncio
import base64
import io
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2  # of mcp
import pymupdf
import pytest
from browser_parts import REPO, Server, running_server
from made_home import make_home
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from kb.config import Home
from kb.config.loading import load_config
from ui.service.service import Service
from ui.service.tokens import Tokens, TokenScope


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An indexed one, with a page and a picture."""
    path = make_home(tmp_path_factory.mktemp("mcp"))
    with pymupdf.open() as document:
        for words in ("First page.", "The gate is painted green."):
            document.new_page(width=300, height=200).insert_text((30, 60), words)
        document.save(path / "library" / "gate.pdf")
    Image.linear_gradient("L").convert("RGB").save(path / "library" / "gradient.png")
    place = Home(path)
    service = Service(place, load_config(place))
    service.sync()
    service.close()
    return path


@dataclass
class Served:
    """A home whose library is served.

    Attributes:
        url: Of the server; empty where `kb mcp` is started.
    """

    home: Path
    url: str = ""


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    with running_server(home, KB_PASSWORD="secret") as started:
        yield started


@pytest.fixture(scope="module", params=["alone", "beside a server", "over HTTP"])
def served(request: pytest.FixtureRequest, home: Path) -> Served:
    """The home, with the index in the command's own process, or in that of `kb up`; and without a
    command."""
    if request.param == "alone":
        return Served(home)
    server: Server = request.getfixturevalue("server")
    return Served(home, server.url if request.param == "over HTTP" else "")


def bearer(home: Path, *scopes: TokenScope) -> dict[str, str]:
    """The login of a token that is made for it."""
    token = Tokens(Home(home)).create(secrets.token_hex(8), scopes)
    return {"Authorization": f"Bearer {token}"}


def talk(served: Served, do: Callable[[Client], Awaitable[None]]) -> None:
    """Start `kb mcp` on a home, or reach its server, and speak with it."""
    # Its environment is not passed on.
    arguments = ["-m", "ui.cli", "mcp", "--home", str(served.home)]
    command = StdioServerParameters(command=sys.executable, args=arguments, cwd=REPO)

    async def main() -> None:
        if not served.url:
            async with Client(command, read_timeout_seconds=90) as client:
                await do(client)
            return
        login = bearer(served.home, TokenScope.READ)
        async with httpx2.AsyncClient(headers=login, timeout=90) as http:
            transport = streamable_http_client(f"{served.url}/mcp", http_client=http)
            for mode in ("auto", "legacy"):
                async with Client(transport, read_timeout_seconds=90, mode=mode) as client:
                    await do(client)
                transport = streamable_http_client(f"{served.url}/mcp", http_client=http)

    asyncio.run(main())


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured result of a tool."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def picture_of(contents: Any) -> Image.Image:
    assert contents.contents[0].mime_type == "image/jpeg"
    return Image.open(io.BytesIO(base64.b64decode(contents.contents[0].blob)))


def test_a_program_searches_asks_and_opens(served: Served) -> None:
    async def do(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {*tools} == {"search", "ask", "open"}
        for tool in tools.values():
            assert tool.description
            assert tool.output_schema
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
        found = await call(client, "search", query="how loud is the pump", top=1)
        (hit,) = found["results"]
        assert (hit["source"], hit["text"]) == ("pump.md", "The pump hums at 40 decibels.")
        answer = await call(client, "ask", question="How loud is the pump?")
        assert answer["status"] == "answered"
        assert "40 decibels" in answer["answer"]
        (citation,) = answer["citations"]
        assert citation["source"] == "pump.md"
        opened = await call(client, "open", id=citation["id"])
        assert citation["quote"] in opened["text"]
        read = await client.read_resource(citation["passage_uri"])
        assert read.contents[0].text == opened["text"]  # type: ignore[union-attr]
        nothing = await call(client, "ask", question="Who won the regatta in 1931?")
        assert (nothing["status"], nothing["citations"]) == ("no_evidence", [])

        templates = (await client.list_resource_templates()).resource_templates
        assert len(templates) == 3
        pages = await call(client, "search", query="gate painted green", kinds=["pdf"])
        page = next(hit for hit in pages["results"] if hit["page"] == 2)
        assert picture_of(await client.read_resource(page["page_uri"])).width > 100
        pictures = await call(client, "search", query="gradient", kinds=["image"])
        (shown,) = pictures["results"]
        assert shown["source"] == "gradient.png"
        assert picture_of(await client.read_resource(shown["picture_uri"])).size == (256, 256)

        for tool, arguments, said in (
            ("search", {"query": " "}, "Nothing was asked"),
            ("search", {"query": "x" * 9000}, "over the limit of 8,000"),
            ("search", {"query": "pump", "top": 0}, "top"),
            ("search", {"query": "pump", "kinds": ["nope"]}, "kinds"),
            ("open", {"id": "00000000-0000-0000-0000-000000000000"}, "no such passage"),
            ("open", {"id": "../../status"}, "is no id"),
            ("ask", {}, "question"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error, (tool, arguments)
            assert said in str(result.content), (tool, arguments)
            assert str(served.home) not in str(result.content)
        for uri in ("kb://pictures/" + "0" * 64, "kb://passages/x", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    talk(served, do)


def test_over_http_it_has_the_locks_of_all_else(server: Server, home: Path) -> None:
    called = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "search", "arguments": {"query": "pump", "top": 1}},
    }
    takes = {"Accept": "application/json, text/event-stream"}
    reads = bearer(home, TokenScope.READ)
    adds = bearer(home, TokenScope.ADD)
    with httpx.Client(base_url=server.url, headers=takes, timeout=60) as client:

        def status(**arguments: Any) -> int:
            answer = client.post("/mcp", **arguments)
            if answer.is_error and answer.status_code in (401, 403):
                assert answer.headers["content-type"] == "application/problem+json"
            return answer.status_code

        assert status(json=called, headers=reads) == 200
        assert status(json=called) == 401
        assert status(json=called, headers=adds) == 403
        assert status(json=called, auth=("kb", "secret")) == 403  # of a page elsewhere, perhaps
        assert status(json=called, auth=("kb", "secret"), headers={"X-KB-Request": "1"}) == 200
        assert status(json=called, headers=reads | {"Origin": "http://evil.example"}) == 403
        assert status(content=b"x" * (5 << 20), headers=reads) == 413
        json = reads | {"Content-Type": "application/json"}
        for body in (b"", b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"[" * 100_000, b"\xff\xfe"):
            assert status(content=body, headers=json) in (400, 413), body[:20]
        for headers in ({"Mcp-Session-Id": "another's"}, {"Mcp-Protocol-Version": "<bad>"}):
            assert status(json=called, headers=reads | headers) in (200, 400, 404), headers
        for method in ("GET", "DELETE", "PUT", "HEAD"):
            assert client.request(method, "/mcp", headers=reads).status_code == 405
        for path in ("/mcp/", "/mcp/x", "/mcp2"):
            assert client.post(path, json=called, headers=reads).status_code == 404
