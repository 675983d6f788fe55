"""How well ranked results answer questions whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ir_measures
from ir_measures import RR, R, Success, nDCG

from kb.errors import ConfigError

__all__ = ["EvalQuery", "RankedPlace", "evaluate", "load_queries"]

_MEASURES = {
    "recall@1": R @ 1,
    "recall@5": R @ 5,
    "recall@10": R @ 10,
    "ndcg@10": nDCG @ 10,
    "mrr@10": RR @ 10,
    "hit@1": Success @ 1,
}
_PLACE_FIELDS = ("page", "start_s", "end_s")


@dataclass(frozen=True, slots=True)
class RankedPlace:
    """A file, or a page or a stretch of seconds in it: what a result shows, or what a
    question's answer stands in."""

    source: str
    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class EvalQuery:
    """A question with the places that answer it.

    Attributes:
        image: File of a picture that is asked with.
        video: File of a clip that is asked with.
        relevant: Places that answer it, all equally; none where nothing in the corpus does.
        answers: Facts of the answer, where the set gives them, each as its accepted forms.
        must_not: Strings that show that something else was answered.
        kind: What sort of question it is, for counts by kind.
        is_answerable: Whether the corpus answers it; None: nobody knows, only what is no answer.
    """

    id: str
    text: str
    relevant: tuple[RankedPlace, ...]
    image: Path | None = None
    video: Path | None = None
    answers: tuple[tuple[str, ...], ...] = ()
    must_not: tuple[str, ...] = ()
    kind: str = ""
    is_answerable: bool | None = True


def load_queries(path: Path) -> list[EvalQuery]:
    """The questions of a set's ``queries.jsonl``; pictures and clips lie relative to it.

    A question without places and facts is one that nothing in the corpus answers. Where it has
    ``"answerable": true`` the corpus answers it, though nobody has noted where; with null, all
    that is known are the strings of ``must_not``.

    Raises:
        ConfigError: The file is missing, or a line is not a question.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The questions in {path} can't be read ({error}). An evaluation set is a folder "
            "with corpus/ and queries.jsonl."
        ) from error
    queries = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            queries.append(_query(json.loads(line), path.parent))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"Line {number} of {path} is not a question: {error!r}. Expected an object with "
                '"id", "text" or "image" or "video", and "relevant": [{"source": …}].'
            ) from error
    if not queries:
        raise ConfigError(f"{path} holds no questions. Write one JSON object a line.")
    ids = [query.id for query in queries]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise ConfigError(f"{path} gives the id {twice[0]!r} twice. Give each question its own.")
    return queries


def evaluate(
    queries: Sequence[EvalQuery], search: Callable[[EvalQuery], Sequence[RankedPlace]]
) -> dict[str, float]:
    """Mean over `queries` of recall@1/5/10, nDCG@10, MRR@10 and hit@1 by ir-measures.

    Results are counted once per source; per page for questions whose places name pages, and
    per stretch of video for those whose places name seconds, where an overlap is a match.
    recall@k is the places found in the first k over all places of the question. Questions
    that nothing in the corpus answers have no part in it.

    Args:
        search: Places for a question, best first; give enough for ten different sources.
    """
    queries = [query for query in queries if query.relevant]
    qrels = [
        ir_measures.Qrel(query.id, f"relevant {index}", 1)
        for query in queries
        for index in range(len(query.relevant))
    ]
    run = [
        ir_measures.ScoredDoc(query.id, name, -rank)
        for query in queries
        for rank, name in enumerate(_names(query, search(query)))
    ]
    values = ir_measures.calc_aggregate(list(_MEASURES.values()), qrels, run)
    return {name: float(values[measure]) for name, measure in _MEASURES.items()}


def _names(query: EvalQuery, places: Sequence[RankedPlace]) -> Iterator[str]:
    """A name for each different place: that of the relevant one it matches, or its own."""
    by_page = any(place.page is not None for place in query.relevant)
    by_time = any(place.start_s is not None for place in query.relevant)
    seen: set[str] = set()
    for place in places:
        matches = [
            f"relevant {index}"
            for index, relevant in enumerate(query.relevant)
            if _matches(place, relevant)
        ]
        other = (
            place.source,
            place.page if by_page else None,
            (place.start_s, place.end_s) if by_time else None,
        )
        name = next((name for name in matches if name not in seen), "")
        if not matches:
            name = f"other {other}"
        if name and name not in seen:
            seen.add(name)
            yield name


def _matches(place: RankedPlace, relevant: RankedPlace) -> bool:
    if place.source != relevant.source:
        return False
    if relevant.page is not None and place.page != relevant.page:
        return False
    if relevant.start_s is None:
        return True
    if place.start_s is None:
        return False
    place_end_s = place.start_s if place.end_s is None else place.end_s
    relevant_end_s = relevant.start_s if relevant.end_s is None else relevant.end_s
    return place.start_s <= relevant_end_s and relevant.start_s <= place_end_s


def _query(value: dict[str, Any], folder: Path) -> EvalQuery:
    relevant = tuple(
        RankedPlace(place["source"], *(place.get(name) for name in _PLACE_FIELDS))
        for place in value["relevant"]
    )
    answers = _facts(value.get("answers", []))
    is_answerable = value.get("answerable", bool(relevant))
    if is_answerable not in (True, False, None):
        raise ValueError(f"answerable is {is_answerable!r}, neither true nor false nor null")
    if not relevant and is_answerable is False and ("answers" not in value or answers):
        raise ValueError(
            "no relevant place; a question that nothing answers has [] for relevant and for answers"
        )
    text, image, video = value.get("text", ""), value.get("image"), value.get("video")
    if not (text or image or video):
        raise ValueError("neither text nor image nor video")
    return EvalQuery(
        id=str(value["id"]),
        text=text,
        relevant=relevant,
        image=folder / image if image else None,
        video=folder / video if video else None,
        answers=answers,
        must_not=tuple(map(_form, value.get("must_not", ()))),
        kind=str(value.get("kind", "")),
        is_answerable=is_answerable,
    )


def _facts(answers: list[Any]) -> tuple[tuple[str, ...], ...]:
    """Facts of accepted forms; plain strings are forms of one fact."""
    plain = [form for form in answers if isinstance(form, str)]
    facts = [plain] if plain else []
    facts += [fact for fact in answers if not isinstance(fact, str)]
    return tuple(tuple(map(_form, fact)) for fact in facts)


def _form(form: str) -> str:
    if not form.strip():
        raise ValueError("an empty form of an answer")
    return form
