from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kb.errors import ConfigError
from kb.index.assets import AssetStore
from kb.protocols import TextDelta
from kb.types import (
    Answer,
    AnswerStatus,
    Box,
    Chunk,
    Citation,
    Claim,
    Filters,
    FrameRef,
    Hit,
    ImageRef,
    Kind,
    Locator,
    Modality,
    Outcome,
    Query,
    SearchResult,
    SourceOutcome,
    SyncReport,
)
from ui.service.wire import answer_json, answer_lines, parse_filters, search_json, sync_json

PAGE = Chunk(
    "id-1",
    "doc",
    0,
    Kind.PDF,
    Modality.TEXT,
    Locator(page=42, boxes=(Box(1, 2, 3, 4),)),
    "Hold the button.",
)


def test_a_mended_question_is_told_beside_the_one_that_was_asked(tmp_path: Path) -> None:
    query = Query(text="the filter", instead_of="the fitler")
    value = search_json(SearchResult(query, (), {}, 1.0), AssetStore(tmp_path))
    assert (value["query"], value["mended"]) == ("the fitler", "the filter")


def test_search_prints_the_promised_fields(tmp_path: Path) -> None:
    hit = Hit(PAGE, "manual.pdf", dense=0.5, sparse=3.0, fused=0.7, rerank=0.9)
    result = SearchResult(Query(text="reset"), (hit,), {"encode": 1.234}, 2.345)
    value = json.loads(json.dumps(search_json(result, AssetStore(tmp_path))))
    assert set(value) == {"query", "results", "timings_ms", "total_time_ms"}
    (item,) = value["results"]
    assert item["rank"] == 1
    assert item["id"] == "id-1"
    assert item["content"] == "Hold the button."
    assert item["embedding_score"] == 0.5
    assert item["rerank_score"] == 0.9
    assert item["metadata"]["source"] == "manual.pdf"
    assert item["metadata"]["page"] == 42
    assert item["metadata"]["modality"] == "text"
    assert item["metadata"]["boxes"] == [[1, 2, 3, 4]]
    assert item["metadata"]["image_path"] is None
    assert item["metadata"]["start_s"] is None


def test_a_clip_shows_the_frame_that_matched(tmp_path: Path) -> None:
    frames = tuple(FrameRef(float(t), ImageRef(f"{t:064}", "image/jpeg", 4, 3)) for t in range(5))
    clip = Chunk(
        "v", "doc", 0, Kind.VIDEO, Modality.VIDEO, Locator(start_s=0, end_s=5), frames=frames
    )
    hit = Hit(clip, "tour.mp4", picture=0.9, time_s=3.0)
    store = AssetStore(tmp_path)
    value = search_json(SearchResult(Query(), (hit,), {}, 0), store)["results"][0]
    assert value["metadata"]["image_path"] == str(store.path(frames[3].image))
    assert value["metadata"]["time_s"] == 3.0
    assert value["embedding_score"] == 0.9


def test_answer_prints_the_promised_fields(tmp_path: Path) -> None:
    citation = Citation(1, "id-1", "manual.pdf", PAGE.locator, "Hold the button.")
    answer = Answer(
        Query(text="reset?"), "Hold it. [1]", AnswerStatus.ANSWERED, (citation,), (), {}, 1.0
    )
    value = answer_json(answer, AssetStore(tmp_path))
    assert value["status"] == "answered"
    assert value["citations"] == [
        {
            "number": 1,
            "id": "id-1",
            "source": "manual.pdf",
            "page": 42,
            "start_s": None,
            "end_s": None,
            "boxes": [[1, 2, 3, 4]],
            "anchor": None,
            "quote": "Hold the button.",
        }
    ]


def test_claims_come_with_their_scores_in_one_last_answer(tmp_path: Path) -> None:
    first = Answer(Query(text="q"), "So [1].", AnswerStatus.ANSWERED, (), (), {}, 1.0)
    claims = (
        Claim("So.", 0, 7, (1,), 0.25, is_weak=True),
        Claim("Or.", 8, 15, (1, 2), None, is_weak=None),
    )
    events = [TextDelta("So [1]."), first, replace(first, claims=claims)]
    lines = json.loads(json.dumps([*answer_lines(Query("q"), events, AssetStore(tmp_path))]))
    assert [set(line) for line in lines] == [{"text"}, {"answer"}]
    assert lines[-1]["answer"]["claims"] == [
        {"text": "So.", "citations": [1], "score": 0.25, "weak": True},
        {"text": "Or.", "citations": [1, 2], "score": None, "weak": None},
    ]
    assert lines[-1]["answer"]["check_error"] is None
    failed = answer_json(replace(first, check_error="down"), AssetStore(tmp_path))
    assert (failed["claims"], failed["check_error"]) == ([], "down")


def test_sync_prints_files_and_every_count() -> None:
    value = sync_json(SyncReport((SourceOutcome("a.pdf", Outcome.FAILED, "Empty."),), 5.0))
    assert value["files"] == [
        {"source": "a.pdf", "outcome": "failed", "reason": "Empty.", "n_chunks": 0}
    ]
    assert value["counts"]["failed"] == 1
    assert set(value["counts"]) == {outcome.value for outcome in Outcome}


def test_filters_are_read_and_mistakes_refused() -> None:
    text = json.dumps({"folder": ["a"], "kind": ["pdf"], "after_ns": 5})
    assert parse_filters(text) == Filters(folders=("a",), kinds=(Kind.PDF,), after_ns=5)
    changed = json.dumps({"changed_after_ns": 5, "changed_before_ns": 6})
    assert parse_filters(changed) == Filters(changed_after_ns=5, changed_before_ns=6)
    assert parse_filters("{}") == Filters()
    for wrong in ('{"kind": ["spreadsheet"]}', '{"colour": 1}', "nonsense"):
        with pytest.raises(ConfigError, match="filters"):
            parse_filters(wrong)
