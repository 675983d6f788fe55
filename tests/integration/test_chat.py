"""The remote generator against a server that answers well, badly, late, or not at all; and what
whoever asks through `kb up` is told."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from chat_server import DONE, ChatServer, Play, drops, event, refuse, says, send, stream
from made_contents import encoded

from kb.answer.wording import CUT
from kb.config import Home
from kb.config.models import RemoteGeneratorConfig
from kb.errors import InferenceError, PromptTooLongError
from kb.index.assets import AssetStore
from kb.models.generators.remote import RemoteGenerator
from kb.protocols import GeneratorEvent, Note, TextDelta
from kb.text.terms import Language
from kb.types import AnswerStatus, Chunk, Hit, Kind, Locator, Modality, Query
from ui.cli.client import find_server

TEXT = "To reset the device, hold the power button for ten seconds."
QUERY = Query("How do I reset the device?")
WHOLE = stream(says("Hold the power "), says("button [1]."), says(finish="stop"), DONE)
KB = (sys.executable, "-m", "ui.cli")
PING = b": ping\n\n"
PROGRAM = {"X-KB-Request": "1"}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


class Asked:
    """What came of one question: the text so far, and the status or the error."""

    def __init__(self, generator: RemoteGenerator, query: Query = QUERY) -> None:
        place = Locator(page=1)
        chunk = Chunk("1", "d", 0, Kind.PDF, Modality.TEXT, place, TEXT)
        events: list[GeneratorEvent] = []
        self.error: Exception | None = None
        start_s = time.monotonic()
        try:
            events.extend(generator.stream(query, [Hit(chunk, "manual.pdf")]))
        except (InferenceError, PromptTooLongError) as error:
            self.error = error
        self.took_s = time.monotonic() - start_s
        self.text = "".join(event.text for event in events if isinstance(event, TextDelta))
        self.status = next((one for one in events if isinstance(one, AnswerStatus)), None)


@pytest.fixture
def generator(server: ChatServer, tmp_path: Path) -> RemoteGenerator:
    return generator_at(server, tmp_path)


def generator_at(server: ChatServer, tmp_path: Path, **settings: object) -> RemoteGenerator:
    given = {"url": server.url, "model": "m", "n_retries": 1, "timeout_s": 5.0, **settings}
    return RemoteGenerator(RemoteGeneratorConfig.model_validate(given), AssetStore(tmp_path))


class TestWhole:
    @pytest.mark.parametrize(
        "play",
        [
            WHOLE,
            stream(says("Hold the power button [1]."), DONE),
            # All in one event; and without the blank line after the last.
            stream(says("Hold the power button [1].", "stop")),
            stream(says("Hold the power button [1].", "stop").rstrip()),
            # A role first, numbers last, carriage returns, a name, a comment, an event in bits.
            stream(
                event({"choices": []}),
                says(role="assistant", content=""),
                b"event: message\r\n" + says("Hold the ")[:20],
                says("Hold the ")[20:].replace(b"\n", b"\r\n"),
                PING,
                says("power button [1]."),
                says(finish="stop"),
                event({"choices": [], "usage": {"total_tokens": 9}}),
                DONE,
            ),
            # The line stays open after the end.
            stream(says("Hold the power button [1].", "stop"), 8.0),
        ],
    )
    def test_an_answer(self, server: ChatServer, generator: RemoteGenerator, play: Play) -> None:
        server.plays = [play]
        asked = Asked(generator)
        assert (asked.text, asked.error) == ("Hold the power button [1].", None)
        assert asked.status is AnswerStatus.ANSWERED
        assert asked.took_s < 4
        body = server.bodies[0]
        assert body["stream"] is True
        assert TEXT in json.dumps(body["messages"])

    def test_characters_that_are_split(
        self, server: ChatServer, generator: RemoteGenerator
    ) -> None:
        data = event({"choices": [{"index": 0, "delta": {"content": "按住电源键[1]。"}}]})
        data = data.replace(b"\\u6309", "按".encode())
        server.plays = [stream(data[:53], data[53:54], data[54:], DONE)]
        assert Asked(generator).text == "按住电源键[1]。"

    def test_a_picture_goes_as_it_is_stored(
        self, server: ChatServer, generator: RemoteGenerator
    ) -> None:
        server.plays = [WHOLE]
        Asked(generator, Query("what?", images=(encoded(64, 64),)))
        sent = json.dumps(server.bodies[0])
        assert "data:image/png;base64," in sent
        assert "data:image/jpeg" not in sent

    def test_what_the_model_thinks_first_is_no_silence(
        self, server: ChatServer, tmp_path: Path
    ) -> None:
        thoughts = [*drops(says(reasoning_content="hm"), 0.1, 12)]
        server.plays = [stream(*thoughts, says("Hold it [1]."), says(finish="stop"), DONE)]
        asked = Asked(generator_at(server, tmp_path, timeout_s=0.6))
        assert (asked.text, asked.error) == ("Hold it [1].", None)

    def test_an_answer_that_was_cut_says_so(
        self, server: ChatServer, generator: RemoteGenerator
    ) -> None:
        server.plays = [stream(says("Hold the power button [1"), says(finish="length"), DONE)]
        asked = Asked(generator)
        assert asked.text == f"Hold the power button [1]\n\n{CUT[Language.ENGLISH]}"
        assert asked.status is AnswerStatus.ANSWERED

    def test_nothing_but_thoughts(self, server: ChatServer, generator: RemoteGenerator) -> None:
        server.plays = [stream(says(reasoning="hm"), says(finish="length"), DONE)]
        assert "generator.max_new_tokens" in str(Asked(generator).error)


class TestNonsense:
    @pytest.mark.parametrize(
        ("play", "found"),
        [
            (send(b"<html>Welcome to nginx</html>", "text/html"), "Welcome to nginx"),
            (send(b"", "text/event-stream"), "''"),
            (send(b'{"choices": [{"message": {}}]}', "application/json"), '{"choices": '),
            (send(b'{"object": "list", "data": []}', "application/json"), '"object"'),
            (send(b"\x89PNG\r\n\xff\x00" * 3_000_000, "image/png"), "PNG"),
            (stream(event({"object": "chat.completion.chunk"})), "chat.completion.chunk"),
            (stream(event("{oops")), "{oops"),
            (stream(event({"choices": [{"index": 0}]})), "the event"),
            (stream(event({"choices": [{"message": {"content": "x"}}]})), "the event"),
            (stream(event({"choices": [{"delta": None}]})), "the event"),
            (stream(event({"choices": [{"delta": {"content": 7}}]})), "the event"),
            (stream(event({"choices": {"delta": {}}})), "the event"),
            (stream(event({"choices": [7]})), "the event"),
            (stream(event([1, 2])), "[1, 2]"),
            (stream(event("null")), "null"),
        ],
    )
    def test_is_named(
        self, server: ChatServer, generator: RemoteGenerator, play: Play, found: str
    ) -> None:
        server.plays = [play]
        asked = Asked(generator)
        assert isinstance(asked.error, InferenceError)
        told = str(asked.error)
        assert found in told
        assert "stream of chat completions was expected" in told
        assert "generator.url" in told
        assert len(told) < 600
        assert len(server.bodies) == 1

    @pytest.mark.parametrize("end", [DONE, says(finish="stop")])
    def test_an_end_without_a_beginning(
        self, server: ChatServer, generator: RemoteGenerator, end: bytes
    ) -> None:
        server.plays = [stream(says(role="assistant"), end)]
        asked = Asked(generator)
        assert asked.text == ""
        assert "before the first word" in str(asked.error)

    def test_after_some_text(self, server: ChatServer, generator: RemoteGenerator) -> None:
        server.plays = [stream(says("Hold the power button [1]. And"), event("{oops"))]
        asked = Asked(generator)
        assert asked.text.strip() == "Hold the power button [1]. And"
        assert "{oops" in str(asked.error)


class TestBrokenOff:
    @pytest.mark.parametrize(
        ("end", "why"),
        [
            ((), "without a sign that it is whole"),
            ((event({"error": {"message": "CUDA out of memory"}}),), "CUDA out of memory"),
            ((says(finish="abort"),), "'abort'"),
            ((says(finish="content_filter"),), "'content_filter'"),
        ],
    )
    def test_the_text_so_far_is_shown_and_then_the_error(
        self, server: ChatServer, generator: RemoteGenerator, end: tuple[bytes, ...], why: str
    ) -> None:
        server.plays = [stream(says("Hold the power button [1]. Then "), says("`press"), *end)]
        asked = Asked(generator)
        assert asked.text.rstrip() == "Hold the power button [1]. Then `press"
        assert asked.status is None
        assert isinstance(asked.error, InferenceError)
        assert "The answer broke off" in str(asked.error)
        assert why in str(asked.error)

    def test_the_connection_is_lost(self, server: ChatServer, generator: RemoteGenerator) -> None:
        piece = says("Hold the power button [1].")

        def lose(handler: object) -> None:
            # Fewer bytes than were announced.
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999"
            handler.wfile.write(head + b"\r\n\r\n" + piece)  # type: ignore[attr-defined]

        server.plays = [lose]
        asked = Asked(generator)
        assert asked.text.rstrip() == "Hold the power button [1]."
        assert "broke off" in str(asked.error)


class TestTooLate:
    def test_a_server_that_hangs_is_asked_once(self, server: ChatServer, tmp_path: Path) -> None:
        server.plays = [lambda _: time.sleep(3)]
        asked = Asked(generator_at(server, tmp_path, timeout_s=0.5, n_retries=3))
        told = str(asked.error)
        assert re.search(r"did not answer within 0\.5 s \(1 try, 0\.[5-9] s in all\)", told)
        assert "generator.timeout_s" in told
        assert asked.took_s < 1.5
        assert len(server.bodies) == 1

    @pytest.mark.parametrize(
        "idle", [PING, event({"choices": []}), says(), says(""), b"event: ping\n\n"]
    )
    def test_what_keeps_the_line_open_is_no_answer(
        self, server: ChatServer, tmp_path: Path, idle: bytes
    ) -> None:
        server.plays = [stream(*drops(idle, 0.1, 40))]
        asked = Asked(generator_at(server, tmp_path, timeout_s=0.5))
        assert "did not answer within 0.5 s" in str(asked.error)
        assert asked.took_s < 1.5

    def test_silence_in_the_middle(self, server: ChatServer, tmp_path: Path) -> None:
        for gap in ([3.0], [*drops(PING, 0.1, 30)]):
            server.plays = [stream(says("Hold the power button [1]."), *gap)]
            asked = Asked(generator_at(server, tmp_path, timeout_s=0.5))
            assert asked.text.rstrip() == "Hold the power button [1]."
            assert "fell silent for 0.5 s in the middle of its answer" in str(asked.error)
            assert asked.took_s < 1.5

    def test_a_slow_answer_is_read_to_its_end(self, server: ChatServer, tmp_path: Path) -> None:
        server.plays = [stream(*drops(says("so "), 0.2, 8), says("[1].", "stop"), DONE)]
        asked = Asked(generator_at(server, tmp_path, timeout_s=0.6))
        assert (asked.text, asked.error) == ("so " * 8 + "[1].", None)


class TestRefused:
    def test_a_failure_that_passes(self, server: ChatServer, generator: RemoteGenerator) -> None:
        server.plays = [refuse(503, "loading"), WHOLE]
        assert Asked(generator).text == "Hold the power button [1]."
        assert len(server.bodies) == 2

    def test_a_failure_that_stays(self, server: ChatServer, generator: RemoteGenerator) -> None:
        server.plays = [refuse(500, "CUDA error")]
        told = str(Asked(generator).error)
        assert "failed (500): CUDA error" in told
        assert "(2 tries, " in told
        assert len(server.bodies) == 2

    def test_an_hour_is_not_waited(self, server: ChatServer, generator: RemoteGenerator) -> None:
        server.plays = [refuse(429, "quota", **{"Retry-After": "3600"})]
        told = str(Asked(generator).error)
        assert "asks to wait 3600 s, longer than the 60 s that are waited for (1 try, " in told
        assert len(server.bodies) == 1

    @pytest.mark.parametrize(
        "said",
        [
            "This model's maximum context length is 4096 tokens. However, you requested 9000.",
            "the request exceeds the available context size, try increasing it",
        ],
    )
    def test_more_than_the_model_reads(
        self, server: ChatServer, generator: RemoteGenerator, said: str
    ) -> None:
        server.plays = [refuse(400, said)]
        asked = Asked(generator)
        assert isinstance(asked.error, PromptTooLongError)
        assert "generator.max_length" in str(asked.error)
        assert said in str(asked.error)

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            (400, "m is not a multimodal model"),
            (400, "At most 0 image(s) may be provided in one prompt."),
            (500, "image input is not supported - hint: you may need to provide the mmproj"),
        ],
    )
    def test_a_model_that_sees_nothing(
        self, server: ChatServer, generator: RemoteGenerator, status: int, said: str
    ) -> None:
        server.plays = [refuse(status, said)]
        asked = Asked(generator, Query("what?", images=(encoded(64, 64),)))
        assert "generator.pictures: false" in str(asked.error)

    @pytest.mark.parametrize("prompt", ["long", "short"])
    def test_is_asked_again_with_words_alone(
        self, server: ChatServer, tmp_path: Path, prompt: str
    ) -> None:
        server.plays = [refuse(400, "this model does not support image input"), WHOLE]
        place = Locator(page=1)
        chunk = Chunk("1", "d", 0, Kind.PDF, Modality.TEXT, place, TEXT)
        generator = generator_at(server, tmp_path, prompt=prompt)
        query = Query("How do I reset this?", images=(encoded(64, 64),))
        events = list(generator.stream(query, [Hit(chunk, "manual.pdf")]))
        assert Note("The model reads words only: it was shown no picture.") in events
        assert events[-1] is AnswerStatus.ANSWERED
        first, second = (body["messages"][1]["content"] for body in server.bodies)
        assert any(part["type"] == "image_url" for part in first)
        assert isinstance(second, str)
        assert "How do I reset this?" in second

    def test_is_set_to_be_shown_nothing(self, server: ChatServer, tmp_path: Path) -> None:
        server.plays = [WHOLE]
        place = Locator(page=1)
        chunk = Chunk("1", "d", 0, Kind.PDF, Modality.TEXT, place, TEXT)
        generator = generator_at(server, tmp_path, pictures=False)
        note = Note("The model reads words only: it was shown no picture.")
        query = Query("How do I reset this?", images=(encoded(64, 64),))
        assert note in list(generator.stream(query, [Hit(chunk, "manual.pdf")]))
        asked = Query("How do I reset it?")
        assert note not in list(generator.stream(asked, [Hit(chunk, "manual.pdf")]))
        assert all(isinstance(body["messages"][1]["content"], str) for body in server.bodies)

    def test_another_model_and_another_refusal(
        self, server: ChatServer, generator: RemoteGenerator
    ) -> None:
        server.plays = [refuse(404, "no such model")]
        assert "no model 'm'" in str(Asked(generator).error)
        assert "served/model" in str(Asked(generator).error)
        server.plays = [refuse(400, "temperature must be 1")]
        assert "failed (400): temperature must be 1" in str(Asked(generator).error)
        server.plays = [refuse(302, "", Location="http://127.0.0.1:1/")]
        assert "failed (302)" in str(Asked(generator).error)

    def test_the_key_is_never_shown(self, server: ChatServer, tmp_path: Path) -> None:
        generator = generator_at(server, tmp_path, api_key="sk-secret", n_retries=0)
        for play in (
            refuse(400, "the key sk-secret may not"),
            refuse(500, "the key sk-secret failed"),
            send(b"the key sk-secret", "text/plain"),
            stream(event({"error": "the key sk-secret"})),
            stream(event("sk-secret")),
            refuse(401, "the key sk-secret"),
        ):
            server.plays = [play]
            told = str(Asked(generator).error)
            assert "The " in told
            assert "sk-secret" not in told


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture(scope="module")
def home(shared_server: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with `kb up` running on it, whose answers come from the chat server."""
    home = Home(tmp_path_factory.mktemp("chat"))
    home.library.mkdir()
    (home.library / "pump.md").write_text("# Pump\n\nThe pump hums at 40 decibels.\n")
    home.config.write_text(
        f"generator: {{kind: remote, url: '{shared_server.url}', model: m, n_retries: 0,\n"
        "  max_length: 2048, max_new_tokens: 256}\n"
    )
    log = (home.path / "log.txt").open("wb")
    command = [*KB, "up", "--port", "0", "--no-browser"]
    process = subprocess.Popen(
        [*command, "--profile", "starter", "--home", str(home.path)],
        stdout=log,
        stderr=log,
        env=os.environ | {"OLLAMA_HOST": shared_server.url},
    )
    try:
        deadline_s = time.monotonic() + 120
        while (client := find_server(home)) is None or not client.status()["counts"]["indexed"]:
            assert process.poll() is None, (home.path / "log.txt").read_text()
            assert time.monotonic() < deadline_s, (home.path / "log.txt").read_text()
            if client is not None:
                client.close()
            time.sleep(0.2)
        client.close()
        yield home.path
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        log.close()


