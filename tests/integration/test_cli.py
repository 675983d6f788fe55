"""The command line as a program: exit codes, JSON on stdout, and going through a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, run_here, run_program
from PIL import Image
from shared_home import copy_home

from kb.config import Home
from ui.cli.client import find_server
from ui.service.server_note import ServerNote


def kb(*arguments: str, home: Path, code: int = 0, by: Callable[..., Said] = run_here) -> Said:
    said = by(*arguments, "--home", home)
    assert said.code == code, said.err or said.out
    return said


def kb_json(*arguments: str, home: Path, by: Callable[..., Said] = run_here) -> Any:
    return json.loads(kb(*arguments, "--json", home=home, by=by).out)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli")
    library = Home(home).library
    library.mkdir()
    (library / "pump.md").write_text("# Pump\n\nThe pump hums at 40 decibels.\n")
    (library / "水泵.md").write_text("# 水泵\n\n水泵的噪音是四十分贝。\n")
    (library / "empty.pdf").write_bytes(b"")
    Image.linear_gradient("L").convert("RGB").save(library / "gradient.png")
    report = kb_json("sync", home=home, by=run_program)
    assert report["counts"]["added"] == 3
    assert report["counts"]["failed"] == 1
    return home


def test_search_and_ask_in_json(home: Path) -> None:
    found = kb_json("search", "how loud is the pump", "--top", "2", home=home, by=run_program)
    assert found["results"][0]["metadata"]["source"] == "pump.md"
    assert len(found["results"]) <= 2
    assert {"encode", "retrieve", "rerank", "assemble"} <= set(found["timings_ms"])
    picture = str(Home(home).library / "gradient.png")
    found = kb_json("search", "--image", picture, home=home)
    assert found["results"][0]["metadata"]["source"] == "gradient.png"
    answer = kb_json("ask", "水泵的噪音是多少？", home=home)
    assert answer["status"] == "answered"
    assert answer["citations"][0]["source"] == "水泵.md"
    assert kb_json("ask", "Who painted the Mona Lisa?", home=home)["status"] == "no_evidence"


def test_a_slip_is_mended_told_and_left_where_that_is_asked_for(home: Path) -> None:
    found = kb_json("search", "decibles of the pump", home=home)
    assert (found["query"], found["mended"]) == ("decibles of the pump", "decibels of the pump")
    assert "mended" not in kb_json("search", "decibles of the pump", "--as-written", home=home)
    assert "mended" not in kb_json("search", 'the "decibles" of the pump', home=home)
    assert "instead of" in kb("search", "decibles of the pump", home=home).out
    answer = kb_json("ask", "How many decibles has the pump?", home=home)
    assert answer["mended"] == "How many decibels has the pump?"
    assert "40 decibels" in answer["answer"]


def test_dates_of_content_and_of_files(tmp_path: Path) -> None:
    library = Home(tmp_path).library
    library.mkdir()
    for name, day in (("2019-03-01 valve.md", 1_700_000_000), ("tank.md", 1_600_000_000)):
        (library / name).write_text(f"# {name}\n\nThe valve of {name} was tried.\n")
        os.utime(library / name, (day, day))
    kb_json("sync", home=tmp_path)

    def found(*limits: str) -> set[str]:
        result = kb_json("search", "valve", *limits, home=tmp_path)
        return {one["metadata"]["source"] for one in result["results"]}

    # The name tells the day of one; of the other nothing but its file's date, 2020-09-13.
    assert found("--before", "2020-01-01") == {"2019-03-01 valve.md"}
    assert found("--after", "2019-03-02") == {"tank.md"}
    assert found("--changed-after", "2023-01-01") == {"2019-03-01 valve.md"}
    assert found("--changed-before", "2023-01-01") == {"tank.md"}


def test_people_get_text_on_stdout_and_nothing_else(home: Path) -> None:
    result = kb("ask", "How loud is the pump?", home=home, by=run_program)
    assert "40 decibels" in result.out
    assert "[1] pump.md" in result.out
    assert result.err == ""
    assert "pump.md" in kb("search", "pump", home=home).out
    text = kb("status", home=home).out
    assert "empty.pdf" in text
    assert "512 tokens" in text


def test_a_batch_answers_line_by_line(home: Path, tmp_path: Path) -> None:
    lines = [{"id": "a", "text": "pump"}, {"id": "b", "image": "q.png"}]
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "q.png")
    batch = tmp_path / "queries.jsonl"
    batch.write_text("\n".join(map(json.dumps, lines)) + "\n")
    result = kb("search", "--batch", str(batch), "--json", home=home)
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert [answer["id"] for answer in answers] == ["a", "b"]
    assert answers[1]["results"][0]["metadata"]["source"] == "gradient.png"


def test_a_line_of_a_batch_that_fails_stops_no_other(home: Path, tmp_path: Path) -> None:
    Image.new("RGB", (40, 40)).save(tmp_path / "q.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    lines = [
        '{"text": "no id"}',
        "no JSON",
        '{"id": "gone", "image": "gone.png"}',
        '{"id": "broken", "image": "broken.png"}',
        '{"id": "good", "text": "pump"}',
    ]
    batch = tmp_path / "queries.jsonl"
    batch.write_text("\n".join(lines), "utf-8")
    failed = kb("search", "--batch", str(batch), "--json", home=home, code=1)
    answers = [json.loads(line) for line in failed.out.splitlines()]
    assert [answer["id"] for answer in answers] == [None, None, "gone", "broken", "good"]
    assert [answer.get("line") for answer in answers] == [1, 2, 3, 4, None]
    assert "gone.png" in answers[2]["error"]
    assert answers[4]["results"]
    assert "4 lines" in failed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("search",),
        ("ask", "  "),
        ("search", "--image", "nowhere.png"),
        ("search", "pump", "--kind", "spreadsheet"),
        ("status", "--profile", "nosuch"),
        ("sync", "--rebuild", "--dry-run"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_2(home: Path, arguments: tuple[str, ...]) -> None:
    result = kb(*arguments, home=home, code=2)
    assert result.out == ""
    assert "Traceback" not in result.err


def test_failures_end_with_1_and_say_what_to_do(home: Path, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"not a picture")
    result = kb("search", "--image", str(tmp_path / "x.png"), home=home, code=1, by=run_program)
    assert result.err.startswith("kb: ")
    assert "Traceback" not in result.err
    result = kb("sync", str(tmp_path / "nowhere"), home=home, code=1)
    assert "Create it, or name another" in result.err
    (tmp_path / "kb.yaml").write_text("retrieve: {alfa: 1}")
    result = kb("status", home=tmp_path, code=1)
    assert "did you mean 'alpha'" in result.err


def test_doctor_and_models(home: Path) -> None:
    assert kb_json("doctor", home=home)["is_sound"] is True
    stray = Home(home).assets / "ab" / ("ab" * 32 + ".jpg")
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"stray")
    assert "--repair" in kb("doctor", home=home, code=1).out
    assert kb_json("doctor", "--repair", home=home)["is_sound"] is True
    assert not stray.exists()
    assert all(model["ok"] for model in kb_json("models", home=home)["models"])


def test_eval_prints_the_measures(home: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "set" / "corpus"
    corpus.mkdir(parents=True)
    for name, text in (("a.txt", "The lamp glows blue."), ("b.txt", "The gate opens at seven.")):
        (corpus / name).write_text(text)
    queries = [
        {"id": "1", "text": "When does the gate open?", "relevant": [{"source": "b.txt"}]},
        {"id": "2", "text": "What colour is the lamp?", "relevant": [{"source": "a.txt"}]},
    ]
    (tmp_path / "set" / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    result = kb_json("eval", str(tmp_path / "set"), "--set", "retrieve.alpha=0.5", home=home)
    assert result["set"] == "set"
    assert result["n_queries"] == 2
    for measure in ("recall@1", "recall@5", "recall@10", "ndcg@10", "mrr@10", "hit@1"):
        assert result[measure] == 1.0


def test_shell_completion_is_offered(home: Path) -> None:
    environment = {
        **os.environ,
        "_KB_COMPLETE": "complete_bash",
        "COMP_WORDS": "kb se",
        "COMP_CWORD": "1",
    }
    program = Path(sys.executable).with_name("kb")
    result = subprocess.run([program], env=environment, capture_output=True, text=True)
    assert "search" in result.stdout


@pytest.fixture(scope="module")
def served(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of `home`, which `server` has open."""
    return copy_home(home, tmp_path_factory.mktemp("served") / "home")


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "ui.cli",
            "up",
            "--no-browser",
            "--port",
            "0",
            "--json",
            "--home",
            str(served),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    text = ""
    while not text.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, "the server ended"
        text += line
    yield json.loads(text)["url"]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) in (0, 130)
    process.stdout.close()


