"""How many tokens a text has at most, without the tokenizer of whoever reads it."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["estimate_tokens"]

_LONGEST_WORD: Final = 16
_LETTERS_A_TOKEN: Final = 3
_SPACES_A_TOKEN: Final = 16
_RUN = re.compile(r"(?P<letters>[A-Za-z]+)|(?P<spaces>\s+)|(?P<marks>[\x21-\x7e]+)|[^\x00-\x7f]+|.")


def estimate_tokens(text: str) -> int:
    """Of byte-level tokenizers such as Qwen's, GPT's and Llama's; rarely too low, and never above
    the bytes of UTF-8, of which a token holds one at least.

    A word counts a token for three letters. Nobody's word is longer than sixteen: such a run is
    a key, a digest or coded data, and counts a token a letter. Digits and marks count one each,
    other scripts a byte less than they take (a Chinese character two, an umlaut one).
    """
    n_tokens = 0
    for run in _RUN.finditer(text):
        found = run.group()
        if run["letters"]:
            is_word = len(found) <= _LONGEST_WORD
            n_tokens += -(-len(found) // _LETTERS_A_TOKEN) if is_word else len(found)
        elif run["spaces"]:
            # The space before a word is part of its token.
            n_tokens += 0 if found == " " else -(-len(found) // _SPACES_A_TOKEN)
        elif run["marks"] or found.isascii():
            n_tokens += len(found)
        else:
            n_tokens += len(found.encode("utf-8", "replace")) - len(found)
    return n_tokens