def ask(
    home: Path, *options: str, question: str = "How loud is the pump?"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KB, "ask", question, "--home", str(home), *options],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    )


def asked_over_http(home: Path, text: str = "How loud is the pump?") -> list[dict[str, Any]]:
    client = find_server(Home(home))
    assert client is not None
    url = client.url
    client.close()
    response = httpx.post(f"{url}/api/ask", data={"text": text}, headers=PROGRAM, timeout=60)
    assert response.status_code == 200
    return [json.loads(line) for line in response.text.splitlines()]


OF_A_PICTURE = "What animal is this?"
CIRCLE = "It hums and hums at the pump. " * 40
FAILURES = [
    (send(b"<html>hello</html>", "text/html"), "generator.url"),
    (stream(event("{oops")), "{oops"),
    (stream(event([1, 2])), "[1, 2]"),
    (stream(says("At 40 decibels [1].")), "broke off"),
    (refuse(400, "maximum context length is 9 tokens"), "generator.max_length"),
    (stream(says("", "stop"), DONE), "before the first word"),
    (stream(says("I do not say.", "stop"), DONE), "no answer that cites a source"),
    (stream(says("NOT_FOUND", "stop"), DONE), "no answer that cites a source"),
    (stream(says(CIRCLE), says(CIRCLE, "stop"), DONE), "repeats itself"),
]
SAID = {
    "",
    "At 40 decibels [1].",
    "I do not say.",
    "Nothing in the sources answers this question.",
    CIRCLE.strip(),
}


