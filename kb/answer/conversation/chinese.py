"""Chinese questions that lack a subject of their own, and what earlier ones give them.

Rules over the forms of questions; no list knows what people ask about.
"""

from __future__ import annotations

import re

from kb.answer.conversation.earlier import Earlier, Part
from kb.answer.tables.lexicon import CONCEPTS
from kb.text.scripts import COMMON_HAN

__all__ = ["action_of", "asks_which", "is_dangling", "rewrite", "subject_of"]

_MARKER = re.compile(
    r"^(?:那么|还有|另外|然后|所以|而且|那(?![霸曲英不个些位种款台件样里边]))[，,]?\s*"
)
_INSTEAD = re.compile(r"^(?P<other>.{1,30}?)(?:又|会|该)?(?:呢|怎么样|如何)$")
_ASKING = (
    "多少|多久|多长|多大|多高|多重|多宽|多深|多远|多快|多贵|多厚|几|什么|怎么|怎样|如何|哪|谁|为什么|为何|何时"
    "|是否|能否|可否|有没有|是不是|能不能|会不会|可不可以|要不要|吗"
)
# Kinds of columns that are things, and not what things have.
_THINGS = frozenset(
    "item part order customer supplier employee student teacher course department city country"
    " region warehouse room brand author person place".split()
)
_ATTRIBUTES = "|".join(
    sorted(
        {
            word
            for name, one in CONCEPTS.items()
            if name not in _THINGS
            for word in one.chinese
            if len(word) > 1
        }
        | {"包修", "保修", "质保", "寿命", "周期", "功能", "型号", "参数"},
        key=len,
        reverse=True,
    )
)
_VERBS = (
    "是|有|在|能|会|可以|可|要|应该|应|需要|需|得|支持|适合|属于|代表|表示|占|用|使用|被|把|和|与|比|由|从|卖|买|售"
    "|放|装|怎|最|一共|总共|大概|大约|通常|一般|平均"
)
_PREDICATE = re.compile(f"的|{_ATTRIBUTES}|{_VERBS}|{_ASKING}")
_PRONOUN = re.compile(
    r"它们?(?:的)?|(?:这|那)(?:个|些|款|种|台|件|本|张|部|份)?(?P<noun>产品|东西|机器|设备|型号|商品|物品)?"
    rf"(?=的|{_VERBS}|{_ASKING}|{_ATTRIBUTES}|好|贵|重|便宜|$)|该(?:产品|机器|设备|型号|商品)|[他她]们?|其(?={_ATTRIBUTES})"
)
# What is asked alone, of something said before: "how much?".
_BARE = re.compile(
    rf"(?:(?:又|都|要|需要|大概|大约|一共|总共)?(?:多少钱?|多久|多长(?:时间)?|多大|多高|多重|多宽|多深|多远|多快|多贵|贵不贵|重不重"
    rf"|几[{COMMON_HAN}]{{1,2}}|什么价格?|什么时候|何时|哪里|在哪[里儿]?|谁|为什么|为何|怎么办|怎么样|有哪些)[{COMMON_HAN}]{{0,3}}"
    rf"|(?:是|有|能|会|可以|要|需要|支持)[{COMMON_HAN}]{{1,4}}吗)"
)
_ATTRIBUTE_IS = re.compile(
    rf"(?:{_ATTRIBUTES})(?:是|有|为)?(?:多少|多大|多高|多长|多久|多重|什么|几[{COMMON_HAN}])"
)
_ALSO_SO = re.compile(r"(?P<what>.{1,30}?)(?:也行|也可以|也能|也可|也是|行|可以)(?:吗|么)?$")
_ALSO_MARK = re.compile(r"也(?:行|可以|能|可|是)(?:吗|么)?$")
_CAN = re.compile(r"(?:还)?(?:能|可以|可)(?!否)[^，,；;。？?吗么]{1,20}")
_ACTION = re.compile(
    r"^(?:请问)?(?:[我你您]们?)?(?:应该|该|要|想|可以)?(?:怎么样?|怎样|如何)(?P<what>(?!样|办|回事|了).{2,30})"
)
_WHICH = re.compile(
    rf"(?:哪(?:一|几)?(?:个|种|款|些|台|件|本|张|部|家|位|座|间|条|项|类|份)?的?(?P<noun>[{COMMON_HAN}]{{0,6}}?)(?=的|{_VERBS}|$)|谁)"
)
_MOST = re.compile(r"最(?=[久长短大小高矮低重轻贵宽窄深浅快慢远近多少厚薄热冷])")
_MUCH = {
    "短": "长",
    "小": "大",
    "矮": "高",
    "低": "高",
    "轻": "重",
    "窄": "宽",
    "浅": "深",
    "慢": "快",
    "近": "远",
}
_SLOTS = (
    re.compile(r"(?:1[89]|20)\d\d\s*年?"),
    re.compile(r"第?[一二三四1-4]季度"),
    re.compile(r"(?:1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月份?"),
    re.compile(r"[去今明前]年"),
)
_PLACE = re.compile(rf"在(?!哪)[{COMMON_HAN}]{{1,8}}?(?=的|{_VERBS}|{_ASKING}|{_ATTRIBUTES})")
_CODE = re.compile(r"(?<![A-Za-z\d])[A-Za-z]+[-\s]?\d[A-Za-z0-9_-]*")
_NAME = re.compile(
    rf"[{COMMON_HAN}]{{0,6}}? ?[A-Za-z][A-Za-z\d\-]*(?: ?\d[A-Za-z0-9_\-]*)?"
    rf"|[{COMMON_HAN}]{{2,4}} ?\d{{2,5}}(?![年月日号\d])"
)
_LEADING = re.compile(r"^(?:请问|想问一下|我想知道|请告诉我|问一下|在|对于?|关于)")
_TRAILING = re.compile(r"(?:之后|以后|之前|以前|时候?|上|里面?|中)$")
_MAX_SUBJECT_CHARS = 16
_MIN_OWN_CHARS = 2


