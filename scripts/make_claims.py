"""Make labelled claims from the samples: ``python scripts/make_claims.py FOLDER``.

Writes ``FOLDER/claims.jsonl`` for ``kb eval --claims FOLDER``, with which the threshold that
`starter` ships with (``configs/claims_starter.json``) was found. A supported claim is a sentence
of a sample's chunk, word for word or reworded by a rule that keeps what it says; an unsupported
one has another number, unit, name or colour, a "not" too many or too few, or is judged by a chunk
of another file. English and Chinese. The same samples give the same claims.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ingest.chunk.chunker import Chunker  # noqa: E402  the root must be importable first
from ingest.decode.media import sniff  # noqa: E402
from ingest.parsers import parser_for  # noqa: E402
from ingest.parsers.base import ParseContext  # noqa: E402
from kb.config import Config  # noqa: E402
from kb.text.sentences import UnitKind, units  # noqa: E402
from kb.text.terms import Language, language  # noqa: E402
from kb.types import Kind, Modality, Source  # noqa: E402

_KINDS = {Kind.PDF, Kind.HTML, Kind.TEXT, Kind.OFFICE}
_MIN_CHARS = {Language.ENGLISH: 35, Language.CHINESE: 12}
_MAX_CHARS = 260
_MAX_A_CHUNK = 4

Rule = Callable[[str], str]


def chunks(samples: Path) -> Iterator[tuple[str, str]]:
    """The file and the text of each chunk of words, as the index holds them, without OCR."""
    config = Config().ingest
    for path in sorted(samples.rglob("*")):
        media = sniff(path) if path.is_file() else None
        if media is None or media[1] not in _KINDS:
            continue
        parser = parser_for(media[0])
        assert parser is not None
        name = path.relative_to(samples).as_posix()
        n_bytes = path.stat().st_size
        source = Source(samples, name, media[0], media[1], "0" * 64, n_bytes, 0)
        context = ParseContext(config, None, lambda _warning: None)
        for part in Chunker(config.chunking).split(parser.parse(source, context)):
            if part.modality is Modality.TEXT and part.text.strip():
                yield name, part.text


def sentences(text: str) -> list[str]:
    """Whole sentences of a chunk, some of many."""
    found = []
    for unit in units(text):
        one = " ".join(text[unit.start : unit.end].split())
        if language(one) is Language.CHINESE:
            one = one.replace(" ", "")
        is_whole = unit.kind is UnitKind.SENTENCE and one.endswith((".", "。", "!", "！"))
        if is_whole and _MIN_CHARS[language(one)] <= len(one) <= _MAX_CHARS:
            found.append(one)
    step = max(1, len(found) // _MAX_A_CHUNK)
    return found[::step][:_MAX_A_CHUNK]


def _replacing(pairs: str, *, both_ways: bool = True) -> Rule:
    """A rule that replaces the first of these words that stands in the text."""
    table = [tuple(pair.strip().split(" = ")) for pair in pairs.strip().splitlines()]
    if both_ways:
        table += [(new, old) for old, new in table]

    def rule(text: str) -> str:
        # Not always the same word first where several fit.
        first = len(text) % len(table) if both_ways else 0
        for old, new in (*table[first:], *table[:first]):
            # Neither a part of a word nor of 2.4.
            before, after = (r"(?<![\w.])", r"(?!\w|\.\d)") if old.isascii() else ("", "")
            changed = re.sub(f"{before}{re.escape(old)}{after}", new, text, count=1)
            if changed != text:
                return changed
        return text

    return rule


_SYNONYMS = _replacing(
    """
    needs = requires
    shows = displays
    about = roughly
    every = each
    switch on = turn on
    repair = fix
    begins = starts
    at most = no more than
    at least = no less than
    device = machine
    because = since
    measured = recorded
    asked = told
    families = households
    place = position
    room = space
    carton = box
    remove = get rid of
    open = take off
    filter = cartridge
    clean = wipe
    hang = are mounted
    noise = sound
    bothers = disturbs
    returns = sets back
    delete = erase
    receipt = invoice
    wait = pause for
    pull = take out
    put = place
    runs at = works at
    catches = holds back
    send = ship
    wall = side
    hear = notice
    deletes = erases
    last = past
    questions = queries
    quieter = less loud
    owner = customer
    made = built
    gone = over
    large = big
    lie = sit
    smell = odour
    missing = not there
    购买 = 选购
    无法 = 不能
    如果 = 若
    建议 = 推荐
    如需 = 若要
    打开 = 开启
    清洁 = 清理
    拔下 = 拔掉
    擦拭 = 擦净
    房间 = 室内
    运行 = 工作
    机器 = 设备
    免费 = 不收费地
    妥善保管 = 保存好
    仔细阅读 = 认真看完
    清除 = 删除
    重新 = 再次
    维修 = 修理
    寄回 = 邮寄回去
    """
)
_NUMERALS = _replacing(
    """
    two = 2
    three = 3
    four = 4
    five = 5
    six = 6
    seven = 7
    eight = 8
    ten = 10
    twelve = 12
    二十四个月 = 24个月
    三十天 = 30天
    七个工作日 = 7个工作日
    五年 = 5年
    """
)
_LONG_UNITS = _replacing(
    """
    seconds = s
    minutes = min
    centimetres = cm
    kilograms = kg
    metres = m
    小时 = h
    厘米 = cm
    公斤 = kg
    """,
    both_ways=False,
)
_OTHER_THINGS = _replacing(
    """
    Breeze 300 = Skylark
    Millrace = Ember
    Lantern = Millrace
    HF-30 = HF-20
    Turbo = Sleep
    Filter = Timer
    green = orange
    blue = red
    March = October
    February = June
    January = September
    Monday = Thursday
    upstairs = downstairs
    绿色 = 橙色
    蓝色 = 红色
    滤网 = 电机
    模式 = 定时
    夜间 = 白天
    发票 = 护照
    """
)
_NEGATED = _replacing(
    """
    Do not = You should
    does not = does
    do not = do
    is not = is
    are not = are
    cannot = can
    never = always
    can = cannot
    must = must not
    will = will not
    is = is not
    are = are not
    has = has no
    takes = does not take
    不要 = 要
    请勿 = 请
    不能 = 能
    不会 = 会
    没有 = 有
    不在 = 在
    可以 = 不可以
    需要 = 不需要
    应 = 不应
    会 = 不会
    请 = 请勿
    """,
    both_ways=False,
)


def _reported(text: str) -> str:
    if text.startswith(("According", "根据")):
        return text
    if language(text) is Language.CHINESE:
        return f"根据说明，{text}"
    return f"According to the text, {text[0].lower() if text[1:2].islower() else text[0]}{text[1:]}"


def _turned(text: str) -> str:
    """``If A, B.`` → ``B if A.``; else the words in brackets left out."""
    match = re.fullmatch(r"(If|When|After|Before) ([^,]+), (.+)\.", text)
    if match:
        word, first, second = match.groups()
        return f"{second[0].upper()}{second[1:]} {word.lower()} {first}."
    return re.sub(r"\s?[(（][^()（）]*[)）]", "", text)


def _cut(text: str) -> str:
    """The first of two clauses."""
    match = re.match(r"((?:[^,]{30,}?)),\s(?=and |but |so )|([^，]{10,}?)(?<![前时后])，", text)
    if match is None or re.match("If|When|如|若|当", text):
        return text
    return f"{match[1]}." if match[1] else f"{match[2]}。"


def _other_number(text: str) -> str:
    words = "two three four five six seven eight nine ten twelve".split()

    def other(match: re.Match[str]) -> str:
        if match[0] in words:
            return words[(words.index(match[0]) + 3) % len(words)]
        if match[0] in "二三四五六七八九十":
            return "三四五六七八九十二"["二三四五六七八九十".index(match[0])]
        return str(int(match[0]) + max(1, int(match[0]) // 3))

    number = rf"(?<![\w.])(?:\d+|{'|'.join(words)})(?!\w)|\d+(?=\s?[一-鿿])"
    han = "[二三四五六七八九十](?=[个天年秒周月]|小时|分钟|厘米)"
    return re.sub(f"{number}|{han}", other, text, count=1)


_OTHER_UNIT = _replacing(
    """
    seconds = minutes
    minutes = hours
    hours = days
    days = weeks
    months = years
    centimetres = metres
    小时 = 分钟
    个月 = 年
    天 = 个月
    厘米 = 米
    秒 = 分钟
    """,
    both_ways=False,
)
_KEEPING: Sequence[Rule] = (
    *(_SYNONYMS, _turned, _SYNONYMS, _NUMERALS),
    *(_SYNONYMS, _cut, _SYNONYMS, _LONG_UNITS, _reported),
)
_CHANGING: Sequence[Rule] = (_other_number, _NEGATED, _OTHER_THINGS, _OTHER_UNIT)


def claims(samples: Path) -> Iterator[dict[str, object]]:
    """Lines of ``claims.jsonl``: for each sentence a supported and an unsupported claim."""
    found = [(name, text, one) for name, text in chunks(samples) for one in sentences(text)]
    for i, (name, evidence, one) in enumerate(found):
        # Reworded by none, one, two or three rules in turn.
        yield {"claim": _reworded(one, i, i % 4), "evidence": evidence, "supported": True}
        false, judged_by = _falsified(one, i), evidence
        if false == one:
            judged_by = _elsewhere(found, i, name)
        yield {"claim": false, "evidence": judged_by, "supported": False}


def _reworded(text: str, first: int, n_rules: int) -> str:
    for k in range(len(_KEEPING)):
        if not n_rules:
            break
        changed = _KEEPING[(first + k) % len(_KEEPING)](text)
        n_rules -= changed != text
        text = changed
    return text


def _falsified(text: str, first: int) -> str:
    """The text with one thing wrong; each fifth, and those where no rule fits, unchanged."""
    if first % 5 < len(_CHANGING):
        for k in range(len(_CHANGING)):
            changed = _CHANGING[(first + k) % len(_CHANGING)](text)
            if changed != text:
                return changed
    return text


def _elsewhere(found: Sequence[tuple[str, str, str]], i: int, name: str) -> str:
    """The next chunk of another file, in the same language where there is one."""
    others = [one for one in (*found[i:], *found[:i]) if one[0] != name]
    same = [one for one in others if language(one[1]) is language(found[i][1])]
    return (same or others)[0][1]


def main() -> None:
    """Write the claims of ``data/samples``."""
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/make_claims.py FOLDER")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(one, ensure_ascii=False) for one in claims(ROOT / "data" / "samples")]
    (folder / "claims.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
