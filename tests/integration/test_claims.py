"""The claim check of `starter` on the samples: what it ships with is what `kb eval --claims`
finds, and what is quoted is not checked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here
from shared_home import indexed_samples

from kb.config.loading import load_config
from kb.types import Answer, Query
from ui.service.service import Service

REPOSITORY = Path(__file__).parents[2]
SHIPPED = REPOSITORY / "configs" / "claims_starter.json"
# The files whose words are read without OCR.
FOLDERS = ("manuals", "notes", "office", "service", "web")
EXPECTED = json.loads((Path(__file__).parent / "expected" / "samples.json").read_text("utf-8"))
QUESTIONS = [
    q["question"] for q in EXPECTED["questions"] if q.get("source", "").split("/")[0] in FOLDERS
]


def run(*arguments: str | Path) -> str:
    done = subprocess.run(
        [*map(str, arguments)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def claims_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims") / "samples"
    run(sys.executable, "scripts/make_claims.py", folder)
    return folder


def test_the_shipped_threshold_is_what_the_command_finds(claims_set: Path, tmp_path: Path) -> None:
    said = run_here(
        "eval", "--claims", claims_set, "--home", tmp_path, "--profile", "starter", "--json"
    )
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    written = json.loads((tmp_path / "claims.json").read_text("utf-8"))
    assert Path(found["written_to"]) == tmp_path / "claims.json"
    (shipped,) = json.loads(SHIPPED.read_text("utf-8")).items()
    assert shipped[0] == found["scorer"]
    assert shipped[1] == pytest.approx(written[found["scorer"]])
    assert {name: found[name] for name in ("threshold", "precision", "recall")} == pytest.approx(
        {name: shipped[1][name] for name in ("threshold", "precision", "recall")}
    )
    assert found["precision"] >= 0.9
    assert found["recall"] >= 0.8


def test_the_claims_are_of_both_languages_and_labels(claims_set: Path) -> None:
    lines = (claims_set / "claims.jsonl").read_text("utf-8").splitlines()
    claims = [json.loads(line) for line in lines]
    labels = [claim["supported"] for claim in claims]
    assert labels.count(True) == labels.count(False) > 80
    chinese = [claim for claim in claims if any("一" <= char <= "鿿" for char in claim["claim"])]
    assert 20 < len(chinese) < len(claims) / 2


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home, _ = indexed_samples(tmp_path_factory)
    service = Service(home, load_config(home))
    yield service
    service.close()


def answers(service: Service, question: str) -> list[Answer]:
    return [event for event in service.ask(Query(text=question)) if isinstance(event, Answer)]


def test_a_quote_is_its_own_evidence(service: Service) -> None:
    n_answered = 0
    for question in QUESTIONS:
        (answer,) = answers(service, question)
        n_answered += bool(answer.citations)
        assert (answer.claims, answer.check_error) == ((), "")
    assert n_answered > len(QUESTIONS) / 2
