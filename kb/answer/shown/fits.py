"""Whether what was found can be what words about a picture ask for."""

from __future__ import annotations

import re

from kb.answer.extractive.asked import Asked, what_is_asked
from kb.answer.tables.lexicon import CONCEPTS, concepts_of
from kb.text.quantities import quantities
from kb.text.terms import Language, fold_width, language

__all__ = ["may_be_answer", "total_asked"]

_MONEY = re.compile(
    r"[$€£¥￥]|\b(?:eur|usd|gbp|cny|rmb|euros?|dollars?|pounds?|cents?|yuan|yen|price|cost|fee)s?\b"
    r"|_(?:eur|usd|gbp|cny)\b|[元块]|[价费][格钱用]?",
    re.IGNORECASE,
)
_HOW = re.compile(r"\bhow (?P<much>[a-z]+)\b", re.IGNORECASE)
_PAID = re.compile(
    r"\b(?:pay|paid|spen[dt]|charged|total|sum)\b|付|花了|花费|总共|一共|总价|总额|合计|总计",
    re.IGNORECASE,
)
_TOTAL = {Language.ENGLISH: "What is the total?", Language.CHINESE: "合计是多少？"}


def may_be_answer(question: str, said: str) -> bool:
    """Whether `said` may answer `question`: money is named where money is asked for, and where
    an adjective asks ("how far"), a length stands there, or what is said to be one."""
    if what_is_asked(question)[0] is Asked.MONEY:
        return _MONEY.search(fold_width(said)) is not None
    concepts = _measured(question)
    wanted = {unit for key in concepts for unit in _units_of(key)}
    found = {one.unit for one in quantities(said) if one.unit}
    if not wanted:
        return True
    return bool(wanted & found if found else concepts & concepts_of(said))


def total_asked(question: str, text: str) -> str:
    """What a bill or a receipt with the words `text` is asked for by "how much did I pay?", in its
    own language; empty where `question` asks for no such thing."""
    asked = what_is_asked(question)[0] in (Asked.MONEY, Asked.COUNT, Asked.AMOUNT)
    return _TOTAL[language(text)] if asked and _PAID.search(question) else ""


def _measured(question: str) -> frozenset[str]:
    """What an adjective asks for: "how heavy", 多重."""
    how = _HOW.search(question)
    much = how["much"].lower() if how else ""
    return frozenset(
        key
        for key, one in CONCEPTS.items()
        if much in (*one.high, *one.low)
        or any(f"多{word}" in question for word in one.high_chinese)
    )


def _units_of(concept: str) -> set[str]:
    return {one.unit for unit in CONCEPTS[concept].units for one in quantities(f"5 {unit}")} - {""}
