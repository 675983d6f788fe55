"""What is said in place of an answer, or after one."""

from __future__ import annotations

from kb.text.terms import Language

__all__ = ["CUT", "NOTHING"]

NOTHING = {
    Language.ENGLISH: "Nothing in the sources answers this question.",
    Language.CHINESE: "资料中没有找到能回答这个问题的内容。",
}
CUT = {
    Language.ENGLISH: "(The answer was cut off here, at `generator.max_new_tokens`.)",
    Language.CHINESE: "（回答到此被截断：已达到 `generator.max_new_tokens` 的上限。）",
}
