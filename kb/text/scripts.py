"""Scripts and marks of writing, as ranges for the character classes of patterns.

Blocks by the Unicode Standard 16. Each is used inside brackets: ``rf"[{HAN}{KANA}]"``.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CJK_MARKS", "CLOSERS", "COMMON_HAN", "HAN", "HANGUL", "KANA", "NO_ABBREVIATION"]

COMMON_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
"""Chinese characters of questions and tables: the unified ones and extension A."""

HAN: Final = COMMON_HAN + "\uf900-\ufaff\U00020000-\U0003134f"
"""Chinese characters, also those of Japanese: extension A, the unified and the compatible ones,
and the supplementary planes."""

KANA: Final = "\u3040-\u30ff"
"""Hiragana and katakana."""

HANGUL: Final = "\uac00-\ud7af"
"""Korean syllables."""

CJK_MARKS: Final = "\u2e80-\u303f\uff00-\uffef"
"""Radicals and punctuation of East Asia, and full-width forms."""

CLOSERS: Final = "\"'”’」』）)\\]】》"
"""Quotes and brackets that may stand behind the mark that ends a sentence."""

NO_ABBREVIATION: Final = (
    r"(?<!\b[A-Z])(?<!\b(?:Mr|Dr|St|vs|No|cf))(?<!\b(?:Mrs|Inc|Ltd|Fig|etc|e\.g|i\.e|Vol))"
)
"""A pattern that stands before a full stop: it is not that of an initial or of a common English
abbreviation, which ends no sentence."""