def rewrite(question: str, earlier: Earlier) -> str | None:
    """`question` with the subject that it takes from `earlier`; None where it is whole in itself.

    Args:
        question: Without what ends it.
    """
    rest, is_marked = _unmarked(question)
    if (
        _ALSO_MARK.search(rest)
        and (also := _ALSO_SO.match(rest))
        and (can := _CAN.search(earlier.question))
    ):
        return f"{also['what']}{can.group()}吗"
    if (other := _INSTEAD.match(rest)) and _is_thing(other["other"]):
        return _instead(other["other"], earlier)
    if not earlier.topic:
        return None
    if pronoun := _pronoun(rest):
        return _with_topic(rest, pronoun, earlier.topic)
    if _BARE.fullmatch(rest):
        return f"{earlier.topic}{rest}"
    if _ATTRIBUTE_IS.fullmatch(rest):
        return f"{earlier.topic}的{rest}"
    if is_marked:
        return _in_context(rest, earlier)
    return None


def is_dangling(question: str) -> bool:
    """Whether `question`, without what ends it, can't be understood without an earlier one."""
    rest, is_marked = _unmarked(question)
    if (other := _INSTEAD.match(rest)) and _is_thing(other["other"]) and rest.endswith("呢"):
        return True
    if is_marked and _BARE.fullmatch(rest):
        return True
    if pronoun := _pronoun(rest):
        said = rest[: pronoun.start()] + rest[pronoun.end() :]
        return len(_PREDICATE.sub("", said).strip()) < _MIN_OWN_CHARS
    return bool(_BARE.fullmatch(rest)) and len(_PREDICATE.sub("", rest)) < _MIN_OWN_CHARS


def asks_which(question: str) -> bool:
    """Whether the answer to `question` is the thing that a later 它 means."""
    return bool(_WHICH.search(question)) and "哪里" not in question and "哪儿" not in question


