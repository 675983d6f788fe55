"""Thanks, greetings and other talk that asks nothing of the files.

Only what is nothing else is taken: "thanks" is talk, "Whom does the preface thank?" a question.
"""

from __future__ import annotations

import re

from kb.text.terms import Language, fold, language

__all__ = ["reply"]

# Longer than any of it.
_MAX_CHARS = 120

_WHOM = r"(?: (?:you|u|there|all|everyone|everybody|again|friend|buddy|mate|guys))?"
_VERY = r"(?:(?:really|so|very|just|quite) )?"
_THAT = r"(?:that|this|it)(?: is|'s| was)|you(?: are|'re)"
_FORMS = {
    "thanks": (
        rf"(?:(?:ok|okay|great|many|cool|perfect) )?(?:thanks|thx|ty|cheers|thank you)"
        rf"(?: a lot| a million| so much| very much| kindly| anyway)?"
        rf"(?: for (?:that|this|it|your help|the help|helping))?{_WHOM}",
        r"(?:much )?appreciated|much obliged|i appreciate (?:it|that)",
        r"(?:好的?)?(?:非常|十分|太|很)?(?:多谢|谢谢|感谢|谢)(?:你|您|大家)?们?的?(?:帮助|帮忙|回答)?[了啦啊哈哦]?",
        r"辛苦[你您]?了|麻烦[你您]了",
    ),
    "bye": (
        rf"(?:good ?)?bye(?: bye)?{_WHOM}|see (?:you|ya)(?: later| soon| tomorrow)?|good ?night",
        r"have a (?:nice|good|great) (?:day|evening|weekend|one)",
        r"that(?: is|'s| was) all(?: for now)?",
        r"再见|拜拜|回头见|明天见|晚安|没有?(?:别的|其他)?(?:事|问题)了",
    ),
    "hello": (
        rf"(?:hello|hi|hey|hiya|howdy|greetings)(?: hello| hi)?{_WHOM}",
        rf"good (?:morning|afternoon|evening|day){_WHOM}",
        r"how(?: are|'re) (?:you|things)(?: doing)?(?: today)?|how do you do",
        r"how(?: is|'s) it going",
        r"nice to meet you|(?:are you|is (?:anybody|anyone|somebody)) there|what(?: is|'s) up",
        r"[你您]们?好[啊呀吗]?|大家好|嗨|哈[喽啰罗]+|喂|(?:早上|上午|中午|下午|晚上)好|早安?|在吗|在不在",
        r"很高兴认识[你您]|[你您]?最近怎么样|[你您]怎么样",
    ),
    "self": (
        r"(?:who|what) are you|what(?: is|'s) your name",
        r"what can (?:you do|i ask(?: you)?)(?: here)?",
        r"(?:please )?help(?: me)?|can you help me|how can you help(?: me)?",
        r"[你您]是(?:谁|什么)|[你您]叫什么(?:名字)?|[你您](?:能|会|可以)?[做干]些?什么|[你您]会什么",
        r"我(?:能|可以)问[你您]?些?什么|帮帮我|帮助|[你您]有(?:什么|哪些)功能",
    ),
    "fine": (
        r"ok(?:ay|ey)?|yes|no|yep|yeah|nope|sure|right|exactly|i see|got it|all right|alright",
        r"understood|i understand(?: now| it)?|no problem|never ?mind|sorry|i'm sorry|wow|lol",
        rf"(?:{_THAT}) {_VERY}(?:great|good|nice|perfect|fine|helpful|useful|right|awesome"
        r"|wonderful|clear|it|enough|the best)",
        rf"{_VERY}(?:great|good|nice|perfect|fine|cool|awesome|wonderful|excellent|helpful)"
        r"(?: job| work| answer)?|well done|(?:that|this|it) help(?:s|ed)(?: a lot| me)?",
        r"(?:ha){2,}",
        r"好[的吧啊哒嘞了]?|行[吧了]?|嗯+|哦+|是的?|对[的了]?|没(?:问题|事|关系)|原来(?:如此|是这样)|收到",
        r"我?都?(?:明白|知道|懂|了解|清楚|理解)[了啦]?",
        r"(?:很|太|真|非常)?(?:棒|厉害|有用|不错|有帮助|完美)[了啊呀]?|对不起|抱歉|不好意思|哈{2,}",
    ),
}
_PATTERNS = {kind: re.compile("|".join(forms)) for kind, forms in _FORMS.items()}
_BREAK = re.compile(r"[,.!?;:~…，。！？；：、\n]+")
_ADDED = re.compile(r"(?:and|oh|well|ah|um) |[那啊哦嗯]\s*(?=[我谢好再])")
_NO_WORD = re.compile(r"[^\w\s']+|_")

# Of a sentence with several kinds the first one here is answered.
_SAID = {
    Language.ENGLISH: {
        "thanks": "You're welcome.",
        "bye": "Goodbye.",
        "hello": "Hello! Ask me something about your files.",
        "self": (
            "I answer questions from your files and show where each answer stands. Ask in a "
            "sentence, or with a picture or a clip; ask “What files do you have?” to see them."
        ),
        "fine": "Good. Ask on whenever you like.",
    },
    Language.CHINESE: {
        "thanks": "不客气。",
        "bye": "再见。",
        "hello": "您好！请问您想了解文件里的什么内容？",
        "self": (
            "我根据您的文件回答问题，并指出每个答案的出处。可以用一句话、图片或视频片段来问；"
            "想看文件，请问“有哪些文件？”。"
        ),
        "fine": "好的，请随时继续提问。",
    },
}


def reply(text: str) -> str | None:
    """A friendly line to talk, in its language; None where `text` may ask something."""
    if len(text) > _MAX_CHARS:
        return None
    said = fold(text).casefold().replace("’", "'")
    phrases = [" ".join(_NO_WORD.sub(" ", part).split()) for part in _BREAK.split(said)]
    kinds = {_kind(phrase) for phrase in phrases if phrase}
    if not kinds or "" in kinds:
        return None
    return next(line for kind, line in _SAID[language(text)].items() if kind in kinds)


def _kind(phrase: str) -> str:
    phrase = _ADDED.sub("", phrase, count=1) if _ADDED.match(phrase) else phrase
    return next((kind for kind, form in _PATTERNS.items() if form.fullmatch(phrase)), "")
