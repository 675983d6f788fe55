"""`kb eval --answers` on a small set, and on the samples, whose floor holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import Said, run_here, run_program
from shared_home import indexed_samples

from kb.config.loading import load_config
from kb.evaluate.answers import judge_all, summarise
from kb.evaluate.retrieval import EvalQuery, load_queries
from kb.types import Answer
from ui.service.service import Service

REPOSITORY = Path(__file__).parents[2]
SAMPLES_SET = REPOSITORY.parent / "shared" / "eval" / "samples-answers"


def kb_eval(*arguments: str | Path) -> Said:
    return run_here("eval", *arguments)


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    (folder / "corpus").mkdir(parents=True)
    (folder / "corpus" / "boat.md").write_text(
        "# The boat\n\nThe ferry to Oland leaves the north quay at seven in the morning.\n", "utf-8"
    )
    (folder / "corpus" / "soup.md").write_text(
        "# The soup\n\nThe lentil soup simmers for forty minutes and is salted last.\n", "utf-8"
    )
    questions = [
        {
            "id": "1",
            "text": "When does the ferry to Oland leave?",
            "answers": [["seven"]],
            "relevant": [{"source": "boat.md"}],
            "kind": "time",
        },
        {
            "id": "2",
            "text": "Which painter was born in Delft?",
            "answers": [],
            "relevant": [],
            "kind": "nothing",
        },
    ]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, questions)), "utf-8")
    return folder


def test_answers_are_judged_and_counted(small_set: Path, tmp_path: Path) -> None:
    done = run_program("eval", small_set, "--answers", "--home", tmp_path / "home", "--json")
    assert done.code == 0, done.err
    result: dict[str, Any] = json.loads(done.out)
    assert (result["n_queries"], result["n_unanswerable"]) == (2, 1)
    assert [one["verdict"] for one in result["questions"]] == ["right", "right_refusal"]
    assert result["kinds"]["all"]["cited"] == 1
    shown = kb_eval(small_set, "--answers", "--home", tmp_path / "home")
    assert "1 of 1 answerable questions answered right, 1 of 1 others refused" in shown.out


def test_ranking_is_measured_on_what_something_answers(small_set: Path, tmp_path: Path) -> None:
    done = kb_eval(small_set, "--home", tmp_path / "home", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["n_queries"], result["n_unanswerable"], result["hit@1"]) == (2, 1, 1.0)


def test_a_corpus_elsewhere(small_set: Path, tmp_path: Path) -> None:
    corpus = (small_set / "corpus").rename(tmp_path / "elsewhere")
    missing = kb_eval(small_set, "--home", tmp_path / "home")
    assert missing.code == 1
    assert "--corpus" in missing.err
    done = kb_eval(small_set, "--corpus", corpus, "--home", tmp_path / "home", "--json")
    assert json.loads(done.out)["hit@1"] == 1.0


@pytest.mark.skipif(not SAMPLES_SET.is_dir(), reason="../shared/eval is not there")
def test_the_samples_are_answered_no_worse_than_before(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home, _ = indexed_samples(tmp_path_factory)
    service = Service(home, load_config(home))

    def answer(item: EvalQuery) -> Answer:
        images = [item.image] if item.image else []
        return service.kb.answer(service.make_query(item.text, images, item.video))

    counts = summarise(judge_all(load_queries(SAMPLES_SET / "queries.jsonl"), answer))["all"]
    service.close()
    assert counts["right"] >= 44
    assert counts["wrong"] + counts["false_answer"] <= 5
    assert counts["right_refusal"] >= 16