def test_commands_go_through_a_running_server(served: Path, server: str) -> None:
    client = find_server(Home(served))
    assert client is not None
    client.close()
    assert client.url == server
    note = ServerNote(Home(served)).path
    assert note.stat().st_mode & 0o077 == 0
    found = kb_json("search", "how loud is the pump", home=served, by=run_program)
    assert found["results"][0]["metadata"]["source"] == "pump.md"
    (Home(served).library / "gate.md").write_text("# Gate\n\nThe gate opens at seven.\n")
    kb_json("sync", home=served)
    answer = kb_json("ask", "When does the gate open?", home=served)
    assert answer["citations"][0]["source"] == "gate.md"
    assert kb_json("status", home=served)["n_files"] == 5
    assert "A server runs" in kb("doctor", home=served, code=1).err
    assert "A server runs" in kb("sync", "--rebuild", home=served, code=1).err


def test_another_profile_than_the_server_s_is_not_passed_over(served: Path, server: str) -> None:
    told = kb("search", "pump", "--profile", "remote", home=served, code=1).err
    assert "answers with the profile 'starter'" in told
    assert kb_json("search", "pump", "--profile", "starter", home=served)["results"]


def test_the_server_of_another_home_is_not_asked(served: Path, server: str, tmp_path: Path) -> None:
    """A note that outlived its server, whose port another has by now."""
    other = Home(tmp_path / "other")
    other.library.mkdir(parents=True)
    (other.library / "lamp.md").write_text("# Lamp\n\nThe lamp is amber.\n")
    ServerNote(other).write(server, "a token of a server that is gone")
    assert find_server(other) is None
    kb_json("sync", home=other.path)
    found = kb_json("search", "how loud is the pump", home=other.path)
    assert {result["metadata"]["source"] for result in found["results"]} <= {"lamp.md"}


def test_a_home_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "mistyped"
    for command in (["search", "x"], ["ask", "x"], ["status"], ["doctor"], ["sync", "--dry-run"]):
        told = kb(*command, home=missing, code=1).err
        assert "There is no knowledge base in" in told
        assert "--home" in told
        assert not missing.exists()
    assert "A new knowledge base is made in" in kb("sync", home=missing).err
    assert kb_json("status", home=missing)["n_files"] == 0


def test_the_watcher_indexes_what_is_dropped_and_forgets_what_goes(
    served: Path, server: str
) -> None:
    client = find_server(Home(served))
    assert client is not None
    path = Home(served).library / "dropped.md"

    def sources() -> set[str]:
        found = client.search("siren wails", [], None, "{}", 10)
        return {result["metadata"]["source"] for result in found["results"]}

    path.write_text("# Siren\n\nThe siren wails at noon.\n")
    assert _within(60, lambda: "dropped.md" in sources())
    path.unlink()
    assert _within(60, lambda: "dropped.md" not in sources())
    client.close()


def _within(limit_s: float, condition: Any) -> bool:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.3)
    return False
