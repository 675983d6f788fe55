"""Train what says whether a passage answers a question: ``python scripts/train_relevance.py SET…``.

Each SET is a folder with ``corpus/`` and ``queries.jsonl`` whose questions have ``answers``. A
passage answers where it stands in a relevant source and holds every fact. Beside the questions as
they are, each is asked with its own sources taken away, and with one of its numbers or names put in
place of another: then nothing answers, though much looks alike. And each is asked in other words:
most of its words are taken for such as no passage has, while its vector stays, so that what is near
in meaning counts where words do not. Printed is how many of the
questions are refused falsely and answered falsely, by threshold, each question judged by a model
that has seen neither it nor another on the same source; written is
``kb/answer/refusal/relevance.json``. Run it again after changing the encoder or a feature.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ingest.sync import Syncer  # noqa: E402  the root must be importable first
from kb.answer.extractive.passages import find_passages  # noqa: E402
from kb.answer.extractive.question import Question  # noqa: E402
from kb.answer.refusal.features import ACROSS, FEATURES, Reader, is_across  # noqa: E402
from kb.answer.refusal.judge import candidates  # noqa: E402
from kb.answer.refusal.model import Logistic, RelevanceModel  # noqa: E402
from kb.answer.refusal.nearness import Nearness  # noqa: E402
from kb.build import open_knowledge_base  # noqa: E402
from kb.config import Home  # noqa: E402
from kb.config.loading import load_config  # noqa: E402
from kb.evaluate.answers import holds_facts  # noqa: E402
from kb.evaluate.retrieval import EvalQuery, RankedPlace, load_queries  # noqa: E402
from kb.knowledge_base import KnowledgeBase  # noqa: E402
from kb.protocols import Float32Array  # noqa: E402
from kb.text.chinese import names as chinese_names  # noqa: E402
from kb.types import Hit, Query  # noqa: E402

_N_HITS = 40
_NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?!\w)")
_NAME = re.compile(r"(?<=[\w,;:] )[A-Z][\w’-]+")
_MAX_FALSE_REFUSALS = 0.09
# Of the questions that have a number, how many get another: the others get another name.
_SHARE_OF_NUMBERS = 0.6
# In other words: how many words are others, and what such an asking weighs. With 0 the words of
# real questions say nearly all, and of those in other words three of four are refused.
_SHARE_OF_WORDS = 0.7
_WEIGHT_IN_OTHER_WORDS = 0.15


@dataclass(frozen=True)
class Asked:
    """One asking: the features of its passages, and which of them answer."""

    query: EvalQuery
    way: str
    is_in_other_words: bool
    table: Float32Array
    across: list[bool]
    answers: list[bool]

    @property
    def group(self) -> str:
        """Questions on one source are trained with or tested, never both."""
        return self.query.relevant[0].source if self.query.relevant else self.query.id


def samples() -> list[EvalQuery]:
    """The questions that the samples are tested with: rows, steps, subtitles, words in pictures."""
    expected = ROOT / "tests" / "integration" / "expected" / "samples.json"
    queries = []
    for number, one in enumerate(json.loads(expected.read_text("utf-8"))["questions"]):
        is_answerable = one.get("answerable", True)
        sources = [one["source"], *one.get("also", [])] if is_answerable else []
        facts = ((one["quote_contains"],),) if is_answerable else ()
        places = tuple(map(RankedPlace, sources))
        queries.append(EvalQuery(f"samples {number}", one["question"], places, answers=facts))
    return queries


def ask_all(
    queries: Sequence[EvalQuery], corpus: Path, n_questions: int
) -> tuple[list[Asked], str]:
    """Every asking of a set, and the fingerprint of the encoder."""
    queries = [query for query in queries if query.text]
    random.Random(0).shuffle(queries)
    with tempfile.TemporaryDirectory(prefix="kb-train-") as temporary:
        home = Home(Path(temporary))
        kb = open_knowledge_base(home, load_config(home, "starter"))
        try:
            Syncer(kb).sync([corpus.resolve()])
            nearness = Nearness(kb.encoders.dense)
            asked = [
                _asked(kb, nearness, query, way, text, hits, is_in_other_words=is_in_other_words)
                for query in queries[:n_questions]
                for way, text, hits in _ways(kb, query, queries)
                for is_in_other_words in (False, True)
            ]
            return asked, kb.encoders.dense.fingerprint
        finally:
            kb.close()


def _ways(
    kb: KnowledgeBase, query: EvalQuery, others: Sequence[EvalQuery]
) -> Iterator[tuple[str, str, Sequence[Hit]]]:
    hits = kb.search(Query(text=query.text), _N_HITS).hits
    n_kept = kb.config.retrieve.n_results
    yield "as it is", query.text, hits[:n_kept]
    if not query.relevant:
        return
    own = {place.source for place in query.relevant}
    yield "without its sources", query.text, [hit for hit in hits if hit.source not in own][:n_kept]
    swapped = _swapped(query.text, others)
    if swapped != query.text:
        yield "of another", swapped, kb.search(Query(text=swapped), n_kept).hits


def _swapped(text: str, others: Sequence[EvalQuery]) -> str:
    """`text` with another number, or with a name of another question."""
    chance = random.Random(text)
    if (number := _NUMBER.search(text)) and chance.random() < _SHARE_OF_NUMBERS:
        other = number.group()
        while other == number.group():
            other = re.sub(r"\d", lambda _: chance.choice("123456789"), other)
        return text[: number.start()] + other + text[number.end() :]
    others = chance.sample(others, min(20, len(others)))
    for find in (_NAME.findall, chinese_names):
        foreign = [name for query in others for name in find(query.text) if name not in text]
        # A Chinese name is told in simplified characters.
        own = [name for name in find(text) if name in text]
        if own and foreign:
            return text.replace(chance.choice(own), chance.choice(foreign))
    return text


def _asked(
    kb: KnowledgeBase,
    nearness: Nearness,
    query: EvalQuery,
    way: str,
    text: str,
    hits: Sequence[Hit],
    *,
    is_in_other_words: bool,
) -> Asked:
    question = _in_other_words(text) if is_in_other_words else Question.of(text)
    parts = kb.parts(hits)
    found = find_passages(question, parts)
    chosen = candidates(question, found.passages, parts)
    table = Reader(question, parts, found.weights, nearness.to(text)).read(chosen)
    sources = {place.source for place in query.relevant} if way == "as it is" else set()
    answers = [
        parts[one.hit_index].source in sources
        and holds_facts(query, parts[one.hit_index].chunk.text[one.start : one.end])
        for one in chosen
    ]
    across = [is_across(question, one, parts[one.hit_index]) for one in chosen]
    return Asked(query, way, is_in_other_words, table, across, answers)


def _in_other_words(text: str) -> Question:
    """`text` taken apart, with most of its terms such as no text has."""
    chance = random.Random(text)
    question = Question.of(text)
    stems = tuple(
        f"{stem}\0" if chance.random() < _SHARE_OF_WORDS else stem for stem in question.stems
    )
    same = {other: stem for other, stem in question.same.items() if stem in stems}
    return replace(question, stems=stems, same=same, pairs=tuple(pairwise(stems)))


def fit(asked: Sequence[Asked], names: Sequence[str]) -> Logistic:
    """A logistic regression over the passages of `asked`."""
    askings = [one for one in asked if len(one.answers)]
    table = np.concatenate([one.table[:, : len(names)] for one in askings]).astype(np.float64)
    answers = np.concatenate([one.answers for one in askings])
    weights_of = [_WEIGHT_IN_OTHER_WORDS if one.is_in_other_words else 1.0 for one in askings]
    counts = np.repeat(weights_of, [len(one.answers) for one in askings])
    mean, deviation = table.mean(axis=0), table.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.3, max_iter=2000)
    model.fit((table - mean) / deviation, answers, sample_weight=counts)
    weights = model.coef_[0] / deviation
    return Logistic(
        weights={name: round(float(w), 5) for name, w in zip(names, weights, strict=True)},
        intercept=round(float(model.intercept_[0] - weights @ mean), 5),
    )


def best(one: Asked, model: RelevanceModel) -> tuple[float, bool]:
    """The probability of the best passage, and whether it answers."""
    if not one.answers:
        return 0.0, False
    probabilities = model.probabilities(one.table, one.across)
    first = int(np.argmax(probabilities))
    return float(probabilities[first]), one.answers[first]


def train(asked: Sequence[Asked], fingerprint: str) -> RelevanceModel:
    """The model without a threshold."""
    same = fit(asked, FEATURES)
    return RelevanceModel(
        same=same, across=fit(asked, ACROSS), threshold=0.0, trained_with=fingerprint
    )


def main() -> None:
    """Cross-validate, print, train on everything, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--samples", action="store_true", help="with the samples' questions, too")
    parser.add_argument("--questions", type=int, default=600, help="of each set")
    options = parser.parse_args()
    asked: list[Asked] = []
    sets = [(load_queries(one / "queries.jsonl"), one / "corpus") for one in options.sets]
    if options.samples:
        sets.append((samples(), ROOT / "data" / "samples"))
    for queries, corpus in sets:
        found, fingerprint = ask_all(queries, corpus, options.questions)
        asked += found
    judged: list[tuple[Asked, float, bool]] = []
    groups = [one.group for one in asked]
    for seen, unseen in GroupKFold(5).split(asked, groups=groups):
        model = train([asked[i] for i in seen], fingerprint)
        judged += [(asked[i], *best(asked[i], model)) for i in unseen]
    print("In other words:")
    report([one for one in judged if one[0].is_in_other_words])
    print("As they are:")
    threshold = report([one for one in judged if not one[0].is_in_other_words])
    model = replace_threshold(train(asked, fingerprint), threshold)
    file = ROOT / "kb" / "answer" / "refusal" / "relevance.json"
    file.write_text(model.model_dump_json(indent=1) + "\n", "utf-8")


