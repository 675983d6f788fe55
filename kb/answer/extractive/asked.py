"""What a question asks for, and whether a passage holds such a thing."""

from __future__ import annotations

import re
from enum import StrEnum

from kb.text.chinese import names_person
from kb.text.quantities import NUMBER_WORDS
from kb.text.terms import fold_width

__all__ = [
    "KNOWN_BY_FORM",
    "WITH_UNIT",
    "Asked",
    "asks_for_steps",
    "holds",
    "names_money",
    "what_is_asked",
]


class Asked(StrEnum):
    """What an answer must hold; ANYTHING where the question does not say."""

    FREQUENCY = "frequency"
    DURATION = "duration"
    DATE = "date"
    LOUDNESS = "loudness"
    WEIGHT = "weight"
    PERCENTAGE = "percentage"
    MONEY = "money"
    COUNT = "count"
    AMOUNT = "amount"
    PHONE = "phone number"
    E_MAIL = "e-mail address"
    WEB = "web address"
    VERSION = "version"
    PERSON = "person"
    PLACE = "place"
    REASON = "reason"
    STEPS = "steps"
    YES_NO = "yes or no"
    DEFINITION = "definition"
    ANYTHING = "anything"


# Whose answers are known by their unit.
WITH_UNIT = frozenset(
    {
        Asked.FREQUENCY,
        Asked.DURATION,
        Asked.DATE,
        Asked.LOUDNESS,
        Asked.WEIGHT,
        Asked.PERCENTAGE,
        Asked.MONEY,
        Asked.COUNT,
        Asked.AMOUNT,
    }
)
# Whose answers are known when they are seen: what holds none is no answer.
KNOWN_BY_FORM = WITH_UNIT | {Asked.PHONE, Asked.E_MAIL, Asked.WEB, Asked.VERSION}
_WHAT_IS = r"\b(?:what(?:'s| is| are)|which|give me|tell me|is there an?)\b[^.?!]{0,40}"
_SPAN = "second|minute|hour|day|night|week|month|year|decade|centur"
_NUMBER_WORDS = f"{NUMBER_WORDS}|million"
_A_NUMBER = rf"(?:\d|\b(?:{_NUMBER_WORDS})\b|[一二两三四五六七八九十百千万半])"
_MONEY_WORDS = (
    "EUR|USD|GBP|CNY|RMB|JPY|CHF|INR|euros?|dollars?|pounds?|cents?|pence|yuan|yen|rupees?|francs?"
    "|kron(?:[ae]|er|or)|pesos?"
)
_CURRENCY = rf"[$€£¥￥]|\b(?:{_MONEY_WORDS})\b"
_MONEY = rf"(?:{_CURRENCY}|[元块]|_eur\b)"
_NAME = r"(?<![.!?。]\s)(?<!^)\b[A-Z][\w'’-]+"