class TestThroughTheServer:
    def test_an_answer(self, home: Path, shared_server: ChatServer) -> None:
        shared_server.plays = [stream(says("At 40 decibels [1].", "stop"), DONE)]
        result = ask(home, "--json")
        assert result.returncode == 0, result.stderr
        answer = json.loads(result.stdout)
        assert answer["answer"] == "At 40 decibels [1]."
        assert answer["citations"][0]["source"] == "pump.md"

    def test_the_quotes_come_before_it(self, home: Path, shared_server: ChatServer) -> None:
        shared_server.plays = [stream(says("At 40 decibels [1].", "stop"), DONE)]
        lines = asked_over_http(home)
        (draft,) = [line["draft"] for line in lines if "draft" in line]
        assert draft["answer"] == "The pump hums at 40 decibels. [1]"
        assert "draft" in lines[0]
        answer = lines[-1]["answer"]
        assert answer["answer"] == "At 40 decibels [1]."
        assert (answer["note"], answer["probability"]) == (None, draft["probability"])
        assert {"quote", "generate", "check"} <= set(answer["timings_ms"])

    def test_nothing_is_asked_of_the_model_where_nothing_answers(
        self, home: Path, shared_server: ChatServer
    ) -> None:
        shared_server.plays = [stream(says("In Paris [1].", "stop"), DONE)]
        n_asked = len(shared_server.bodies)
        answer = asked_over_http(home, "Where was the composer of the opera born?")[-1]["answer"]
        assert answer["status"] == "no_evidence"
        assert len(shared_server.bodies) == n_asked

    @pytest.mark.parametrize("options", [(), ("--json",)])
    @pytest.mark.parametrize(("play", "told"), FAILURES)
    def test_the_quotes_stand_where_it_fails(
        self,
        home: Path,
        shared_server: ChatServer,
        play: Play,
        told: str,
        options: tuple[str, ...],
    ) -> None:
        shared_server.plays = [play]
        result = ask(home, *options)
        assert result.returncode == 0, result.stderr
        if options:
            answer = json.loads(result.stdout)
            assert told in answer["note"]
            assert answer["answer"] == "The pump hums at 40 decibels. [1]"
            assert answer["citations"][0]["source"] == "pump.md"
        else:
            before, after = result.stdout.split("The pump hums at 40 decibels. [1]")
            assert told in after
            assert before.strip() in SAID

    @pytest.mark.parametrize(("play", "told"), FAILURES[:5])
    def test_without_quotes_a_failure_fails_the_command(
        self, home: Path, shared_server: ChatServer, play: Play, told: str, tmp_path: Path
    ) -> None:
        # Where only a picture could tell, words can't say that nothing answers.
        picture = tmp_path / "picture.png"
        picture.write_bytes(encoded(200, 150).data)
        shared_server.plays = [play]
        result = ask(home, "--image", str(picture), "--folder", "nowhere", question=OF_A_PICTURE)
        assert result.returncode == 1
        assert told in result.stderr
        assert "Traceback" not in result.stderr

    def test_another_model_writes_one_answer(
        self, home: Path, shared_server: ChatServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OLLAMA_HOST", shared_server.url)
        shared_server.plays = [stream(says("Forty decibels [1].", "stop"), DONE)]
        result = ask(home, "--generator", "served/model", "--json")
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["answer"] == "Forty decibels [1]."
        assert shared_server.bodies[-1]["model"] == "served/model"
        result = ask(home, "--generator", "ollama/other")
        assert result.returncode == 1
        assert "Here are: ollama/served/model" in result.stderr

    def test_quotes_alone(self, home: Path, shared_server: ChatServer) -> None:
        n_asked = len(shared_server.bodies)
        result = ask(home, "--generator", "quotes")
        assert result.stdout.startswith("The pump hums at 40 decibels. [1]")
        assert "Note" not in result.stdout
        assert len(shared_server.bodies) == n_asked

    def test_only_the_command_line_names_another(self, home: Path) -> None:
        client = find_server(Home(home))
        assert client is not None
        client.close()
        data = {"text": "How loud is the pump?", "generator": "ollama/served/model"}
        url = f"{client.url}/api/ask"
        response = httpx.post(url, data=data, headers=PROGRAM, timeout=60)
        assert response.status_code == 403
        assert "Only the command line" in response.json()["error"]["message"]
        data["generator"] = "quotes"
        response = httpx.post(url, data=data, headers=PROGRAM, timeout=60)
        assert response.status_code == 200
        assert "draft" not in response.text

    def test_the_status_says_whose_turn_it_is(self, home: Path, shared_server: ChatServer) -> None:
        client = find_server(Home(home))
        assert client is not None
        url = client.url
        client.close()

        picture = {"image": ("picture.png", encoded(200, 150).data)}
        nowhere = {"filters": '{"folder": ["nowhere"]}'}

        def status(text: str = OF_A_PICTURE, **more: object) -> int:
            return httpx.post(  # type: ignore[arg-type]
                f"{url}/api/ask",
                data={"text": text, **nowhere},
                headers=PROGRAM,
                timeout=60,
                **({"files": picture} | more),
            ).status_code

        shared_server.plays = [refuse(400, "maximum context length is 9 tokens")]
        assert status() == 413
        assert status("how loud is it " * 3000) == 413
        strip = {"image": ("strip.png", encoded(3000, 8).data)}
        assert status(files=strip) == 422
        shared_server.plays = [refuse(500, "CUDA error")]
        assert status() == 503
        shared_server.plays = [stream(says("At 40"))]
        data = {"text": OF_A_PICTURE, **nowhere}
        response = httpx.post(
            f"{url}/api/ask", data=data, files=picture, headers=PROGRAM, timeout=60
        )
        assert response.status_code == 200
        *_, last = response.text.splitlines()
        assert json.loads(last)["error"]["type"] == "InferenceError"
