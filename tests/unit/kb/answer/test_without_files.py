"""Talk and questions about the library are answered without the files, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kb.answer.about_library import about_library, library_question
from kb.answer.small_talk import reply
from kb.answer.without_files import reply_without_files
from kb.answer.wording import DANGLING, EMPTY
from kb.index.ledger import DocumentRecord, DocumentStatus, Ledger, PathRecord
from kb.text.terms import Language
from kb.types import AnswerStatus, Document, EncodedImage, Kind, Query

NOW = datetime(2026, 11, 26, 15, 0).astimezone()


def put(ledger: Ledger, path: str, kind: Kind, seen: datetime) -> None:
    sha256 = f"{len(ledger.paths()):064x}"
    document = Document(sha256, kind, "text/plain", path, 1, (), 0)
    record = DocumentRecord(document, "settings", DocumentStatus.INDEXED, "")
    seen_ns = int(seen.timestamp()) * 10**9
    ledger.commit([(record, (), (PathRecord("/r", path, sha256, 1, 0, seen_ns),))])


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    put(ledger, "a_b.pdf", Kind.PDF, NOW - timedelta(hours=2))
    put(ledger, "old/c.pdf", Kind.PDF, NOW - timedelta(days=1))
    put(ledger, "片子.mp4", Kind.VIDEO, NOW - timedelta(days=40))
    put(ledger, "stock.xlsx", Kind.OFFICE, NOW - timedelta(days=40))
    ledger.put_paths([PathRecord("/r", "bad.pdf", None, 1, 0, 1, reason="broken")])
    return ledger


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("thanks!", "You're welcome."),
        ("Thank you so much, that helped", "You're welcome."),
        ("OK, got it.", "Good. Ask on whenever you like."),
        ("hello there", "Hello! Ask me something about your files."),
        ("Good night!", "Goodbye."),
        ("你好", "您好！请问您想了解文件里的什么内容？"),
        ("谢谢，我明白了", "不客气。"),
        ("好的，谢谢你的帮助", "不客气。"),
        ("再见", "再见。"),
    ],
)
def test_talk_gets_a_friendly_line(said: str, line: str) -> None:
    assert reply(said) == line


@pytest.mark.parametrize(
    "asked",
    [
        "Whom does the preface thank?",
        "What does “good morning” mean in Danish?",
        "Hi, how much is the pump?",
        "thanks to whom was the bridge built",
        "What is a good job?",
        "谢谢信怎么写？",
        "你好的英文是什么？",
        "好用吗",
        "Is it perfect?",
    ],
)
def test_a_question_with_such_words_is_no_talk(asked: str) -> None:
    assert reply(asked) is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("How many PDFs are there?", "2 PDFs."),
        ("how many videos do you have", "1 video."),
        ("一共有多少个 PDF？", "共有 2 个 PDF。"),
        ("How many spreadsheets are there?", "1 spreadsheet."),
        ("Which web pages do you have?", "There are no web pages."),
        ("What was added yesterday?", "1 file added or changed:\n\n- old/c.pdf"),
        ("今天新增了哪些文件？", "共有 1 个文件（新增或更改的）：\n\n- a_b.pdf"),
    ],
)
def test_the_library_tells_of_itself(ledger: Ledger, asked: str, said: str) -> None:
    told = about_library(asked, ledger, NOW)
    assert told is not None
    assert told.split("\n\n1 more")[0].split("\n\n另有")[0] == said


def test_all_files_are_listed_and_what_failed_is_said(ledger: Ledger) -> None:
    told = about_library("What files do you have?", ledger, NOW)
    assert told is not None
    assert told.startswith("4 files:\n\n- a_b.pdf\n- old/c.pdf\n- stock.xlsx\n- 片子.mp4\n")
    assert "1 more could not be read" in told


def test_a_long_list_is_cut(ledger: Ledger) -> None:
    for number in range(50):
        put(ledger, f"n{number:02}.txt", Kind.TEXT, NOW)
    told = about_library("有哪些文件？", ledger, NOW)
    assert told is not None
    assert told.count("\n- ") == 41
    assert "另有 14 个" in told


@pytest.mark.parametrize(
    "asked",
    [
        "What files do you have?", "what documents are in the library", "List all files",
        "How many files are in the library?", "What is in the knowledge base?",
        "Show me all the pictures", "Which files were added this week?", "do you have any videos?",
        "有哪些文件？", "知识库里有什么？", "你有哪些文件？", "最近添加了哪些文档？",
        "列出所有文件",
        "哪些文件是今天添加的？", "有多少图片",
    ],
)  # fmt: skip
def test_questions_about_the_library_are_known(asked: str) -> None:
    assert library_question(asked, NOW)


@pytest.mark.parametrize(
    "asked",
    [
        "How many PDFs are there in the appendix of the contract?",
        "Which documents do I need?",
        "How many pictures are there in the exhibition?", "What was added in version 2?",
        "What is in the box?", "What files does the program write?", "申请签证需要哪些资料？",
        "展览上有多少图片？", "今天的会议讨论了什么？", "2.4 版新增了什么？", "盒子里有什么？",
        "How many videos did the channel upload this week?",
    ],
)  # fmt: skip
def test_questions_to_documents_are_not_caught(asked: str) -> None:
    assert library_question(asked, NOW) is None


@pytest.mark.parametrize("asked", ["👍", "?!", "a", "the of and", "的", "what is the", "🦊🦊🦊"])
def test_what_holds_no_word_to_look_for_is_told(ledger: Ledger, asked: str) -> None:
    told = reply_without_files(Query(asked), ledger, NOW)
    assert told is not None
    assert told.status is AnswerStatus.NO_EVIDENCE
    assert told.text in EMPTY.values()


def test_statuses_and_languages(ledger: Ledger) -> None:
    dangling = reply_without_files(Query("那个多少钱？"), ledger, NOW)
    assert dangling == (DANGLING[Language.CHINESE], AnswerStatus.NO_EVIDENCE)
    talk = reply_without_files(Query("thanks"), ledger, NOW)
    assert talk == ("You're welcome.", AnswerStatus.NO_EVIDENCE)
    listed = reply_without_files(Query("How many PDFs are there?"), ledger, NOW)
    assert listed is not None
    assert listed.status is AnswerStatus.ANSWERED


@pytest.mark.parametrize("asked", ["水", "ይህ ምንድን ነው?", "zebra", "x" * 1_000_000])
def test_all_else_is_looked_for(ledger: Ledger, asked: str) -> None:
    assert reply_without_files(Query(asked), ledger, NOW) is None


def test_a_picture_is_what_a_question_is_about(ledger: Ledger) -> None:
    picture = EncodedImage(b"", "image/png", 9, 9)
    assert reply_without_files(Query("How much is it?", images=(picture,)), ledger, NOW) is None
