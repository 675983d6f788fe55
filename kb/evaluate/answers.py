"""How well answers answer questions whose facts are known.

An answer is compared as a reader would: without letter case, white space, Markdown, citation
marks and commas inside numbers. A form that begins or ends with a digit must not be part of a
longer number, and a form of one word must stand at a word's start ("ember" is not in "September").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kb.evaluate.retrieval import EvalQuery, RankedPlace
from kb.types import Answer, AnswerStatus, Citation

__all__ = ["Judged", "Verdict", "holds_facts", "judge", "judge_all", "refusal_curve", "summarise"]

_CITATION = re.compile(r"\[\d+(?:\s*[,、]\s*\d+)*\](?!\()")
_LINK = re.compile(r"!?\[([^\[\]\n]*+)\]\([^()\s]*+\)")
_ESCAPE = re.compile(r"\\(?=[^\w\s])")
_MARKS = re.compile(r"[*_`]|~~|^[ \t]*(?:#+|>+)[ \t]", re.MULTILINE)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FOLDED = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"’": "'", "‘": "'", "|": ";"})
_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
_WORD = re.compile(r"[a-z][a-z0-9-]*")


class Verdict(StrEnum):
    """What became of a question.

    WRONG: answered without a fact that it needs, or with what must not be there. FALSE_REFUSAL:
    not answered, though the corpus answers. FALSE_ANSWER: answered, though nothing does. OTHER:
    answered, and not with what must not be there; whether it is right nobody has noted.
    """

    RIGHT = "right"
    WRONG = "wrong"
    FALSE_REFUSAL = "false_refusal"
    RIGHT_REFUSAL = "right_refusal"
    FALSE_ANSWER = "false_answer"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with the verdict on its answer.

    Attributes:
        is_cited: Whether a citation of the answer is at a relevant place.
        missing: Facts that the answer lacks, each as its accepted forms.
        unwanted: Strings in it that show that something else was answered.
        probability: That what was found answers; see `Answer`.
    """

    query: EvalQuery
    text: str
    verdict: Verdict
    is_cited: bool
    missing: tuple[tuple[str, ...], ...] = ()
    unwanted: tuple[str, ...] = ()
    probability: float | None = None

    @property
    def is_answered(self) -> bool:
        """Whether there was an answer at all."""
        return self.verdict not in (Verdict.FALSE_REFUSAL, Verdict.RIGHT_REFUSAL)


def judge(query: EvalQuery, answer: Answer) -> Judged:
    """The verdict on one answer: right where each fact of the question occurs in one of its
    accepted forms, and nothing unwanted does; of a question whose places are known and no facts,
    where it cites one of them."""
    said = _plain(answer.text)
    is_answered = answer.status is AnswerStatus.ANSWERED
    missing = _missing(query, said)
    unwanted = tuple(form for form in query.must_not if _occurs(form, said))
    is_cited = is_answered and any(
        _is_at(citation, place) for citation in answer.citations for place in query.relevant
    )
    if not is_answered:
        verdict = Verdict.FALSE_REFUSAL if query.is_answerable else Verdict.RIGHT_REFUSAL
    elif query.is_answerable is False:
        verdict = Verdict.FALSE_ANSWER
    elif missing or unwanted:
        verdict = Verdict.WRONG
    elif query.answers or is_cited:
        verdict = Verdict.RIGHT
    else:
        verdict = Verdict.WRONG if query.relevant else Verdict.OTHER
    if not is_answered:
        missing, unwanted = (), ()
    return Judged(query, answer.text, verdict, is_cited, missing, unwanted, answer.probability)


def judge_all(queries: Sequence[EvalQuery], ask: Callable[[EvalQuery], Answer]) -> list[Judged]:
    """Ask every question and judge its answer."""
    return [judge(query, ask(query)) for query in queries]


def summarise(judged: Sequence[Judged]) -> dict[str, dict[str, int | None]]:
    """By kind of question, then for ``all``: ``n``, how many had each verdict, ``cited`` right,
    and the answers' ``mean_chars``, None where nothing was answered."""
    kinds = dict.fromkeys(one.query.kind for one in judged)
    table = {kind: _counts(one for one in judged if one.query.kind == kind) for kind in kinds}
    return {**table, "all": _counts(judged)}


def holds_facts(query: EvalQuery, text: str) -> bool:
    """Whether `text` holds every fact that `query` wants."""
    return not _missing(query, _plain(text))


def _missing(query: EvalQuery, said: str) -> tuple[tuple[str, ...], ...]:
    return tuple(forms for forms in query.answers if not any(_occurs(form, said) for form in forms))


def refusal_curve(judged: Sequence[Judged]) -> list[dict[str, float | None]]:
    """By ``threshold`` of the probability, the share of answerable questions that it would have
    refused, ``false_refusals``, and of the others that it would have answered, ``false_answers``;
    None where there are no such questions. What was answered without a probability, as by a table,
    is answered at every threshold, what was refused without one at none."""

    def share(rows: Sequence[Judged], threshold: float) -> float | None:
        return sum(_reached(one) >= threshold for one in rows) / len(rows) if rows else None

    answerable = [one for one in judged if one.query.is_answerable]
    others = [one for one in judged if one.query.is_answerable is False]
    curve: list[dict[str, float | None]] = []
    for threshold in _THRESHOLDS:
        answered = share(answerable, threshold)
        refused = None if answered is None else 1 - answered
        curve.append(
            {
                "threshold": threshold,
                "false_refusals": refused,
                "false_answers": share(others, threshold),
            }
        )
    return curve


def _reached(one: Judged) -> float:
    return float(one.is_answered) if one.probability is None else one.probability


def _counts(judged: Iterable[Judged]) -> dict[str, int | None]:
    rows = list(judged)
    lengths = [len(row.text) for row in rows if row.is_answered]
    return {
        "n": len(rows),
        **{verdict.value: sum(row.verdict is verdict for row in rows) for verdict in Verdict},
        "cited": sum(row.is_cited for row in rows),
        "mean_chars": round(sum(lengths) / len(lengths)) if lengths else None,
    }


def _plain(text: str) -> str:
    """`text` as it is compared; its white space is still there."""
    text = _LINK.sub(r"\1", _CITATION.sub(" ", text))
    text = _MARKS.sub("", _ESCAPE.sub("", text))
    text = unicodedata.normalize("NFKC", text.translate(_FOLDED)).casefold()
    return _THOUSANDS.sub("", text)


def _occurs(form: str, said: str) -> bool:
    form = _plain(form).strip()
    pattern = r"\s*".join(re.escape(char) for char in form if not char.isspace())
    if form[0].isdigit():
        pattern = r"(?<!\d)(?<!\d\.)" + pattern
    elif _WORD.fullmatch(form):
        pattern = r"(?<![a-z])" + pattern
    if form[-1].isdigit():
        pattern += r"(?!\d)(?!\.\d)"
    return re.search(pattern, said) is not None


def _is_at(citation: Citation, place: RankedPlace) -> bool:
    """Whether a citation is at a relevant place, as finely as the place is given."""
    locator = citation.locator
    if citation.source != place.source:
        return False
    if place.page is not None and locator.page != place.page:
        return False
    if place.start_s is None:
        return True
    if locator.start_s is None:
        return False
    end_s = locator.start_s if locator.end_s is None else locator.end_s
    place_end_s = place.start_s if place.end_s is None else place.end_s
    if locator.start_s == end_s or place.start_s == place_end_s:
        return locator.start_s <= place_end_s and end_s >= place.start_s
    return locator.start_s < place_end_s and end_s > place.start_s
