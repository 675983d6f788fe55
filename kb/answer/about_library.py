"""Questions about the library itself, answered from the ledger: which files there are, how many,
and what was added of late.

A question is one of these only as a whole sentence: "How many PDFs are there?" asks for files,
"How many PDFs are there in the appendix of the contract?" for what a document says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kb.text.markdown import escape_markdown
from kb.text.scripts import COMMON_HAN
from kb.text.terms import Language, fold, language
from kb.types import Kind

__all__ = ["FileLister", "LibraryQuestion", "about_library", "library_question"]

# Longer than any of them.
_MAX_CHARS = 120
_MAX_LISTED = 40


class FileLister(Protocol):
    """Tells of files, as the ledger does."""

    def readable_files(
        self, kind: str, name: str, from_ns: int, before_ns: int | None, limit: int
    ) -> tuple[list[str], int, int]:
        """The first paths, how many files there are, and how many could not be read."""


@dataclass(frozen=True, slots=True)
class _Noun:
    """What files of a sort are called.

    Attributes:
        english: As a pattern, in the plural.
        chinese: Likewise.
        name: What their names contain, where that tells them apart.
        said: One and several in English, and in Chinese.
    """

    english: str
    chinese: str
    said: tuple[str, str, str]
    kind: Kind | None = None
    name: str = ""


_FILE = _Noun(r"files|documents|docs|sources", "文件|文档|资料|东西", ("file", "files", "个文件"))
_NOUNS = (
    _Noun(
        r"pdfs|pdf (?:files|documents)",
        r"pdf\s*(?:文件|文档)?",
        ("PDF", "PDFs", "个 PDF"),
        kind=Kind.PDF,
    ),
    _Noun(r"e-?books|epubs", "电子书", ("e-book", "e-books", "本电子书"), kind=Kind.EBOOK),
    _Noun(
        r"pictures|images|photos|(?:picture|image) files",
        "图片(?:文件)?|照片|图像",
        ("picture", "pictures", "张图片"),
        kind=Kind.IMAGE,
    ),
    _Noun(
        r"videos|films|clips|movies|video files",
        "视频(?:文件)?|影片|短片",
        ("video", "videos", "个视频"),
        kind=Kind.VIDEO,
    ),
    _Noun(
        r"(?:audio |voice )?recordings|audio files|podcasts|voice memos",
        "录音(?:文件)?|音频(?:文件)?|播客",
        ("recording", "recordings", "个录音"),
        kind=Kind.AUDIO,
    ),
    _Noun(r"web ?pages|html files", "网页", ("web page", "web pages", "个网页"), kind=Kind.HTML),
    _Noun(
        r"office (?:files|documents)",
        r"office\s*(?:文件|文档)",
        ("Office file", "Office files", "个 Office 文件"),
        kind=Kind.OFFICE,
    ),
    _Noun(
        r"(?:excel|xlsx) (?:files|documents|sheets)|spreadsheets",
        r"(?:excel|xlsx)\s*(?:文件|文档|表格?)?|电子表格",
        ("spreadsheet", "spreadsheets", "个电子表格"),
        name=".xls",
    ),
    _Noun(
        r"(?:word|docx) (?:files|documents)",
        r"(?:word|docx)\s*(?:文件|文档)?",
        ("Word document", "Word documents", "个 Word 文档"),
        name=".doc",
    ),
    _Noun(
        r"(?:powerpoint|pptx) (?:files|documents|presentations)|presentations|slide decks",
        r"(?:powerpoint|pptx?)\s*(?:文件|文档)?|演示文稿|幻灯片",
        ("presentation", "presentations", "个演示文稿"),
        name=".ppt",
    ),
    _Noun(
        r"csv files|csvs",
        r"csv\s*(?:文件)?",
        ("CSV file", "CSV files", "个 CSV 文件"),
        name=".csv",
    ),
    _Noun(
        r"text files|txt files",
        r"文本文件|txt\s*(?:文件)?",
        ("text file", "text files", "个文本文件"),
        name=".txt",
    ),
    _Noun(
        r"markdown files|md files",
        r"markdown\s*(?:文件)?",
        ("Markdown file", "Markdown files", "个 Markdown 文件"),
        name=".md",
    ),
    _FILE,
)
_CALLED = tuple((re.compile(f"{noun.english}|{noun.chinese}"), noun) for noun in _NOUNS)
_ENGLISH_NOUN = "|".join(noun.english for noun in _NOUNS)
_CHINESE_NOUN = "|".join(noun.chinese for noun in _NOUNS)

_PLACE = (
    r"(?: (?:in|of) (?:the|your|my|our|this) (?:library|knowledge ?base|collection|index|folder)"
    r"| (?:in )?here)?"
)
_HAVE = (
    rf"(?:(?:do|have) (?:you|we|i)(?: currently| now)? (?:have|got|know)|(?:are|is) there"
    rf"|(?:are|is|were) (?:indexed|stored|available|loaded)|can you (?:see|read|search))"
    rf"(?: indexed| stored| loaded)?{_PLACE}(?: now| right now| in total| altogether| so far)?"
)
_WHEN_ENGLISH = (
    r"(?:today|yesterday|recently|lately|this week|this month"
    r"|(?:in|over|within) the (?:last|past) (?:\d{1,3} )?(?:days?|weeks?|months?))"
)
_ADDED = r"(?:added|uploaded|indexed|imported|changed|updated|new)"
_ENGLISH = (
    rf"how many (?P<count>{_ENGLISH_NOUN})(?: {_HAVE})?",
    rf"(?:what|which)(?: kinds? of| sorts? of)? (?P<list>{_ENGLISH_NOUN}) {_HAVE}",
    rf"(?:please )?(?:list|show|name)(?: me)? (?:all|every|your|my)"
    rf"(?: of)?(?: the| your| my)? (?P<list>{_ENGLISH_NOUN}){_PLACE}(?: {_HAVE})?",
    rf"(?:please )?(?:list|name) (?:the )?(?P<list>{_FILE.english}){_PLACE}",
    rf"(?:what|which) (?P<list>{_ENGLISH_NOUN}) are(?: there)?{_PLACE}",
    rf"how many (?P<count>{_ENGLISH_NOUN}) are(?: there)?{_PLACE}",
    rf"(?:do you have|have you got|are there) any (?P<list>{_ENGLISH_NOUN}){_PLACE}",
    r"what(?:'s| is) in (?:the|your|my|our|this) (?:library|knowledge ?base|collection)",
    rf"(?:what|which)(?: (?P<list>{_ENGLISH_NOUN}))? (?:(?:was|were|is|are) (?:newly )?"
    rf"|(?:has|have) been ){_ADDED}{_PLACE} (?P<when>{_WHEN_ENGLISH}){_PLACE}",
    rf"(?:what|which) (?:new )?(?P<list>{_ENGLISH_NOUN}) (?:did (?:i|we|you) (?:add|upload|get)"
    rf"|(?:are|is) there) (?P<when>{_WHEN_ENGLISH})",
    rf"how many (?P<count>{_ENGLISH_NOUN}) (?:were|are|have been) (?:newly )?{_ADDED}{_PLACE}"
    rf" (?P<when>{_WHEN_ENGLISH})",
)
_HERE = (
    r"(?:请问|那|你|您|我|我们|你们|这里|这儿|现在|目前|当前|里面|一共|总共|都|共|(?:这个|你的|我的)?"
    r"(?:知识库|资料库|文件库|文档库|库)(?:里面?|中|内)?){0,5}"
)
_WHEN_CHINESE = (
    r"(?:今天|今日|昨天|昨日|最近|近来|近期|本周|这周|这个星期|本月|这个月"
    r"|(?:最近|过去)?\d{1,3}\s*(?:天|周|个月)[内里]?)"
)
_NEW = r"(?:新?(?:增加|添加|加入|加|新增|上传|导入|更新|修改|收录))(?:进来)?[了过]?"
_CHINESE = (
    rf"{_HERE}有?(?:哪些|什么|哪几个)(?P<list>{_CHINESE_NOUN}){_HERE}[呢啊]?",
    rf"{_HERE}有(?:多少|几)[个份张段篇本]?(?P<count>{_CHINESE_NOUN})[呢啊]?",
    rf"{_HERE}有(?P<count>{_CHINESE_NOUN})(?:多少|几)[个份张段篇本]?[呢啊]?",
    rf"(?:请)?(?:帮我)?(?:列出|列举|显示|看看)(?:一下)?(?:所有|全部)?的?(?:{_HERE}的)?(?P<list>{_CHINESE_NOUN})",
    r"(?:这个|你的|我的)?(?:知识库|资料库|文件库|文档库)(?:里面?|中|内)都?有(?:什么|哪些)(?:内容)?[呢啊]?",
    rf"{_HERE}(?P<when>{_WHEN_CHINESE}){_HERE}(?:{_NEW}|有)(?:哪些|什么|多少)新?的?[个份张段篇本]?"
    rf"(?P<list>{_CHINESE_NOUN})?[呢啊]?",
    rf"(?:哪些|什么)(?P<list>{_CHINESE_NOUN})是?(?P<when>{_WHEN_CHINESE}){_NEW}的?",
)
_FORMS = tuple(re.compile(form) for form in (*_ENGLISH, *_CHINESE))
_POLITE = re.compile(
    r"^(?:(?:please|hi|hello|hey|so|and|ok|okay)[, ]+)?(?:(?:can|could) you )?(?:please )?"
    r"(?:tell me )?"
)
_BESIDE_HAN = re.compile(rf"(?<=[{COMMON_HAN}]) | (?=[{COMMON_HAN}])")
_N = re.compile(r"\d{1,3}")

_SAID = {
    Language.ENGLISH: {
        "none": "There are no {what}{when}.",
        "count": "{n:,} {what}{when}.",
        "list": "{n:,} {what}{when}:",
        "more": "- and {n:,} more, which the Library page shows",
        "failed": "{n:,} more could not be read; `kb status` and the Library page say why.",
        "new": " added or changed",
    },
    Language.CHINESE: {
        "none": "没有{when}{what}。",
        "count": "共有 {n:,} {what}{when}。",
        "list": "共有 {n:,} {what}{when}：",
        "more": "- 另有 {n:,} 个，见“Library”页",
        "failed": "另有 {n:,} 个无法读取，原因见 `kb status` 或“Library”页。",
        "new": "（新增或更改的）",
    },
}


@dataclass(frozen=True, slots=True)
class LibraryQuestion:
    """A question about the files as files.

    Attributes:
        noun: What it calls them.
        is_count: It asks how many they are, not which.
        start: Only what was added or changed since, and before `end`; None takes all.
    """

    noun: _Noun
    is_count: bool
    start: datetime | None = None
    end: datetime | None = None


def library_question(text: str, now: datetime) -> LibraryQuestion | None:
    """`text` understood; None where it may ask for what documents say.

    Args:
        now: In the time zone whose days "today" and "yesterday" are.
    """
    if len(text) > _MAX_CHARS:
        return None
    said = " ".join(fold(text).casefold().replace("’", "'").split()).rstrip(" ?!.。")
    said = _BESIDE_HAN.sub("", said)
    for form in _FORMS:
        match = form.fullmatch(said) or form.fullmatch(_POLITE.sub("", said))
        if match is not None:
            found = {key: value for key, value in match.groupdict().items() if value}
            is_count = "count" in found or "多少" in said
            start, end = _period(found["when"], now) if "when" in found else (None, None)
            noun = _noun(found.get("count") or found.get("list", ""))
            return LibraryQuestion(noun, is_count, start, end)
    return None


def about_library(text: str, lister: FileLister, now: datetime) -> str | None:
    """The answer as Markdown, in the language of `text`; None where that is no question about
    the library."""
    asked = library_question(text, now)
    if asked is None:
        return None
    paths, n_files, n_failed = lister.readable_files(
        kind=asked.noun.kind.value if asked.noun.kind else "",
        name=asked.noun.name,
        from_ns=_ns(asked.start) if asked.start else 0,
        before_ns=_ns(asked.end) if asked.end else None,
        limit=_MAX_LISTED,
    )
    spoken = language(text)
    said = _SAID[spoken]
    one, several, chinese = asked.noun.said
    what = chinese if spoken is Language.CHINESE else one if n_files == 1 else several
    when = said["new"] if asked.start else ""
    if not n_files:
        what = what.lstrip("个张本 ") if spoken is Language.CHINESE else what
        lines = [said["none"].format(what=what, when=when)]
    else:
        lines = [
            said["count" if asked.is_count else "list"].format(n=n_files, what=what, when=when)
        ]
    if n_files and not asked.is_count:
        lines += ["", *(f"- {escape_markdown(path)}" for path in paths)]
        if n_files > len(paths):
            lines.append(said["more"].format(n=n_files - len(paths)))
    if n_failed:
        lines += ["", said["failed"].format(n=n_failed)]
    return "\n".join(lines)


def _noun(words: str) -> _Noun:
    return next((noun for called, noun in _CALLED if called.fullmatch(words)), _FILE)


def _period(when: str, now: datetime) -> tuple[datetime, datetime | None]:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if when in ("yesterday", "昨天", "昨日"):
        return today - timedelta(days=1), today
    if when in ("today", "今天", "今日"):
        return today, None
    if when in ("this week", "本周", "这周", "这个星期"):
        return today - timedelta(days=today.weekday()), None
    if when in ("this month", "本月", "这个月"):
        return today.replace(day=1), None
    number = _N.search(when)
    n = int(number.group()) if number else 1
    if "month" in when or "月" in when:
        return today - timedelta(days=30 * n), None
    if "day" in when or "天" in when:
        return today - timedelta(days=n), None
    return today - timedelta(days=7 * n), None


def _ns(time: datetime) -> int:
    return int(time.timestamp()) * 1_000_000_000
