"""Finds the words of a question in one table: columns that it names, cells that it quotes.

Each word must be found: by a rule of the grammar, in the table, in what stands above it, or among
words that say nothing. One that is not, says that something is asked that the table does not hold,
and the question is not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kb.answer.tables.grammar import Act, Mark, is_yearless, read_marks
from kb.answer.tables.lexicon import CONCEPTS, concepts_of, stems_of
from kb.answer.tables.words import (
    BLOCKING,
    FUNCTION,
    IGNORED,
    IGNORED_CHINESE,
    TableIndex,
    Word,
    is_han,
    words_of,
)
from kb.index.tables import ColumnKind
from kb.text.quantities import DIGITS
from kb.text.terms import fold_width
from kb.text.values import CURRENCIES

__all__ = ["MIN_STRENGTH", "Cell", "FoundWords", "Mention"]

_MAX_PART_CHARS = 20
_MAX_UNKNOWN_CHARS = 2
MIN_STRENGTH = 0.4
"""The least of a mention that counts."""

_BEFORE_MONTHS = (["from"], ["in"], ["since"], ["until"], ["during"], ["for"], ["of"])
_PLACEHOLDER = "\ufffc"
# Names of columns that a rule of the grammar reads as well; the rule goes first.
_RULES_OWN = frozenset("total sum average number count most first last and or in by".split())


@dataclass
class Mention:
    """A column that the question names.

    Attributes:
        strength: The share of its name that the question has; for a word of like meaning the least
            that counts.
    """

    column: int
    strength: float
    start: int
    end: int
    words: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Cell:
    """A word of the question that stands in cells."""

    word: Word
    codes: dict[int, set[int]]
    mask: NDArray[np.bool_]
    is_context: bool


class FoundWords:
    """The words of a question in a table.

    Args:
        text: The question in small letters, its white space single blanks.
        said: The same as it was written.

    Attributes:
        text: As it was given.
        marks: What the grammar read.
        mentions: Columns, each once.
        cells: Words that stand in cells.
        concepts: What else it names: see `kb.answer.tables.lexicon`.
        n_context: How many words stand above the table.
    """

    def __init__(self, text: str, said: str, index: TableIndex) -> None:
        self._said = said
        self.index = index
        self.table = index.table
        self.columns = index.table.columns
        self.mentions: list[Mention] = []
        self.cells: list[Cell] = []
        self.concepts: list[tuple[str, Word]] = []
        self.n_context = 0
        self.text = text
        protected = self._protect(text)
        self.marks, rest = read_marks(protected)
        self._rest = rest
        self._unknown: list[Word] = []

    def _protect(self, text: str) -> str:
        """Note columns that are named in full and cells of several words, and blank them."""
        words = words_of(text)
        stems = [stems_of(word.text)[:1] for word in words]
        order = sorted(range(len(self.columns)), key=lambda i: -len(self.index.names[i]))
        for i in order:
            name = self.index.names[i]
            if not name:
                continue
            spans = []
            if is_han(name):
                at = text.find(name) if len(name) > 1 else -1
                spans = [(at, at + len(name))] if at >= 0 else []
            else:
                wanted = self.index.name_stems[i]
                flat = [stem[0] if stem else "" for stem in stems]
                n = len(wanted)
                if n and not (n == 1 and wanted[0] in _RULES_OWN):
                    spans = [
                        (words[at].start, words[at + n - 1].end)
                        for at in range(len(flat) - n + 1)
                        if tuple(flat[at : at + n]) == wanted
                    ][:1]
            for start, end in spans:
                if _PLACEHOLDER not in text[start:end]:
                    self.mentions.append(Mention(i, 1.0, start, end))
                    text = text[:start] + _PLACEHOLDER * (end - start) + text[end:]
        return self._protect_cells(text)

    def _protect_cells(self, text: str) -> str:
        whole = self.index.whole_values
        words = words_of(text)
        for n in range(min(8, len(words)), 0, -1):
            for at in range(len(words) - n + 1):
                start, end = words[at].start, words[at + n - 1].end
                said = text[start:end]
                # "IT", and not "it".
                if n == 1 and not (len(said) > 1 and self._said[start:end].isupper()):
                    continue
                if _PLACEHOLDER not in said and said in whole and not is_han(said):
                    for word in words[at : at + n]:
                        if n == 1 or word.text not in FUNCTION:
                            self._take_cell(word, self.index.texts)
                    text = text[:start] + _PLACEHOLDER * (end - start) + text[end:]
        return text

    def _take_cell(self, word: Word, columns: Sequence[int] | None = None) -> bool:
        look_in = range(len(self.columns)) if columns is None else columns
        codes = self.index.codes_with(word.text, look_in)
        digits = DIGITS.get(word.text)
        if not codes and digits:
            codes = self.index.codes_with(digits, look_in)
        if not codes:
            return False
        mask = self.index.mask(codes)
        stems = stems_of(word.text)
        in_context = word.text in self.index.context if is_han(word.text) else (
            bool(stems) and stems[0] in self.index.context_stems
        )  # fmt: skip
        self.cells.append(Cell(word, codes, mask, in_context))
        return True

    def take_words(self) -> bool:
        """Explain what no rule has read; False where something stays unknown."""
        rest = self._rest
        for mark in list(self.marks):
            if mark.act is not Act.DATE:
                continue
            said = self.text[mark.start : mark.end]
            month = said.split()[-1]
            if month in self.index.whole_values and not self.dates_named():
                self.marks.remove(mark)
                self._take_cell(Word(month, mark.end - len(month), mark.end))
            elif self.date_column(mark) is None:
                # No column of dates: its words are words like others.
                rest = rest[: mark.start] + said + rest[mark.end :]
        for word in words_of(rest):
            if is_han(word.text):
                self._take_chinese(word)
            elif not self._take_english(word):
                return False
        self.mentions = self._strongest()
        n_unknown = sum(len(word.text) for word in self._unknown)
        return n_unknown <= _MAX_UNKNOWN_CHARS and all(len(w.text) == 1 for w in self._unknown)

    def _take_english(self, word: Word) -> bool:
        if word.text == "may" and self._is_month(word):
            return self._take_cell(word)
        if word.text in FUNCTION:
            return True
        if word.text in BLOCKING:
            return False
        stem = (stems_of(word.text) or (word.text,))[0]
        named = self._name_with(stem, word)
        if named >= 1.0:
            return True
        in_cells = self._take_cell(word)
        if named and not in_cells:
            return True
        concepts = [key for key, one in CONCEPTS.items() if stem in one.english]
        held = [key for key in concepts if any(key in c for c in self.index.concepts)]
        if in_cells:
            return True
        for key in held or concepts:
            self.concepts.append((key, word))
        if held or self._labels_with(concepts):
            return True
        if self.index.names_people and {"employee", "person"} & set(concepts):
            return True
        if stem in self.index.context_stems:
            self.n_context += 1
            return True
        if word.text in CURRENCIES or any(word.text == c.unit.lower() for c in self.columns):
            return True
        return bool(stem in IGNORED or word.text in IGNORED)

    def _is_month(self, word: Word) -> bool:
        """Whether "may" is the month, as cells say it, and no verb."""
        before = self.text[: word.start].split()
        return word.text in self.index.whole_values and before[-1:] in _BEFORE_MONTHS

    def _name_with(self, stem: str, word: Word) -> float:
        """Note the columns whose name has a word; the largest share of a name that it is."""
        best = 0.0
        for i, stems in enumerate(self.index.name_stems):
            content = [s for s in stems if s not in FUNCTION] or list(stems)
            if stem in content:
                strength = 1 / len(content)
                self.mentions.append(Mention(i, strength, word.start, word.end, {word.start}))
                best = max(best, strength)
        return best

    def _labels_with(self, concepts: Iterable[str]) -> bool:
        """Whether a row is named by a word of like meaning."""
        wanted = frozenset(concepts)
        return bool(wanted) and bool(self.label_codes(wanted))

    def label_codes(self, concepts: frozenset[str]) -> set[int]:
        key = self.index.key
        if key is None or len(self.columns[key].values) > 500:
            return set()
        column = self.columns[key]
        return {
            code
            for code, value in enumerate(column.values)
            if len(value) <= 60 and concepts & concepts_of(fold_width(value).lower())
        }

    def _take_chinese(self, run: Word) -> None:
        at = 0
        while at < len(run.text):
            for n in range(min(_MAX_PART_CHARS, len(run.text) - at), 0, -1):
                part = Word(run.text[at : at + n], run.start + at, run.start + at + n)
                if self._take_part(part):
                    at += n
                    break
            else:
                last = self._unknown[-1] if self._unknown else None
                here = run.start + at
                if last is not None and last.end == here:
                    self._unknown[-1] = Word(last.text + run.text[at], last.start, here + 1)
                else:
                    self._unknown.append(Word(run.text[at], here, here + 1))
                at += 1

    def _take_part(self, part: Word) -> bool:
        text = part.text
        if len(text) == 1:
            if text in IGNORED_CHINESE:
                return True
            named = [i for i, name in enumerate(self.index.names) if text in name]
            if len(named) == 1:
                strength = 1 / len(self.index.names[named[0]])
                self.mentions.append(
                    Mention(named[0], strength, part.start, part.end, {part.start})
                )
                return True
            return text in self.index.whole_values and self._take_cell(part, self.index.texts)
        names = [i for i, name in enumerate(self.index.names) if text in name]
        for i in names:
            strength = len(text) / len(self.index.names[i])
            self.mentions.append(Mention(i, strength, part.start, part.end, {part.start}))
        if self.index.holds(text) and self._take_cell(part, self.index.texts):
            return True
        if names:
            return True
        concepts = [key for key, one in CONCEPTS.items() if text in one.chinese]
        held = [key for key in concepts if any(key in c for c in self.index.concepts)]
        for key in held or concepts:
            self.concepts.append((key, part))
        if held or self._labels_with(concepts):
            return True
        if text in self.index.context:
            self.n_context += 1
            return True
        return text in IGNORED_CHINESE

    def _strongest(self) -> list[Mention]:
        """A mention a column; those that another one says better are left out."""
        by_column: dict[int, Mention] = {}
        for one in self.mentions:
            known = by_column.get(one.column)
            if known is None:
                by_column[one.column] = one
            else:
                known.strength = min(1.0, known.strength + one.strength)
                known.words |= one.words
        for key, word in self.concepts:
            holders = [i for i, found in enumerate(self.index.concepts) if key in found]
            for i in holders:
                if i not in by_column:
                    by_column[i] = Mention(i, MIN_STRENGTH, word.start, word.end, {word.start})
        found = list(by_column.values())
        return [
            one
            for one in found
            if not any(
                one.words and one.words <= other.words and other.strength > one.strength
                for other in found
                if other is not one
            )
        ]

    def dates_named(self) -> list[int]:
        """The columns of dates that the question names."""
        named = (one.column for one in self.mentions)
        return [i for i in named if self.columns[i].kind is ColumnKind.DATE]

    def date_column(self, mark: Mark) -> int | None:
        dates = [i for i, one in enumerate(self.columns) if one.kind is ColumnKind.DATE]
        named = self.dates_named()
        if len(named) == 1:
            return named[0]
        if len(dates) == 1:
            return dates[0]
        years = [i for i, one in enumerate(self.columns) if self.index.is_years(i)]
        return years[0] if not dates and len(years) == 1 and not is_yearless(mark.numbers) else None
