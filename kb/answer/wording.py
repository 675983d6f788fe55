"""What is said in place of an answer, or after one, in the question's language."""

from __future__ import annotations

from kb.text.terms import Language

__all__ = ["CUT", "DANGLING", "EMPTY", "NOTHING", "NOTHING_WRITTEN"]

NOTHING = {
    Language.ENGLISH: "Nothing in the sources answers this question.",
    Language.CHINESE: "资料中没有找到能回答这个问题的内容。",
}
NOTHING_WRITTEN = {
    Language.ENGLISH: (
        "The model wrote no answer that cites a source, so these are quotes. Ask again in other "
        "words, or choose a larger model."
    ),
    Language.CHINESE: (
        "模型没有写出引用来源的回答，因此这里显示原文摘录。请换个说法再问，或选用更大的模型。"
    ),
}
CUT = {
    Language.ENGLISH: "(The answer was cut off here, at `generator.max_new_tokens`.)",
    Language.CHINESE: "（回答到此被截断：已达到 `generator.max_new_tokens` 的上限。）",
}
DANGLING = {
    Language.ENGLISH: (
        "This question goes on from an earlier one, and there is none that says what it is about. "
        "Name what you mean."
    ),
    Language.CHINESE: "这是接着前面的话问的，但前面没有提到指的是什么。请说出您问的是什么。",
}
EMPTY = {
    Language.ENGLISH: (
        "There is no word in this question that could be looked for. Say in a few words what you "
        "want to know."
    ),
    Language.CHINESE: "这个问题里没有可以查找的词。请用几个词说明您想知道什么。",
}
