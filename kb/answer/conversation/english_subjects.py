"""What an English question is about: a name in it, the thing it asks of, what it asks how to do."""

from __future__ import annotations

import re

from kb.answer.conversation.earlier import Part
from kb.answer.tables.lexicon import CONCEPTS, english_forms
from kb.text.terms import has_content

__all__ = [
    "AUX",
    "BE",
    "DETERMINER",
    "DO",
    "LEAD",
    "MODAL",
    "PREPOSITION",
    "SLOTS",
    "SUPERLATIVES",
    "WH",
    "action_of",
    "asks_which",
    "codes_in",
    "names_in",
    "subject_of",
    "unmarked",
]

BE = "is|are|was|were|am|be|been|isn't|aren't|wasn't|weren't"
DO = "do|does|did|don't|doesn't|didn't"
MODAL = "has|have|had|can|could|will|would|shall|should|may|might|must|can't|won't"
AUX = f"(?:{BE}|{DO}|{MODAL})"
WH = "(?:what|which|who|whom|whose|when|where|why|how)"
PREPOSITION = (
    "(?:in|on|at|for|from|with|without|to|of|by|during|after|before|since|until|under|over|between"
    "|near|inside|outside|per|as)"
)
DETERMINER = "the|a|an|my|our|your|this|that|these|those|his|her|its|their"
_MARKER = re.compile(
    r"^(?:(?:ok|okay|well|now|oh|yes|no)\b,? )?(?:and|but|so|then|also|plus)\b,? (?:then )?(?=\S)",
    re.IGNORECASE,
)
LEAD = re.compile(
    rf"^(?:{PREPOSITION} )?(?P<wh>{WH})\b(?P<asked>.{{0,80}}?)\b(?P<aux>{AUX})\b", re.IGNORECASE
)
_ACTION = re.compile(
    r"^(?:how (?:do|can|should|would|could|must) (?:i|we|you|one)|how to"
    r"|what (?:do|must|should) (?:i|we|you) do to|(?:can|may|should|must|could) (?:i|we|you))"
    r" (?P<what>.+)",
    re.IGNORECASE,
)
_WHICH = re.compile(rf"(?:{PREPOSITION} )?(?:which|who|whom|whose)\b", re.IGNORECASE)
_WHAT = re.compile(rf"(?:{PREPOSITION} )?what\b", re.IGNORECASE)
_NAME_WORD = r"(?:[A-Z][\w’'\-]*|\d[\w.\-]*)"
_NAME = re.compile(rf"(?:\bthe )?\b{_NAME_WORD}(?: (?:(?:of|de|von|van|du) )?{_NAME_WORD})*")
_CODE = re.compile(r"(?<![\w-])[A-Za-z\d]{1,20}(?:-[A-Za-z\d]{1,20}){0,5}(?![\w-])")
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
SLOTS = tuple(
    re.compile(rf"\b(?:{form})\b", re.IGNORECASE)
    for form in (
        rf"(?:{_MONTH}) (?:1[89]|20)\d\d",
        r"(?:1[89]|20)\d\d",
        r"q[1-4]|(?:the )?(?:first|second|third|fourth|last) quarter",
        _MONTH,
        "monday|tuesday|wednesday|thursday|friday|saturday|sunday",
    )
)
_TIME = re.compile(
    rf"(?:the )?(?:i|{_MONTH}|(?:1[89]|20)\d\d|q[1-4]|monday|tuesday|wednesday|thursday|friday"
    rf"|saturday|sunday|\d+)(?: (?:{_MONTH}|\d+))*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w][\w'’.\-]*")
_PARTICIPLE = re.compile(
    r".{2,}ed|kept|sold|made|held|found|put|set|sent|bought|built|written|stored|done|called|given",
    re.IGNORECASE,
)
SUPERLATIVES = {
    form: adjective
    for concept in CONCEPTS.values()
    for adjective in (*concept.high, *concept.low)
    for form in (english_forms(adjective)[1],)
}
_MAX_SUBJECT_WORDS = 5


def action_of(question: str) -> str:
    """What `question` asks how to do, or empty."""
    match = _ACTION.match(unmarked(question)[0])
    return match["what"] if match else ""


