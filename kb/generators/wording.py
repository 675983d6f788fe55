"""What is said where the sources say nothing."""

from __future__ import annotations

from kb.text import Language

__all__ = ["NOTHING"]

NOTHING = {
    Language.ENGLISH: "Nothing in the sources answers this question.",
    Language.CHINESE: "资料中没有找到能回答这个问题的内容。",
}