def replace_threshold(model: RelevanceModel, threshold: float) -> RelevanceModel:
    """`model` with a threshold."""
    return model.model_copy(update={"threshold": round(threshold, 3)})


def report(judged: Sequence[tuple[Asked, float, bool]]) -> float:
    """Print the curve; return the lowest threshold with which no more than the permitted share of
    answerable questions is refused."""
    own = [(p, right) for one, p, right in judged if one.way == "as it is" and one.query.relevant]
    nothing = {
        way: [
            p
            for one, p, _ in judged
            if one.way == way and (way != "as it is" or not one.query.relevant)
        ]
        for way in ("as it is", "without its sources", "of another")
    }
    print("threshold  refused falsely  right   answered falsely: " + ", ".join(nothing))
    for threshold in np.arange(0.02, 0.62, 0.04):
        falsely = "  ".join(f"{_share(ps, threshold):8.3f}" for ps in nothing.values())
        right = sum(right and p >= threshold for p, right in own) / len(own)
        refused = 1 - _share([p for p, _ in own], threshold)
        print(f"{threshold:9.2f}  {refused:15.3f}  {right:5.3f}  {falsely}")
    return float(np.quantile([p for p, _ in own], _MAX_FALSE_REFUSALS))


def _share(probabilities: Sequence[float], threshold: float) -> float:
    return sum(p >= threshold for p in probabilities) / max(1, len(probabilities))


if __name__ == "__main__":
    main()