def action_of(question: str) -> str:
    """What `question` asks how to do, or empty."""
    match = _ACTION.match(_unmarked(question)[0])
    return match["what"] if match else ""


def subject_of(question: str) -> Part | None:
    """What `question` is about: what stands before it says or asks something; a name, where that is
    nothing."""
    lead = _LEADING.match(question)
    at = lead.end() if lead else 0
    predicate = next(
        (found for found in _PREDICATE.finditer(question, at) if found.start() > at), None
    )
    starts_so = _PREDICATE.match(question, at)
    if predicate is not None and starts_so is None:
        text = _TRAILING.sub("", question[at : predicate.start()].strip())
        if 1 < len(text) <= _MAX_SUBJECT_CHARS:
            start = question.index(text, at)
            return Part(text, start, start + len(text))
    if name := _NAME.search(question):
        before = list(_PREDICATE.finditer(name.group()))
        text = name.group()[before[-1].end() if before else 0 :].strip()
        start = question.index(text, name.start())
        return Part(text, start, start + len(text))
    if action := action_of(question):
        # "更换滤网": what is done, then to what.
        text = action[2:] if len(action) > 3 else action
        start = question.index(text)
        return Part(text, start, start + len(text))
    return None


def _unmarked(question: str) -> tuple[str, bool]:
    match = _MARKER.match(question)
    if match and len(match.group()) < len(question):
        return question[match.end() :], True
    return question, False


def _is_thing(other: str) -> bool:
    """Whether `other` names something, and is no question of its own."""
    return not re.search(f"{_ASKING}|^(?:我|你|您)", other)


def _pronoun(question: str) -> re.Match[str] | None:
    """The first pronoun that means something said before this question."""
    for match in _PRONOUN.finditer(question):
        before = _PREDICATE.sub("", question[: match.start()])
        if len(before.strip()) < _MIN_OWN_CHARS:
            return match
    return None


def _with_topic(question: str, pronoun: re.Match[str], topic: str) -> str:
    put = topic + ("的" if pronoun.group().endswith("的") or pronoun.group() == "其" else "")
    return question[: pronoun.start()] + put + question[pronoun.end() :]


def _in_context(question: str, earlier: Earlier) -> str | None:
    if _NAME.search(question):
        return None
    if earlier.action:
        return f"{earlier.action}，{question}"
    if earlier.topic in question:
        return None
    return f"{earlier.topic}的{question}"


def _instead(other: str, earlier: Earlier) -> str:
    """The earlier question, of `other` in place of what it was about."""
    question = earlier.question
    for form in _SLOTS:
        if form.fullmatch(other) and (found := list(form.finditer(question))):
            return question[: found[-1].start()] + other + question[found[-1].end() :]
    if (code := _CODE.fullmatch(other)) and (
        found_code := next((m for m in _CODE.finditer(question) if _shape(m) == _shape(code)), None)
    ):
        return question[: found_code.start()] + other + question[found_code.end() :]
    if re.fullmatch(f"(?:它的|其)?(?:{_ATTRIBUTES})", other) and earlier.topic:
        return f"{earlier.topic}的{re.sub('^(?:它的|其)', '', other)}是多少"
    if which := _WHICH.search(question):
        asked = question[: which.start()] + other + question[which.end() :]
        return _how_much(asked)
    if other.startswith("在") and (place := _PLACE.search(question)):
        return question[: place.start()] + other + question[place.end() :]
    if other.startswith("在") and earlier.subject is not None:
        end = earlier.subject.end
        return question[:end] + other + question[end:]
    if earlier.subject is not None:
        return question[: earlier.subject.start] + other + question[earlier.subject.end :]
    return f"{other}{question}"


def _how_much(asked: str) -> str:
    """“最久” of one thing is “多久”."""
    match = _MOST.search(asked)
    if match is None:
        return asked
    adjective = asked[match.end()]
    return (
        asked[: match.start()] + "多" + _MUCH.get(adjective, adjective) + asked[match.end() + 1 :]
    )


def _shape(code: re.Match[str]) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "a", code.group()))
