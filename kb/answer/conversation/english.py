"""English questions that lack a subject of their own, and what earlier ones give them.

Rules over the forms of questions; no list knows what people ask about.
"""

from __future__ import annotations

import re

from kb.answer.conversation.earlier import Earlier
from kb.answer.conversation.english_subjects import (
    AUX,
    BE,
    DETERMINER,
    DO,
    LEAD,
    MODAL,
    PREPOSITION,
    SLOTS,
    SUPERLATIVES,
    WH,
    action_of,
    asks_which,
    codes_in,
    names_in,
    subject_of,
    unmarked,
)
from kb.answer.tables.lexicon import concepts_of
from kb.text.terms import content_terms, has_content, terms

__all__ = ["action_of", "asks_which", "is_dangling", "rewrite", "subject_of"]

_ABOUT = re.compile(r"^(?:what|how) about (?=\S)", re.IGNORECASE)
_ALSO = re.compile(r"\b(?:too|also|as well|either)$", re.IGNORECASE)
_HAS_VERB = re.compile(rf"\b(?:{WH}|{AUX})\b", re.IGNORECASE)
_VERBS = (
    f"{BE}|{DO}|{MODAL}|costs?|means?|works?|weighs?|takes?|apply|applies|happens?|needs?|lasts?"
    "|includes?|contains?|comes?|looks?|made|called|sold|kept|stored|available|safe|expensive"
)
_PRONOUN = re.compile(
    r"\b(?:(?P<possessive>its|their|his|her(?= \w))|(?P<plain>it|they|them|he|she|him|her)"
    rf"|(?P<pointing>(?:this|that|these|those)(?: ones?)?)(?=$|[,;]| (?:{_VERBS})\b)"
    rf"|(?P<each>(?:each|both|all|either|none)(?: of (?:them|these|those))?)"
    rf"(?=$| (?:{_VERBS}|we|you|i)\b)"
    r")\b",
    re.IGNORECASE,
)
# "It" that stands for nothing.
_EXPLETIVE = re.compile(
    r"(?:(?:is|was|be|isn't) it|it(?:'s| is| was)) (?:be )?\w+ (?:to|that|if|for)\b"
    r"|(?:does|did|will|would) it (?:take|cost|matter|mean|happen)s?"
    r" (?:to|if|when|that|for|me|us)\b"
    r"|it takes?\b(?=.)|what (?:time|day|date) is it\b",
    re.IGNORECASE,
)
_WHO_DID = re.compile(r"^(?:who|what) \w+ $", re.IGNORECASE)
_PERSON = ("he", "she", "him", "her", "his")
_THERE = re.compile(r"(?<!is)(?<!are)(?<!was)(?<!were) there$", re.IGNORECASE)
_TAKES = re.compile(r"\b(?:does|will|would|did|can) (?:it|that|this) take$", re.IGNORECASE)
_ADJECTIVES = (
    "heavy|big|large|small|tall|high|deep|wide|thick|loud|noisy|old|fast|expensive|hot|cold"
)
_BARE_HOW = re.compile(rf"^how (?P<asked>much|{_ADJECTIVES})$", re.IGNORECASE)
_BARE_WHAT = re.compile(
    r"^(?:what|which) (?P<asked>price|colou?r|size|weight|year|date|material|brand|version|model)$",
    re.IGNORECASE,
)
_WHAT_IS = re.compile(r"^what(?:'s| is| are| was) the (?P<asked>\w+(?: \w+)?)$", re.IGNORECASE)
_BARE = re.compile(
    r"^(?:why|when|where|who|how|why not|how (?:many|long|far|often|soon|come|so)|since when"
    r"|until when|by whom|by when|what else|what for|(?:which|what) ones?)$",
    re.IGNORECASE,
)
# Things that are there only because they were spoken of.
_SPOKEN_OF = re.compile(
    r"\bthe (?:work|job|others?|rest|same|latter|former|result|reason|difference|first|second|last)"
    r"(?: ones?)?(?=$| (?:in|on|at|for|from|with|by)\b)|\b(?:which|what) ones?\b",
    re.IGNORECASE,
)
_MAX_SPOKEN_OF_TERMS = 3
_BEFORE_PLACE = re.compile(rf"\b{PREPOSITION} ", re.IGNORECASE)
_POSSESSED = re.compile(
    rf"\b(?:its|their|his|her) (?P<what>(?:(?!{AUX}\b|{PREPOSITION}\b|and\b|or\b|when\b|if\b)"
    r"[\w-]{1,40} ?){1,5})",
    re.IGNORECASE,
)


def rewrite(question: str, earlier: Earlier) -> str | None:
    """`question` with the subject that it takes from `earlier`; None where it is whole in itself.

    Args:
        question: Without what ends it.
    """
    rest, is_marked = unmarked(question)
    about = _ABOUT.match(rest)
    if about or (is_marked and not _HAS_VERB.search(rest)):
        return _instead(rest[about.end() :] if about else rest, earlier)
    if _TAKES.search(rest) and earlier.action and not _own_referent(rest, len(rest) - 4, "it"):
        return f"{_TAKES.sub('does it take', rest)} to {earlier.action}"
    if not earlier.topic:
        return None
    if match := _BARE_HOW.match(rest):
        return f"How {match['asked'].lower()} is {earlier.topic}"
    match = _BARE_WHAT.match(rest) or _WHAT_IS.match(rest)
    if match and (match.re is _BARE_WHAT or _is_attribute(match["asked"])):
        return f"What is the {match['asked']} of {earlier.topic}"
    if _BARE.match(rest):
        return f"About {earlier.topic}: {_lower(rest)}"
    if pronoun := _pronoun(rest):
        if pronoun.group().lower() in _PERSON and re.match(r"who\b", earlier.question, re.I):
            # What it is about is not who it is.
            is_found = earlier.subject is None or earlier.topic != earlier.subject.text
            return _with_topic(rest, pronoun, earlier.topic) if is_found else _about(rest, earlier)
        return _with_topic(rest, pronoun, earlier.topic)
    if names_in(rest):
        return None
    if _THERE.search(rest):
        return _THERE.sub(f" in {earlier.topic}", rest)
    if is_marked or _ALSO.search(rest):
        return _in_context(rest, earlier)
    if _SPOKEN_OF.search(rest) and len(content_terms(rest)) <= _MAX_SPOKEN_OF_TERMS:
        return _in_context(rest, earlier)
    return None


