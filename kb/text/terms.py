"""Words, stems and language of English and Chinese text."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Collection, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer  # type: ignore[import-untyped]

from kb.text.irregular import BASE_FORMS
from kb.text.scripts import HAN, KANA
from kb.text.variants import fold_variants

__all__ = [
    "Language",
    "Term",
    "content_terms",
    "find_terms",
    "fold",
    "fold_width",
    "has_content",
    "language",
    "stem",
    "terms",
]

_FIRST_KANA = KANA[0]
_HAN_CHAR = re.compile(f"[{HAN}]")
_KANA_CHAR = re.compile(f"[{KANA}]")
_HAN_OR_KANA = re.compile(f"[{HAN}{KANA}]+")
_WORD = re.compile(rf"[^\W_{HAN}{KANA}]+(?:['’_.\-][^\W_{HAN}{KANA}]+)*")
_TOKEN = re.compile(f"{_HAN_OR_KANA.pattern}|{_WORD.pattern}")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_DOTTED_NUMBER = re.compile(r"[vV]?((?<!\d)\d++(?:\.\d++)++)")
# A stem shares with the word all but its last letter (``multipli``, ``multiply``).
_HEAD_CHARS = 2
_SUFFIX_CHARS = 1
_JOINERS = "'’_.-"
_STEMMER = snowballstemmer.stemmer("english")
_STEMMING = threading.Lock()

_ENGLISH_STOPWORDS = frozenset(
    re.findall(
        r"\S+",
        """a about according after all also am an and any are as at be because been before being
    between both but by can could d did do does doing done each either else for from further get
    give given had has have having he her here hers him his how however i if in into is it its
    itself just ll made make many may me might more most much must my of off on once one only or
    other our out over own per please re s same shall she should show so some such t tell than
    that the their them then there these they this those through to too under until up upon us
    use used using ve very was we were what when where whether which while who whom whose why
    will with within without would you your""",
    )
)
_CHINESE_STOPWORDS = re.findall(
    r"\S+",
    """请问 多久一次 多久 多长时间
    什么时候 什么样 什么 为什么 为何 为啥 怎么样 怎么办 怎么 怎样 如何 哪些 哪里 哪儿
    哪个 哪一个 哪一 哪几 哪位 哪种 哪年 哪 几个 多少 是否 能否 可否 可以 是谁 谁 吗 呢 吧
    啊 呀 的 了 是 在 有 和 与 及 或 被 把 对 从 到 由 于 以 为 而 也 都 就 其 之 这 那 它
    他 她 我 你 们 这个 那个 一个 一种 以及 并且 但是 因为 所以 如果 关于 根据 通过 进行
    需要 应该 请 告诉 介绍 一下""",
)
# The pattern takes the first that fits, so the longest come first. Of "how often" the second
# word asks as well; elsewhere it may be what is asked about.
_ASKING = re.compile(
    "|".join([r"\bhow (?:often|long|soon)\b", *sorted(_CHINESE_STOPWORDS, key=len, reverse=True)]),
    re.IGNORECASE,
)


class Language(StrEnum):
    """The languages that answers are worded in."""

    ENGLISH = "en"
    CHINESE = "zh"


class Term(NamedTuple):
    """A searchable word of a text: its stem and its range of characters."""

    stem: str
    start: int
    end: int


def language(text: str) -> Language:
    """CHINESE where Chinese characters outnumber words of other scripts, without kana.

    A Chinese word is about two characters, so each counts for half a word.
    """
    n_han = len(_HAN_CHAR.findall(text))
    n_other = sum(1 for token in _TOKEN.findall(text) if not _HAN_CHAR.match(token))
    chinese = n_han / 2 > n_other / 2 and len(_KANA_CHAR.findall(text)) * 5 < n_han
    return Language.CHINESE if chinese else Language.ENGLISH


def fold_width(text: str) -> str:
    """`text` with full-width forms as ASCII; its length and offsets are unchanged."""
    return text if text.isascii() else _WIDE.sub(_narrow, text)


def fold(text: str) -> str:
    """`text` as it is compared: full-width forms as ASCII, traditional Chinese as simplified;
    its length and offsets are unchanged."""
    return text if text.isascii() else fold_variants(fold_width(text))


# Full-width ASCII, and the ideographic space.
_WIDE = re.compile("[\uff01-\uff5e\u3000]")


def _narrow(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The Snowball stem of an English word in small letters, of an irregular form that of the word
    itself (``wrote`` gives that of ``write``); of another word itself."""
    word = word.replace("’", "'")
    # It keeps the word it works on: two threads at once would get stems of each other's.
    with _STEMMING:
        return str(_STEMMER.stemWord(BASE_FORMS.get(word, word)))


