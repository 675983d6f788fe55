from __future__ import annotations

import json
from pathlib import Path

import pytest

from kb.errors import ConfigError
from kb.evaluate.retrieval import EvalQuery, RankedPlace, evaluate, load_queries


def query(*relevant: RankedPlace, id: str = "q") -> EvalQuery:
    return EvalQuery(id, "text", relevant)


def test_values_by_hand() -> None:
    one = query(RankedPlace("a"), RankedPlace("b"))
    values = evaluate([one], lambda _: [RankedPlace(name) for name in "xaxb"])
    assert values["recall@1"] == 0
    assert values["recall@5"] == 1
    assert values["mrr@10"] == pytest.approx(1 / 2)
    # Places 2 and 3, since the second x is the first one again.
    assert values["ndcg@10"] == pytest.approx((1 / 1.5849625 + 1 / 2) / (1 + 1 / 1.5849625))
    assert values["hit@1"] == 0


def test_a_source_counts_once() -> None:
    one = query(RankedPlace("a"))
    ranked = [RankedPlace("x", page) for page in range(1, 15)] + [RankedPlace("a")]
    assert evaluate([one], lambda _: ranked)["recall@5"] == 1


def test_pages_count_where_pages_are_asked_for() -> None:
    one = query(RankedPlace("a", page=2))
    ranked = [RankedPlace("a", 1), RankedPlace("a", 2), RankedPlace("a", 2)]
    values = evaluate([one], lambda _: ranked)
    assert values["mrr@10"] == pytest.approx(1 / 2)
    assert values["recall@10"] == 1


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (RankedPlace("v", start_s=0, end_s=9), 0.0),
        (RankedPlace("v", start_s=0, end_s=12), 1.0),
        (RankedPlace("v", start_s=15), 1.0),
        (RankedPlace("v"), 0.0),
        (RankedPlace("w", start_s=10, end_s=20), 0.0),
    ],
)
def test_seconds_match_where_they_overlap(place: RankedPlace, found: float) -> None:
    one = query(RankedPlace("v", start_s=10, end_s=20))
    assert evaluate([one], lambda _: [place])["hit@1"] == found


def test_a_question_without_results_counts_as_zero() -> None:
    queries = [query(RankedPlace("a"), id="1"), query(RankedPlace("a"), id="2")]
    values = evaluate(queries, lambda one: [RankedPlace("a")] if one.id == "1" else [])
    assert values["recall@10"] == pytest.approx(0.5)


def test_queries_are_read_with_their_files(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    lines = [
        {"id": 1, "text": "t", "relevant": [{"source": "a.pdf", "page": 3}], "answers": ["x"]},
        {"id": "2", "image": "q/1.png", "relevant": [{"source": "b", "start_s": 1, "end_s": 2}]},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    first, second = load_queries(path)
    assert (first.id, first.relevant, first.answers) == ("1", (RankedPlace("a.pdf", 3),), (("x",),))
    assert second.image == tmp_path / "q/1.png"
    assert second.relevant == (RankedPlace("b", None, 1, 2),)


def test_facts_and_forms_of_them(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    lines = [
        {"id": 1, "text": "t", "relevant": [{"source": "a"}], "answers": ["x", "y"]},
        {
            "id": 2,
            "text": "t",
            "relevant": [{"source": "a"}],
            "answers": [["x", "y"], ["z"]],
            "must_not": ["w"],
            "kind": "table",
        },
        {"id": 3, "text": "t", "relevant": [], "answers": []},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    one, two, three = load_queries(path)
    assert one.answers == (("x", "y"),)
    assert two.answers == (("x", "y"), ("z",))
    assert (two.must_not, two.kind) == (("w",), "table")
    assert (three.relevant, three.answers) == ((), ())


def test_what_nothing_answers_has_no_part_in_the_ranking() -> None:
    queries = [query(RankedPlace("a"), id="1"), query(id="2")]
    values = evaluate(queries, lambda _: [RankedPlace("a")])
    assert values["recall@10"] == values["hit@1"] == 1.0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        "[1]",
        '{"id": 1, "relevant": [{"source": "a"}]}',
        '{"id": 1, "text": "t", "relevant": []}',
        '{"id": 1, "text": "t", "relevant": [], "answers": ["x"]}',
        '{"id": 1, "text": "t", "relevant": [{"source": "a"}], "answers": [["x", " "]]}',
        '{"id": 1, "text": "t"}',
        '{"id": 1, "text": "t", "relevant": [{"page": 1}]}',
        '{"id": 1, "text": "t", "relevant": [{"source": "a"}]}\n' * 2,
    ],
)
def test_a_bad_set_is_refused_with_its_place(tmp_path: Path, content: str) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"queries\.jsonl"):
        load_queries(path)


def test_a_missing_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="queries"):
        load_queries(tmp_path / "queries.jsonl")
