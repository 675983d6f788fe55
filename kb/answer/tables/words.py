"""The words of a question, and where a table holds them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.answer.tables.lexicon import concepts_of, stems_of
from kb.index.tables import ColumnKind, Table
from kb.text.scripts import COMMON_HAN
from kb.text.terms import find_terms, fold_width

__all__ = [
    "BLOCKING",
    "FUNCTION",
    "IGNORED",
    "IGNORED_CHINESE",
    "TableIndex",
    "Word",
    "is_han",
    "words_of",
]

_HAN = re.compile(f"[{COMMON_HAN}]")
_WORD = re.compile(rf"[{COMMON_HAN}]+|[^\W_{COMMON_HAN}]+(?:['’.\-][^\W_{COMMON_HAN}]+)*")
_TOTAL = re.compile(
    r"\W{0,3}(?:(?:grand )?(?:sub)?total\b|sum\b|合计|总计|小计|总和|共计)", re.IGNORECASE
)
# Names of columns that number the rows.
_NUMBERING = re.compile(r"(?:no\.?|nr\.?|#|id|index|rank|序号|编号|排名|row)$", re.IGNORECASE)
# In columns of more different texts only whole cells are looked for.
_MAX_LOOKED_INTO = 50_000

FUNCTION = frozenset(
    """a an the is are was were be been being do does did done has have had having of for in on at to from with
    by as into about than that this these those there then so please me my we us our you your i it
    its it's their his her he she they them will would can could should may might must am if
    per there's here""".split()
)
"""Words of grammar: they name nothing, in whatever cell they stand."""

BLOCKING = frozenset("each every both other another same twice half double neither either".split())
"""Words that ask for what the grammar has no rule for."""

IGNORED = frozenset(
    stem
    for word in """any all also still currently now much many very more most
    get got go goes going come comes came take takes
    item items thing things piece pieces unit units row rows entry entries record records line lines
    value values level levels limit one ones device product products table list data file
    cost costs pay pays paid spend spent order ordered keep kept store stored locate located
    find found make makes made need needs use used say says said mean means call called name named
    belong belongs contain contains include includes included happen happened take place
    buy bought sell sold offer offered available exist exists between among within
    altogether mark sort kind type euro euros dollar dollars money worth figure figures
    work works working live lives living start started begin began join joined run runs study studies
    play plays born built sit sits stand stands people person persons charge
    weigh weighs measure reach reaches last lasts long exactly amount number""".split()
    for stem in (word, *stems_of(word))
)
"""Words that say nothing of which column or row is meant, where the table does not hold them."""

IGNORED_CHINESE = frozenset(
    """的 了 是 在 有 吗 呢 吧 啊 呀 着 得 地 里 中 上 下 内 所 被 把 对 从 到 由 于 以 为 而 也 都 就 其
    之 这 那 它 他 她 我 你 们 个 请 问 请问 一下 这个 那个 这些 那些 里面 当中 其中 我们 你们 他们 目前 现在
    一 每 所有 全部 表 表格 数据 记录 卖 买 卖了 买了 花了 花 用 下 放 存放 属于 叫 名字 来自 应该 需要
    要 会 能 可以 分别 各 大约 具体 机器 设备 产品 东西 商品 代表 表示 意思 用户 时 时候 及 并 或 大概 一共
    关于 根据 按照 使用 的话 哦 嗯 想 知道 想知道 查 看 看看 说 说说 告诉 处于 达到 元 块 个数 值 比 最""".split()
)
"""Likewise in Chinese."""


class Word(NamedTuple):
    """A word of a question; of Chinese a part of a run of characters."""

    text: str
    start: int
    end: int


def is_han(text: str) -> bool:
    """Whether a word is Chinese."""
    return _HAN.match(text) is not None


def words_of(text: str) -> list[Word]:
    """Words, and whole runs of Chinese characters, in order."""
    return [Word(match.group(), *match.span()) for match in _WORD.finditer(text)]