def _forms_by_stem() -> dict[str, tuple[str, ...]]:
    forms: dict[str, tuple[str, ...]] = {}
    for form, base in BASE_FORMS.items():
        forms[stem(base)] = (*forms.get(stem(base), ()), form)
    return forms


_FORMS = _forms_by_stem()


@lru_cache(maxsize=65536)
def _stems(token: str) -> tuple[str, ...]:
    """Stems under which a word of an alphabetic script is found: itself, and the parts of an
    identifier (``DiffExecutor``, ``run_target``, ``io.open``); a number of several parts
    (``3.2.1``) by the whole of it alone, ``v3.2.1`` also as a version."""
    number = _DOTTED_NUMBER.fullmatch(token)
    if number:
        return (number[1], stem("version")) if token[0] in "vV" else (number[1],)
    whole = stem(token.lower())
    parts = _PART.findall(token)
    if len(parts) < 2:
        return (whole,)
    numbers = _DOTTED_NUMBER.findall(token)
    return tuple(dict.fromkeys((whole, *numbers, *(stem(part.lower()) for part in parts))))


def terms(text: str) -> list[Term]:
    """The searchable words of `text`, in order.

    English words by their Snowball stem, identifiers whole and by their parts; Chinese by
    overlapping pairs of characters, which needs no dictionary and finds any word of two or
    more.
    """
    found: list[Term] = []
    for match in _TOKEN.finditer(fold(text)):
        token, start = match.group(), match.start()
        if _HAN_OR_KANA.match(token):
            if len(token) == 1:
                found.append(Term(token, start, start + 1))
            found.extend(
                Term(token[i : i + 2], start + i, start + i + 2) for i in range(len(token) - 1)
            )
        else:
            found.extend(Term(stem, start, match.end()) for stem in _stems(token))
    return found


def content_terms(question: str) -> list[Term]:
    """The terms of `question` that say what it is about, without words of grammar and
    asking; every term where nothing else is left."""
    return _telling_terms(question) or terms(question)


def has_content(question: str) -> bool:
    """Whether a word of `question` says what it is about, and is not of grammar or asking."""
    return bool(_telling_terms(question))


def _telling_terms(question: str) -> list[Term]:
    blanked = _ASKING.sub(lambda match: " " * len(match.group()), fold(question))
    return [term for term in terms(blanked) if term.stem not in _STOP_STEMS]


_STOP_STEMS = _ENGLISH_STOPWORDS | {stem(word) for word in _ENGLISH_STOPWORDS}


def find_terms(text: str, stems: Collection[str]) -> list[Term]:
    """The terms of `text` whose stem is in `stems`, in order: what `terms` gives, filtered.

    A reranker reads a hundred chunks a question, so only words that begin like a stem, or are an
    irregular form of it, are looked at; others (``dying`` for ``die``) are passed over.
    """
    folded = fold(text)
    lower = _lower(folded)
    known: dict[str, tuple[str, ...]] = {}
    found: list[Term] = []
    words: set[int] = set()
    for stem, head in _heads(stems):
        chinese = stem >= _FIRST_KANA
        at = lower.find(head)
        while at >= 0:
            if chinese:
                found.append(Term(stem, at, at + len(stem)))
            elif (word := _word_at(folded, at)) is not None and word.start() not in words:
                words.add(word.start())
                token = word.group()
                if token not in known:
                    known[token] = tuple(stem for stem in _stems(token) if stem in stems)
                found.extend(Term(stem, word.start(), word.end()) for stem in known[token])
            at = lower.find(head, at + 1)
    found.sort(key=lambda term: term.start)
    return found


def _heads(stems: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each stem with what its words begin with."""
    for stem in stems:
        is_chinese = stem >= _FIRST_KANA
        yield stem, stem if is_chinese else stem[: max(_HEAD_CHARS, len(stem) - _SUFFIX_CHARS)]
        yield from ((stem, form) for form in _FORMS.get(stem, ()))


def _word_at(text: str, at: int) -> re.Match[str] | None:
    """The word around `at`, where a word or a part of one begins there."""
    start = at
    while start > 0 and (before := text[start - 1]) < _FIRST_KANA:
        if not (before.isalnum() or before in _JOINERS):
            break
        start -= 1
    for word in _WORD.finditer(text, start):
        if word.end() > at:
            return word if word.start() <= at else None
    return None


def _lower(text: str) -> str:
    """`text` in lower case with the same length (``İ`` alone would become two)."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(char if len(char.lower()) > 1 else char.lower() for char in text)