# The first that fits counts.
_ASKED: tuple[tuple[Asked, str], ...] = (
    (
        Asked.PHONE,
        rf"{_WHAT_IS}\b(?:phone|telephone|fax|hotline|mobile)\b(?: number)?|\bphone number\b"
        r"|(?:电话|热线|手机|传真)(?:号码|号)?是?(?:多少|什么|几号)|(?:电话|手机|传真)(?:号码|号)",
    ),
    (
        Asked.E_MAIL,
        rf"{_WHAT_IS}\be-?mail(?: address)?\b"
        r"|(?:邮箱|电子邮件|邮件地址)(?:地址)?是?(?:多少|什么)|邮箱地址",
    ),
    (
        Asked.WEB,
        rf"{_WHAT_IS}\b(?:website|web ?page|web address|url)\b"
        r"|(?:网址|官网|网站)(?:地址)?是?(?:多少|什么)",
    ),
    (
        Asked.VERSION,
        rf"{_WHAT_IS}\bversions?\b(?! of\b)|(?:哪个|什么|几个?)版本|版本号?是?(?:多少|什么|几)",
    ),
    (
        Asked.FREQUENCY,
        r"\bhow often\b|多久[^，。？]{0,4}?一次|多长时间一次|几(?:天|年|个?月|小时)一次|每隔?多",
    ),
    (
        Asked.DURATION,
        r"\bhow (?:long|soon)\b"
        r"|\bhow many (?:\w+ )?(?:second|minute|hour|day|week|month|year)s?\b"
        r"|多久|多长时间|几(?:天|年|个?月|小时|分钟)|多少(?:天|年|个?月|小时|分钟)",
    ),
    (
        Asked.DATE,
        r"\b(?:what|which|wich) (?:date|day|year|month|decade|century)\b"
        r"|^\W*(?:since )?when (?:is|are|was|were|did|do|does|will|would|can|could|should"
        r"|has|have|had)\b"
        r"|\bin what year\b|何时|什么时候|哪一?[年天日]|几月|日期|哪个月",
    ),
    (
        Asked.LOUDNESS,
        r"\bhow (?:loud|noisy)\b|\bdecibels?\b|\bwhat is (?:the|its) (?:\w+ )?noise\b"
        r"|噪声|噪音|分贝",
    ),
    (Asked.WEIGHT, r"\bhow heavy\b|\bweighs?\b|\bweight of\b|多重|重量"),
    (Asked.PERCENTAGE, r"\bpercent(?:age)?\b|\bwhat share\b|百分之几|百分之多少|占比|比例"),
    (
        Asked.MONEY,
        r"\bhow much (?:is|are|does|do|did)\b.{0,60}\b(?:cost|pay|price)\b"
        r"|\bwhat (?:is|are|was|were) (?:the |our |their |its |your |my )?(?:\w+ ){0,2}?(?:revenue"
        r"|turnover|profit|income|budget|salary|wage|rent|fee|deposit|postage)s?\b"
        r"|^\W*(?:the )?(?:salary|wages?|rent|deposit|budget|turnover|revenue) of\b"
        r"|工资|薪水|月薪|年薪"
        r"|\bwhat (?:do|did) i pay\b|\bprice\b|\bcosts?\b|多少钱|价格|售价|价钱",
    ),
    (
        Asked.COUNT,
        r"\bhow many\b(?! (?:euros?|dollars?|pounds?|cents?|yuan)\b)"
        r"|(?:多少|几)[个人名位只件台家次辆本种条间头棵]",
    ),
    (
        Asked.AMOUNT,
        r"\bhow (?:many|much|far|old|big|large|tall|high|wide|deep|fast|tight|hot|cold)\b"
        r"|\bwh(?:at|ich) (?:\w+ )?(?:number|size|temperature|total|rate|code|amount"
        r"|population|distance|speed|length|height|width|area|power|voltage)\b"
        r"|多少|几[^乎]|多[大高远长宽深快]|面积|长度|高度|功率|容量",
    ),
    (Asked.PERSON, r"\bwho(?:m|se)?\b|谁|哪位|何人|什么人|名字"),
    (
        Asked.PLACE,
        r"\bwhere\b|\b(?:what|which|in what|in which) (?:\w+ )?(?:city|country|place|town|state"
        r"|location|region|room|continent|river|street|building)\b|哪里|哪儿|何处|什么地方|哪个城市"
        r"|哪个国家|哪个地方|哪座|哪一?[省市县]",
    ),
    (Asked.REASON, r"\bwhy\b|\bwhat (?:causes?|caused|is the reason)\b|为什么|为何|为啥|原因"),
    (
        Asked.STEPS,
        r"\bhow (?:do|can|could|should|would|to)\b|\bsteps?\b|\bprocedure\b|\binstructions?\b"
        r"|如何|怎么[^样]|怎样|怎麼|步骤|方法|流程",
    ),
    (Asked.DEFINITION, r"\bwhat (?:does .{1,60} me[ae]n|is meant by)\b|什么意思|含义|是什么\W*$"),
    (
        Asked.YES_NO,
        r"^\W*(?:and |but |so )?(?:is|are|was|were|do|does|did|can|could|may|must|should|will"
        r"|would|has|have|had)\b|(?:[吗嘛]|(?<![什怎多那这])么)\W*$|能不能|可不可以|是不是|会不会|有没有|是否|能否|可否",
    ),
)
_HELD: dict[Asked, str] = {
    Asked.PHONE: r"\d(?:[ ()/.\-–]{0,2}\d){4,}",
    Asked.E_MAIL: r"\w@\w",
    Asked.WEB: r"https?://|\bwww\.|\w\.[a-z]{2,}\b",
    Asked.VERSION: r"\d\.\d|\b(?:[Vv]ersion|[Rr]elease|[Vv]er|[Vv])\.? ?\d"
    r"|\b[A-Z][a-z]+ \d{1,4}\b|版本[^。\n]{0,6}?\d|\d ?版",
    Asked.FREQUENCY: rf"\b(?:every|each|per) (?:\w+ ){{0,2}}?(?:{_SPAN})\w*\b|\b(?:daily|weekly"
    rf"|monthly|yearly|annually|once an?|twice an?)\b|\b(?:lasts?|after|up to|at least) "
    rf"(?:\w+ ){{0,2}}?{_A_NUMBER}[^.。\n]{{0,8}}?\b(?:{_SPAN})\w*\b"
    r"|\b(?:every|each) \d|\b(?:after|before) (?:every|each) \w|每次|每个?\d"
    r"|每[^。\n]{0,8}?(?:秒|分钟?|小时|天|日|周|星期|月|年|次)",
    Asked.DURATION: rf"{_A_NUMBER}[^.。\n]{{0,12}}?(?:\b(?:{_SPAN}|s|min|h)(?:s|ies|y)?\b"
    r"|秒|分钟?|小时|天|日|周|星期|月|年)",
    Asked.DATE: r"\b\d{3,5}\b(?:s\b)?|\bago\b|\bcentur(?:y|ies)\b"
    r"|\b(?:morning|noon|afternoon|evening|night|midnight|today|tomorrow|o'clock)\b|[早上中下]午"
    r"|\d{1,2}[./\-]\d{1,2}[./\-]\d{2,4}"
    r"|[一二三四五六七八九十\d][年月日]|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b"
    rf"|\b(?:at|by|from|until|till|after|before|past) (?:one|{_NUMBER_WORDS})\b"
    r"|[\d一二三四五六七八九十两半]\s?[点时]"
    r"|\d{1,2}:\d\d|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b\d{1,2}(?:st|nd|rd|th)\b"
    r"|星期|周[一二三四五六日]",
    Asked.LOUDNESS: rf"{_A_NUMBER}\s*(?:dB|decibel|分贝)",
    Asked.WEIGHT: rf"{_A_NUMBER}\s*(?:kg|g|lbs?|gram|tons?|tonnes?|千克|公斤|克|吨)"
    r"|\b(?:kilos?|pounds?)\b",
    Asked.PERCENTAGE: r"\d\s*%|\bpercent\b|百分之",
    Asked.MONEY: rf"{_MONEY}|{_A_NUMBER}",
    # What is counted is no money: "£5.95" says how many of nothing.
    Asked.COUNT: rf"(?<![\d.,$€£¥￥])(?<![$€£¥￥] )(?<!\b(?:EUR|USD|GBP|CNY) )\d[\d.,]*+"
    rf"(?!\s?(?:[$€£¥￥元块]|(?:{_MONEY_WORDS})\b))"
    rf"|\b(?:{_NUMBER_WORDS})\b(?! (?:{_MONEY_WORDS})\b)"
    r"|[一二两三四五六七八九十百千万半](?![元块])",
    Asked.AMOUNT: _A_NUMBER,
    Asked.PERSON: rf"{_NAME}|\b(?:he|she|mr|mrs|ms|dr)\b|(?:先生|女士|博士|教授|老师)|[·•]",
    Asked.PLACE: rf"\b(?:in|at|on|near|to|from|of|into|under|behind|beside)\b[^.\n]{{0,24}}?{_NAME}"
    r"|\b(?:room|shelf|wall|side|floor|warehouse|workshop|kitchen|drawer|top|bottom|left|right"
    r"|back|front|north|south|east|west)\b|[在于位][^。\n]{0,12}|[省市县区州国]|[上下左右前后里内]",
    Asked.REASON: r"\b(?:because|since|due to|owing to|so that|as a result|caused?s?|therefore"
    r"|in order to|reason)\b|因为|由于|因此|所以|以免|避免|导致|为了|原因",
    Asked.YES_NO: r"\b(?:not|no|never|can|may|must|should|only|yes|always|does|is|are)\b"
    r"|[不可能会应须要]",
}
_FIND = tuple((asked, re.compile(pattern, re.IGNORECASE)) for asked, pattern in _ASKED)
_STEPS = dict(_FIND)[Asked.STEPS]
# In a sentence a number without a currency is of something else, unless it has cents and no unit.
_MONEY_IN_PROSE = re.compile(
    rf"{_CURRENCY}|{_A_NUMBER}\s*[元块]"
    r"|(?<![\d.,])\d+[.,]\d\d(?![.,]?\d|\s?[%°‰]|\s?(?:[kMGT]?B|[kMG]?Hz|[kmµμ]?[gmsAVW]|cm|ml|l|h|kWh)\b)"
    r"|免费|(?<!-)\bfree\b(?!-)",
    re.IGNORECASE,
)
_NAMES_MONEY = re.compile(
    rf"{_CURRENCY}|[元块]|_(?:eur|usd|gbp|cny)\b"
    r"|\b(?:price|cost|fee|fare|charge|tariff|rate|rent|salary|wage|pay|amount|budget|revenue|turnover"
    r"|income|profit|deposit|postage|surcharge|discount|total|value|free)s?\b"
    r"|[价费钱薪金额]|工资|收入|支出|预算|利润|免费",
    re.IGNORECASE,
)
# A name is known by its capital letter.
_CASED = (Asked.PERSON, Asked.PLACE, Asked.VERSION)
_HOLDS = {
    asked: re.compile(pattern, 0 if asked in _CASED else re.IGNORECASE)
    for asked, pattern in _HELD.items()
}


def asks_for_steps(question: str) -> bool:
    """Whether `question` asks how something is done, whatever else it may ask for."""
    return _STEPS.search(fold_width(question)) is not None


def what_is_asked(question: str) -> tuple[Asked, str]:
    """What the words of `question` ask for, and those words ("how loud"), or nothing."""
    folded = fold_width(question)
    for asked, pattern in _FIND:
        if found := pattern.search(folded):
            return asked, found.group()
    return Asked.ANYTHING, ""


def names_money(text: str) -> bool:
    """Whether `text` says of any of its numbers that it may be money: by a currency, or by a word
    for what is paid."""
    return _NAMES_MONEY.search(fold_width(text)) is not None


def holds(asked: Asked, text: str, *, is_prose: bool = False) -> bool | None:
    """Whether `text` holds what is asked for; None where no words tell.

    Args:
        is_prose: It is a sentence, and no cell or line whose unit may stand elsewhere.
    """
    if asked is Asked.MONEY and is_prose:
        return _MONEY_IN_PROSE.search(fold_width(text)) is not None
    pattern = _HOLDS.get(asked)
    if pattern is None:
        return None
    is_person = asked is Asked.PERSON and names_person(text)
    return is_person or pattern.search(fold_width(text)) is not None