class TableIndex:
    """Finds words in a table.

    Attributes:
        table: Which.
        context: What stands above it and around it, in small letters.
    """

    def __init__(self, table: Table, source: str) -> None:
        self.table = table
        parts = (table.title, *table.headings, table.name, re.sub(r"[/._\-]", " ", source))
        self.context = fold_width("\n".join(parts)).lower()

    @cached_property
    def context_stems(self) -> frozenset[str]:
        return frozenset(stems_of(self.context))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names in small letters, underlines as blanks."""
        return tuple(
            fold_width(one.name).lower().replace("_", " ").strip() for one in self.table.columns
        )

    @cached_property
    def name_stems(self) -> tuple[tuple[str, ...], ...]:
        return tuple(stems_of(name) for name in self.names)

    @cached_property
    def concepts(self) -> tuple[frozenset[str], ...]:
        """By column, what it holds (`kb.answer.tables.lexicon.CONCEPTS`)."""
        return tuple(
            concepts_of(name, one.unit)
            for name, one in zip(self.names, self.table.columns, strict=True)
        )

    @cached_property
    def texts(self) -> tuple[int, ...]:
        """Columns of words."""
        return tuple(i for i, one in enumerate(self.table.columns) if one.kind is ColumnKind.TEXT)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Columns of numbers that count or measure: none that only number the rows or name a
        year."""
        return tuple(
            i
            for i, one in enumerate(self.table.columns)
            if one.kind is ColumnKind.NUMBER and not self._only_names(i)
        )

    def _only_names(self, column: int) -> bool:
        return bool(
            self.concepts[column] & {"year", "month", "code", "date"}
            or _NUMBERING.search(self.names[column])
        )

    def is_years(self, column: int) -> bool:
        """Whether a column of numbers names years: by its name, or as dates that are but years."""
        one = self.table.columns[column]
        if one.kind is not ColumnKind.NUMBER:
            return False
        if "year" in self.concepts[column]:
            return True
        known = one.numbers[~np.isnan(one.numbers)]
        is_whole = bool(len(known)) and bool(np.all((known >= 1000) & (known <= 2100)))
        return "date" in self.concepts[column] and is_whole

    @cached_property
    def key(self) -> int | None:
        """The column that names the rows: the first of words, else the first of all."""
        if self.texts:
            return self.texts[0]
        return 0 if self.table.columns else None

    @cached_property
    def names_people(self) -> bool:
        """Whether the rows are named by a column "Name"."""
        return (
            self.key is not None and bool({"name", "姓名"} & set(self.name_stems[self.key]))
        ) or (self.key is not None and self.names[self.key] in ("姓名", "名字"))

    @cached_property
    def is_total(self) -> NDArray[np.bool_]:
        """bool ``(n_rows,)``: rows that add up the others."""
        found = np.zeros(self.table.n_rows, np.bool_)
        for i in self.texts[:2]:
            column = self.table.columns[i]
            codes = [code for code, value in enumerate(column.values) if _TOTAL.match(value)]
            if codes:
                found |= np.isin(column.codes, codes)
        return found

    @cached_property
    def _joined(self) -> dict[int, tuple[str, list[int]]]:
        """Of each column that is looked into: its values a line each, and where each begins."""
        found = {}
        for i, column in enumerate(self.table.columns):
            if column.kind is ColumnKind.TRUTH or len(column.values) > _MAX_LOOKED_INTO:
                continue
            starts, at = [], 0
            for value in column.values:
                starts.append(at)
                at += len(value) + 1
            lower = fold_width("\n".join(column.values))
            folded = lower.lower()
            found[i] = (folded if len(folded) == len(lower) else lower, starts)
        return found

    def codes_with(self, word: str, columns: Sequence[int]) -> dict[int, set[int]]:
        """By column the values that hold `word`: as a word by its stem, in Chinese as a part; of
        numbers and dates only those that are it."""
        found: dict[int, set[int]] = {}
        for i in columns:
            column = self.table.columns[i]
            if i not in self._joined:
                codes = {c for c, value in enumerate(column.values) if value.lower() == word}
            elif column.kind is not ColumnKind.TEXT:
                codes = {c for c, value in enumerate(column.values) if value == word}
            else:
                codes = self._codes_in_text(i, word)
            if codes:
                found[i] = codes
        return found

    def _codes_in_text(self, column: int, word: str) -> set[int]:
        text, starts = self._joined[column]
        if not is_han(word):
            stems = stems_of(word)
            hits = {term.start for term in find_terms(text, stems[:1])} if stems else set()
            return {bisect_right(starts, at) - 1 for at in hits}
        codes: set[int] = set()
        at = text.find(word)
        while at >= 0:
            if len(word) > 1 or text[max(0, at - 1) : at + 2].strip("\n") == word:
                codes.add(bisect_right(starts, at) - 1)
            at = text.find(word, at + 1)
        return codes

    def holds(self, part: str) -> bool:
        """Whether some cell of words holds a part of Chinese text."""
        return any(part in self._joined[i][0] for i in self.texts if i in self._joined)

    @cached_property
    def whole_values(self) -> frozenset[str]:
        """The cells of words of columns that are looked into, in small letters."""
        return frozenset(
            value
            for i in self.texts
            if i in self._joined
            for value in self._joined[i][0].split("\n")
        )

    def mask(self, codes: dict[int, set[int]]) -> NDArray[np.bool_]:
        """bool ``(n_rows,)``: rows that have one of the values in one of the columns."""
        found = np.zeros(self.table.n_rows, np.bool_)
        for i, some in codes.items():
            column = self.table.columns[i]
            chosen = np.zeros(len(column.values) + 1, np.bool_)
            chosen[list(some)] = True
            found |= chosen[column.codes]
        return found
