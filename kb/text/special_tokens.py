"""Text without the power of special tokens: what a document says must not end its own turn.

Tokenizers look for their special tokens in whatever they are given, and servers tokenise what
they are sent. So in every copy of a text that a model reads, an invisible character stands
within what could be such a token. People read the same words, and the stored text is as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final

__all__ = ["JOINER", "neutral", "neutraliser"]

JOINER: Final = "\u2060"
"""Word joiner: no width, no break, kept by every Unicode normal form, and part of no word. (The
zero-width joiner is part of emoji, and Persian is written with the non-joiner.)"""

# Names in angle brackets that some family of models reads as one token. Those with an underscore
# need no list: no markup has such names.
_ANGLED: Final = (
    "s bos eos pad unk mask cls sep sop eop eot eod gmask smask bom eom "
    "think thinking thought reasoning reflection scratchpad answer tool tools function functions "
    "system user human assistant model bot ai role developer turn channel message eoh eoa eosys "
    "用户 系统 助手 "
    "img image images picture video audio box ref quad point object frame speech"
).split()
# Those in square brackets are written in capitals, so that notes and links stay as they are.
_SQUARED: Final = (
    "INST SYS CLS SEP MASK PAD UNK BOS EOS IMG AUDIO THINK ARGS PREFIX MIDDLE SUFFIX SYSTEM USER "
    "ASSISTANT BOT EOT gMASK sMASK eod BEGIN END"
).split()
_TOKEN_START = re.compile(
    # <|im_end|>, <|turn>, and the same with a full-width bar; a bar and a space are an operator.
    r"<(?=[|｜][^\s<>]{1,64}>)"
    # [|user|], of two letters at least: [|x|] is mathematics.
    r"|\[(?=[|｜][\w-]{2,64}[|｜]\])"
    # <turn|>
    r"|<(?=\w{1,64}[|｜]>)"
    # <think>, </think>, <tool_call>, <unused12>, <<SYS>>
    rf"|<(?=[/\\]?(?:{'|'.join(_ANGLED)}|[a-z][a-z-]{{0,32}}_\w{{0,64}}|[a-z]{{1,16}}\d{{1,6}})\s?/?>)"
    r"|<(?=</?sys>>)"
    # <_user>, <[fim-suffix]>, <mask:1>
    r"|<(?=(?:[/\\]?_[a-z]\w{0,64}|\[[^\s<>\[\]]{1,64}\]|mask:\d{1,6})>)"
    # <seed:think>, <minimax:tool_call>; other names with a prefix are XML.
    r"|<(?=[/\\]?(?:(?:seed|minimax):\w{1,64}"
    r"|[a-z]\w{0,32}:(?:bos|eos|pad|think|[a-z]{1,32}_\w{1,64}))>)"
    # ]~b], ]~!b[, [e~[, ]!p~[, ]<]start of image[>[
    r"|\](?=~!?[a-z]{1,8}[\[\]]|![a-z]{1,8}~\[|<\][a-z][a-z ]{0,32}\[>\[)|\[(?=[a-z]{1,8}~\[)"
    # >>QUESTION<<
    r"|>(?=>(?-i:[A-Z]{2,32})<<)"
    # [INST], [/INST], [TOOL_CALLS], [control_12], [unused12]
    rf"|\[(?=/?(?:(?-i:{'|'.join(_SQUARED)}|[A-Z]{{1,32}}_[A-Z_]{{1,64}})"
    r"|(?:control_|unused_?|unused_token_|reserved_|extra_id_|special_|special_token_)\d{1,6}"
    r"|(?:start|end)_header_id)\])",
    re.IGNORECASE,
)


def neutral(text: str) -> str:
    """`text` in which nothing is a special token of any known family of models: for prompts
    whose reader's tokenizer is not at hand. Doing it twice changes nothing more."""
    return _TOKEN_START.sub(rf"\g<0>{JOINER}", text)


def neutraliser(tokens: Collection[str]) -> Callable[[str], str]:
    """As `neutral`, and nothing in the text is one of `tokens` either.

    Args:
        tokens: A tokenizer's own list of what it looks for before it splits text. Words of
            letters and digits alone are left out: they are vocabulary, and no marks.
    """
    marks = sorted({t for t in tokens if len(t) > 1 and t.strip() and not t.isalnum()})
    if not marks:
        return neutral
    # Only the first character is taken, so that marks within one another are all found.
    own = re.compile("|".join(f"{re.escape(mark[0])}(?={re.escape(mark[1:])})" for mark in marks))
    return lambda text: own.sub(rf"\g<0>{JOINER}", neutral(text))