def asks_which(question: str) -> bool:
    """Whether the answer to `question` is the thing that a later "it" means."""
    if _WHICH.match(question):
        return True
    words = {word.group().lower() for word in _WORD.finditer(question)}
    return bool(_WHAT.match(question) and words & (SUPERLATIVES.keys() | {"most", "least"}))


def subject_of(question: str) -> Part | None:
    """What `question` is about: a name, else the thing that it asks of; without what ends it."""
    if name := next(iter(names_in(question)), None):
        return name
    lead = LEAD.match(question)
    at = lead.end() if lead else (m.end() if (m := re.match(rf"{AUX} ", question, re.I)) else 0)
    aux = lead["aux"].lower() if lead else ""
    of = list(re.finditer(r"\b(?:of|about) ", question[at:], re.I))
    found = _noun_phrase(question, at + of[-1].end(), aux) if of else None
    if found and of[0].group() == "of " and aux not in BE.split("|"):
        # "The battery of the sensor", but of "what is the price of the sensor" the sensor.
        owned = _noun_phrase(question, at, "")
        if owned and owned.end + 1 == at + of[0].start():
            found = Part(question[owned.start : found.end], owned.start, found.end)
    found = found or _noun_phrase(question, at, aux)
    if found is None and lead and has_content(lead["asked"]):
        text = lead["asked"].strip()
        start = lead.start("asked") + lead["asked"].index(text)
        found = Part(text, start, start + len(text))
    return found


def codes_in(question: str) -> list[re.Match[str]]:
    """Letters with numbers, as errors, parts and orders have."""
    return [
        match
        for match in _CODE.finditer(question)
        if match.group()[0].isalpha() and any(char.isdigit() for char in match.group())
    ]


def names_in(question: str) -> list[Part]:
    """Names of things in `question`: capitalised words and numbers in a row, and codes."""
    found = []
    for match in _NAME.finditer(question):
        text, start = match.group(), match.start()
        if start == 0:
            # The first word is capitalised whatever it is.
            head, _, tail = text.partition(" ")
            if not has_content(head) or re.fullmatch(AUX, head, re.I):
                if not tail:
                    continue
                text, start = tail, len(head) + 1
            elif head.isalpha() and not tail and not head.isupper() and " " in question:
                continue
        if text.lower().startswith("i ") or _TIME.fullmatch(text):
            continue
        found.append(Part(text, start, match.end()))
    known = [(one.start, one.end) for one in found]
    found += [
        Part(match.group(), match.start(), match.end())
        for match in codes_in(question)
        if not any(start <= match.start() < end for start, end in known)
    ]
    return sorted(found, key=lambda one: one.start)


def _noun_phrase(question: str, at: int, aux: str) -> Part | None:
    """The first phrase from `at` on: a determiner or none, then words that are no grammar. The verb
    that follows an auxiliary is not of it."""
    words = list(_WORD.finditer(question, at))
    first = next((n for n, word in enumerate(words) if has_content(word.group())), None)
    if first is None:
        return None
    last = first
    while last + 1 < len(words) and has_content(words[last + 1].group()):
        last += 1
    is_at_end = last + 1 == len(words)
    is_before_verb = not is_at_end and re.fullmatch("be|have|get", words[last + 1].group(), re.I)
    if (
        last > first
        and not is_before_verb
        and (
            (aux in DO.split("|") or aux in MODAL.split("|"))
            or (is_at_end and aux in BE.split("|") and _PARTICIPLE.fullmatch(words[last].group()))
        )
    ):
        last -= 1
    if last - first >= _MAX_SUBJECT_WORDS:
        return None
    has_determiner = first > 0 and re.fullmatch(DETERMINER, words[first - 1].group(), re.I)
    start = words[first - 1 if has_determiner else first].start()
    end = words[last].end()
    text = re.sub(r"^(?:an?|this|that|these|those) ", "the ", question[start:end], flags=re.I)
    return Part(text, start, end)


def unmarked(question: str) -> tuple[str, bool]:
    """`question` without an "and" at its start, and whether there was one."""
    match = _MARKER.match(question)
    return (question[match.end() :], True) if match else (question, False)
