"""`kb mcp` asked by the protocol's own client, as chat programs start it."""

from __future__ import annotations

import asyncio
import base64
import io
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from browser_parts import REPO, running_server
from made_home import make_home
from mcp import Client, MCPError, StdioServerParameters
from PIL import Image

from kb.config import Home
from kb.config.loading import load_config
from ui.service.service import Service


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


@pytest.fixture(scope="module", params=["alone", "beside a server"])
def served(request: pytest.FixtureRequest, home: Path) -> Iterator[Path]:
    """The home, with the index in the command's own process, or in that of `kb up`."""
    if request.param == "alone":
        yield home
        return
    with running_server(home, KB_PASSWORD="secret"):
        yield home


def talk(home: Path, do: Callable[[Client], Awaitable[None]]) -> None:
    """Start `kb mcp` on a home and speak with it."""
    # Its environment is not passed on.
    arguments = ["-m", "ui.cli", "mcp", "--home", str(home)]
    command = StdioServerParameters(command=sys.executable, args=arguments, cwd=REPO)

    async def main() -> None:
        async with Client(command, read_timeout_seconds=90) as client:
            await do(client)

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


def test_a_program_searches_asks_and_opens(served: Path) -> None:
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
            assert str(served) not in str(result.content)
        for uri in ("kb://pictures/" + "0" * 64, "kb://passages/x", "file:///etc/passwd"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)

    talk(served, do)