def is_dangling(question: str) -> bool:
    """Whether `question`, without what ends it, can't be understood without an earlier one."""
    rest, is_marked = unmarked(question)
    if _ABOUT.match(rest):
        return True
    if is_marked and not _HAS_VERB.search(rest):
        return True
    if _BARE.match(rest) or _BARE_HOW.match(rest) or _BARE_WHAT.match(rest):
        return True
    if names_in(rest) or not (pronoun := _pronoun(rest)):
        return False
    # "What will it add to my power bill?" tells enough to be looked for.
    said = rest[: pronoun.start()] + " " + rest[pronoun.end() :]
    return not has_content(said) or len({term.start for term in content_terms(said)}) < 2


def _pronoun(question: str) -> re.Match[str] | None:
    """The first pronoun that means something said before this question."""
    blanked = _EXPLETIVE.sub(lambda match: "#" * len(match.group()), question)
    for match in _PRONOUN.finditer(blanked):
        if not _own_referent(question, match.start(), match.group().lower()):
            return match
    return None


def _own_referent(question: str, at: int, pronoun: str) -> bool:
    """Whether what stands before the pronoun at `at` names what it means."""
    before = question[:at]
    lead = LEAD.match(before)
    between = before[lead.end() :] if lead else re.sub(rf"^{AUX} ", "", before, flags=re.I)
    if _WHO_DID.match(before):
        return False
    if has_content(between):
        return True
    if not lead or not between.strip():
        return False
    # "Which items are below their level?"
    is_subject = lead["aux"].lower() in BE.split("|") and has_content(lead["asked"])
    return is_subject and pronoun not in ("it", "this", "that")


def _with_topic(question: str, pronoun: re.Match[str], topic: str) -> str:
    start, end = pronoun.span()
    if pronoun["possessive"] and (owned := _POSSESSED.match(question, start)):
        what = owned["what"]
        gap = " " if what.endswith(" ") else ""
        put, end = f"the {what.strip()} of {topic}{gap}", owned.end()
    else:
        put = topic
    if start == 0:
        put = put[0].upper() + put[1:]
    return question[:start] + put + question[end:]


def _in_context(question: str, earlier: Earlier) -> str | None:
    if earlier.action:
        return f"When I {earlier.action}, {_lower(question)}"
    topic = {term.stem for term in content_terms(earlier.topic)}
    if topic <= {term.stem for term in terms(question)}:
        return None
    return _about(question, earlier)


def _about(question: str, earlier: Earlier) -> str:
    return f"About {earlier.topic}: {_lower(question)}"


def _instead(other: str, earlier: Earlier) -> str:
    """The earlier question, of `other` in place of what it was about."""
    question = earlier.question
    if match := re.match(rf"{PREPOSITION}\b ", other, re.I):
        slot = _slot(other[match.end() :], question)
        if slot is not None:
            return question[: slot[0]] + other[match.end() :] + question[slot[1] :]
        # "In" of a time is another than of a place.
        for same in _BEFORE_PLACE.finditer(question):
            if same.group().lower() != match.group().lower():
                continue
            stop = re.search(rf" {PREPOSITION} ", question[same.end() :], re.I)
            end = same.end() + stop.start() if stop else len(question)
            is_time = any(form.search(question, same.end(), end) for form in SLOTS)
            if not is_time and same.start() > 0:
                return question[: same.start()] + other + question[end:]
        return f"{question} {other}"
    slot = _slot(other, question)
    if slot is not None:
        return question[: slot[0]] + other + question[slot[1] :]
    if _is_attribute(other) and earlier.topic:
        what = other if re.match(rf"(?:{DETERMINER}) ", other, re.I) else f"the {other}"
        return f"What is {what} of {earlier.topic}"
    if asks_which(question):
        words = [word.lower() for word in re.findall(r"\w+", question)]
        adjective = next((SUPERLATIVES[word] for word in words if word in SUPERLATIVES), "")
        if adjective:
            return f"How {adjective} is {other}"
    elif earlier.subject is not None:
        return question[: earlier.subject.start] + other + question[earlier.subject.end :]
    return f"About {other}: {_lower(question)}"


def _is_attribute(words: str) -> bool:
    """Whether things have it: a price, a weight."""
    return words == words.lower() and bool(concepts_of(words))


def _slot(other: str, question: str) -> tuple[int, int] | None:
    """Where `question` holds something of the kind of `other`: a year, a month, a code alike."""
    for form in SLOTS:
        if form.fullmatch(other) and (found := list(form.finditer(question))):
            return found[-1].span()
    codes = codes_in(other)
    if codes and len(other.split()) == 1:
        shape = _shape(codes[0].group())
        for match in codes_in(question):
            if _shape(match.group()) == shape:
                return match.span()
    return None


def _shape(code: str) -> str:
    return re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "a", code))


def _lower(question: str) -> str:
    """`question` as it goes on after a colon or a comma."""
    head = question.split(" ", 1)[0]
    is_grammar = re.fullmatch(f"{WH}|{AUX}", head, re.I) is not None
    return question[0].lower() + question[1:] if is_grammar else question
