"""The words that a picture is asked with: what they ask beside what it is, and whole, with a name
in place of "this".

Rules over the forms of questions; no list knows what people ask about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.text.scripts import COMMON_HAN
from kb.text.terms import Language, fold_width, language

__all__ = ["points", "with_subject", "without_naming"]

_THING = (
    "one|thing|item|object|product|device|machine|appliance|gadget|model|unit|article|picture"
    "|photo(?:graph)?|image|screenshot|clip|video|film|scene|frame"
)
_SHOWN = (
    r"(?: (?:shown )?(?:here|above|below)| (?:shown )?(?:in|on) (?:the|this|my|that)"
    r" (?:picture|photo(?:graph)?|image|screenshot|clip|video|film))"
)
# "This" with the noun that says what kind of thing is shown.
_NOUN_AFTER = (
    r"(?P<noun>(?!(?:and|or|in|on|at|of|for|to|with|without|from|than|into|under|over|out|off|up"
    r"|down|inside|outside|apart|while|because|the|an?)\b)[a-z][\w-]*)"
)
_VERB_AFTER = re.compile(
    r"(?:is|are|was|were|be|been|do|does|did|can|could|will|would|should|shall|may|might|must|has"
    r"|have|had|not|cost|costs|weigh|weighs|mean|means|need|needs|take|takes|come|comes|work|works"
    r"|show|shows|say|says|hold|holds|last|lasts|use|uses|used|run|runs|fit|fits|made|sold|called"
    r"|support|supports|contain|contains|include|includes|look|looks|get|gets|go|goes|when|if|that"
    r"|again|too|before|after|now|by|as|so|properly|correctly)",
    re.IGNORECASE,
)
_ENGLISH_THIS = re.compile(
    r"\b(?:(?P<its>its|their)"
    rf"|(?:the (?:{_THING}){_SHOWN}|(?:this|that|these|those) (?:{_THING})s?\b)"
    rf"|(?:this|that|these|those) {_NOUN_AFTER}\b"
    r"|(?:this|that|these|those|it|they|them))\b"
    rf"{_SHOWN}?",
    re.IGNORECASE,
)
# "It" and "that" that point at nothing.
_NOT_THIS = re.compile(
    r"(?:does|did|will|would|can) it take\b|(?:is|was) it (?:true|possible|safe|ok|okay)\b"
    r"|it(?:'s| is) (?:true|possible|safe)\b|that (?:is|was) to say\b",
    re.IGNORECASE,
)
_CHINESE_MEASURE = "个|些|款|种|台|件|本|张|部|份|只|把|幅|段|条|辆|座|家|盒|瓶|套|块|支|双"
_CHINESE_THING = (
    "产品|东西|机器|设备|型号|商品|物品|装置|电器|家电|仪器"
    "|图片|照片|图像|图|相片|视频|片子|短片|画面|截图"
)
_CHINESE_THIS = re.compile(
    rf"(?:图片?|照片|视频|画面)(?:里|中|上)的?(?:这|那)?(?:{_CHINESE_MEASURE})?(?:{_CHINESE_THING})?"
    rf"|(?:这|那)(?:{_CHINESE_MEASURE})(?:{_CHINESE_THING})?(?:里|中|上)?"
    rf"|该(?:{_CHINESE_THING})|它们?|(?:这|那)(?!么|样|里|儿|边|时|次|天|年|月)(?:{_CHINESE_THING})?"
)

# What a thing has, and not what it is.
_MEASURED = (
    "colou?r|size|price|cost|weight|year|date|day|month|time|age|height|width|depth|length|volume"
    "|capacity|voltage|power|temperature|material|version|rating|speed|area|shape|total|number"
)
_ENGLISH_IT = rf"(?:(?:this|that|these|those|the)(?: (?:{_THING})s?)?|it|they)"
_ENGLISH_NAMING = re.compile(
    r"(?:(?:please )?(?:tell me|can you tell me|do you know|i wonder) )?(?:"
    rf"(?:what|who|which (?:one|\w+))(?:'s| is| are) {_ENGLISH_IT}"
    rf"(?: (?:called|named|thing|all about|about))?{_SHOWN}?"
    rf"|(?:what|who) {_ENGLISH_IT} (?:is|are)(?: called)?"
    rf"|(?:what|which)(?: kind of| sort of| type of)? (?!(?:{_MEASURED})\b)(?:\w+ ){{1,2}}"
    rf"(?:is|are) {_ENGLISH_IT}"
    rf"{_SHOWN}?"
    rf"|what(?:'s| is| are)(?: shown)?{_SHOWN}"
    r"|what(?:'s| is) (?:the )?name of (?:this|that|the|it).{0,30}|what(?:'s| is) its name"
    rf"|what (?:does|do) (?:{_ENGLISH_IT}) (?:show|depict)"
    r"|what (?:do|can) (?:you|i|we) see.{0,30}"
    rf"|where(?:'s| is| are| was| were) {_ENGLISH_IT}(?: (?:from|taken|shown|found|in the \w+))?"
    rf"|where (?:does|do|did) {_ENGLISH_IT} (?:come from|appear|occur)"
    rf"|where (?:do|can|did|have) (?:you|i|we) (?:see|seen|find|found) {_ENGLISH_IT}"
    r"|(?:which|what) (?:file|document|page|manual|video|clip|film|report|book|slide)s?"
    r" (?:is|are|has|have|shows?|contains?|does|do) .{0,40}"
    r"|(?:do you )?(?:know|recogni[sz]e|identify|find|name|show(?: me)?|search(?: for)?)"
    rf" {_ENGLISH_IT}{_SHOWN}?"
    r")",
    re.IGNORECASE,
)
_CHINESE_IT = (
    rf"(?:图片?|照片|视频|画面)?(?:里|中|上)?的?(?:(?:这|那)(?:{_CHINESE_MEASURE})?|它|该)?"
    rf"(?:{_CHINESE_THING})?"
)
_CHINESE_NAMING = re.compile(
    rf"(?:请问)?(?:{_CHINESE_IT})(?:的?(?:名字|名称)?(?:是|叫|叫做|属于)(?:个)?"
    rf"(?:什么|啥|谁|哪(?:一)?[{COMMON_HAN}]|什么名字)(?:{_CHINESE_THING}|名字|牌子|品牌|呀|啊)?"
    r"|(?:里面?|中|上)?(?:有|显示(?:的是)?)(?:些)?什么"
    r"|(?:在|来自|出自|出现在)(?:哪里?|哪儿|什么地方|哪一?[个份页本段]"
    rf"[{COMMON_HAN}]{{0,4}})(?:里|中|上|拍的|出现过?|见过)?)"
    r"|请?(?:帮我)?(?:认|识别|查|找|搜)(?:一下|出|找)?[^，。]{0,8}"
    r"|哪一?[个份页本段张些](?:文件|文档|手册|视频|图片|照片|页|报告)?[^，。]{0,4}"
    r"(?:有|是|出现)[^，。]{0,8}"
)
# "How much is the lamp?" asks what it costs.
_COSTS = re.compile(
    r"(?P<how>\bhow much) (?:is|are) (?P<what>the [^?!.,]++)(?P<end>[?!.,]|$)", re.IGNORECASE
)
_CLAUSE = re.compile(
    r"[.;!?。；！？\n]+|[,，、]\s*(?:and\b|以及|还有|并且|另外)?"
    r"|(?<!\s)\s+and\b\s*(?=how|what|when|where|who|which|why|can|does|is)",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:and|also|so|but|以及|还有|并且|另外|那么?)\s*[，,]?\s*", re.IGNORECASE)
_END = " \t\n?？。.!！,，;；、"


def without_naming(question: str) -> str:
    """What `question` asks beside what a picture is and where it is found; empty where that is
    all."""
    question = question.strip()
    kept: list[str] = []
    is_cut = False
    at = 0
    folded = fold_width(question)
    for mark in [*_CLAUSE.finditer(folded), None]:
        end = mark.start() if mark else len(question)
        said = _LEADING.sub("", folded[at:end].strip(_END))
        if said and _is_naming(said):
            is_cut = True
        elif said:
            kept.append(question[at : mark.end() if mark else end])
        at = mark.end() if mark else end
    if not is_cut:
        return question
    return _LEADING.sub("", "".join(kept).strip(" \t\n,，;；、"))


def points(question: str) -> bool:
    """Whether `question` speaks of the picture as of "this"."""
    return any(_pointing(question))


def with_subject(question: str, subject: str) -> str:
    """`question` of `subject` in place of "this", "it", "this grinder", 这台机器 or 它; where it
    has no such word, of `subject` all the same."""
    question = question.strip()
    is_chinese = language(question) is Language.CHINESE
    if not points(question):
        if is_chinese:
            return f"{subject}{question}"
        said = question.rstrip(_END)
        return f"{said} of the {subject}{question[len(said) :]}"
    folded = fold_width(question)
    parts, at = [], 0
    for match in _pointing(question):
        if match.start() < at:
            continue
        put, end = (
            (subject, _chinese_end(folded, match, subject))
            if is_chinese
            else _english(folded, match, subject)
        )
        parts += [question[at : match.start()], put]
        at = end
    whole = _COSTS.sub(r"\g<how> does \g<what> cost\g<end>", "".join([*parts, question[at:]]))
    return whole[0].upper() + whole[1:]


def _is_naming(said: str) -> bool:
    return bool(_ENGLISH_NAMING.fullmatch(said) or _CHINESE_NAMING.fullmatch(said))


def _pointing(question: str) -> Iterator[re.Match[str]]:
    """The words that stand for the picture."""
    folded = fold_width(question)
    idle = [match.span() for match in _NOT_THIS.finditer(folded)]
    pattern = _CHINESE_THIS if language(question) is Language.CHINESE else _ENGLISH_THIS
    for match in pattern.finditer(folded):
        if not any(start <= match.start() < end for start, end in idle):
            yield match


def _chinese_end(folded: str, match: re.Match[str], subject: str) -> int:
    """With the noun that says what kind of thing it is, where the subject's name has it."""
    end = match.end()
    for n in range(6, 0, -1):
        noun = folded[end : end + n]
        if len(noun) == n and noun in subject:
            return end + n
    return end


def _english(folded: str, match: re.Match[str], subject: str) -> tuple[str, int]:
    """What is put in place of a match, and where the rest of the question begins."""
    if match["its"]:
        return f"the {subject}'s", match.end()
    noun = match["noun"]
    if noun is None:
        return f"the {subject}", match.end()
    if _VERB_AFTER.fullmatch(noun):
        return f"the {subject} ", match.start("noun")
    words = subject.lower().split()
    if noun.lower().rstrip("s") in {word.rstrip("s") for word in words}:
        return f"the {subject}", match.end()
    if _is_kind(folded, match):
        return f"the {subject}", match.end()
    return f"the {noun} of the {subject}", match.end()


def _is_kind(folded: str, match: re.Match[str]) -> bool:
    """Whether the noun stands for all that is shown: "is this kettle ...", "this lamp weighs"; and
    is no part of it: "change this filter"."""
    before = folded[: match.start()].rstrip().lower()
    return bool(
        re.search(
            r"(?:\b(?:is|are|was|were|do|does|did|can|could|will|would|should|of|for|on|in|by)|^)$",
            before,
        )
    )
