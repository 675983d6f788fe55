"""What one of a thing costs, told from what many of it came to."""

from __future__ import annotations

import re

from kb.text.terms import fold_width

__all__ = ["is_price_of_many"]

_PRICE_ASKED = re.compile(
    r"\b(?:costs?|prices?|priced)\b|\bhow much (?:is|are)\b|多少钱|单价|售价|价格|价钱",
    re.IGNORECASE,
)
_TOTAL_ASKED = re.compile(
    r"\b(?:order(?:s|ed)?|pay|paid|spen[dt]|total|sum|altogether|invoiced?)\b"
    r"|订单|订购|付|花了|花费|一共|总共|总价|总额|合计",
    re.IGNORECASE,
)
_QUANTITY = re.compile(r"\b(?:quantity|qty)\b|数量|件数", re.IGNORECASE)
_PRICE = re.compile(r"\b(?:price|cost|each)\b|_(?:price|cost)\b|单价|售价|价格|价钱", re.IGNORECASE)


def is_price_of_many(question: str, row: str) -> bool:
    """Whether `question` asks what a thing costs and the row of a table tells only what an order
    of several came to: a quantity and an amount, and nothing that is called a price.

    Args:
        row: With the names of its columns.
    """
    asked = fold_width(question)
    if _PRICE_ASKED.search(asked) is None or _TOTAL_ASKED.search(asked) is not None:
        return False
    said = fold_width(row)
    return _QUANTITY.search(said) is not None and _PRICE.search(said) is None
