"""Words of which one is said in place of another: colours, seasons, days of the week."""

from __future__ import annotations

import re
from functools import lru_cache

from kb.text.terms import fold

__all__ = ["is_of_contrary"]

# A line for each kind, with the forms of each member in English and Chinese. Left out are English
# words that mean something else as often: left, back, spring, May. A single Chinese character is
# known as a colour by what it stands with.
_KINDS = (
    "red/红 orange/橙 yellow/黄 green/绿 blue/蓝 purple/violet/紫 pink/粉 white/白 black/黑"
    " grey/gray/灰 brown/棕",
    "春季/春天 summer/夏季/夏天 autumn/秋季/秋天 winter/冬季/冬天",
    "january/一月/1月 february/二月/2月 三月/3月 april/四月/4月 五月/5月 june/六月/6月"
    " july/七月/7月 august/八月/8月 september/九月/9月 october/十月/10月 november/十一月/11月"
    " december/十二月/12月",
    "monday/星期一/周一 tuesday/星期二/周二 wednesday/星期三/周三 thursday/星期四/周四"
    " friday/星期五/周五 saturday/星期六/周六 sunday/星期日/星期天/周日",
    "north/northern/北部 south/southern/南部 east/eastern/东部 west/western/西部",
    "indoor/indoors/室内 outdoor/outdoors/室外/户外",
    "maximum/最大/最高 minimum/最小/最低",
    "input/输入 output/输出",
    "upper/上层/上部 lower/下层/下部",
    "左边/左侧/左手 右边/右侧/右手",
    "male/男性 female/女性",
)


def _member(forms: str) -> re.Pattern[str]:
    said = []
    for form in forms.split("/"):
        if form.isascii() and form.isalpha():
            said.append(rf"\b{form}\b")
        elif len(form) == 1:
            said.append(rf"{form}(?=[色灯光])|(?<=[亮闪变呈]){form}")
        else:
            said.append(rf"(?<![\d十]){form}")
    return re.compile("|".join(said), re.IGNORECASE)


_PATTERNS = [[_member(forms) for forms in kind.split()] for kind in _KINDS]


@lru_cache(maxsize=256)
def _asked(question: str) -> list[tuple[list[re.Pattern[str]], list[re.Pattern[str]]]]:
    """The members that `question` names and the others, of each kind of which it names any."""
    folded = fold(question)
    found = []
    for members in _PATTERNS:
        named = [one for one in members if one.search(folded)]
        if named:
            found.append((named, [one for one in members if one not in named]))
    return found


def is_of_contrary(question: str, text: str) -> bool:
    """Whether `question` names one of a kind of words and `text` only others of that kind: what is
    said of a blue light does not answer what a red one means."""
    kinds = _asked(question)
    if not kinds:
        return False
    said = fold(text)
    return any(
        not any(one.search(said) for one in named) and any(one.search(said) for one in others)
        for named, others in kinds
    )
