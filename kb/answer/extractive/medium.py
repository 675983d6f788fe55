"""Where a question says that its answer stands: "in the film", "in the recording"."""

from __future__ import annotations

import re

from kb.text.terms import fold_width, has_content

__all__ = ["without_medium"]

_FILM = r"(?:film|video|clip|movie|footage|(?:audio |voice )?recording|podcast|voice memo|audio)s?"
_THE = r"(?:the|this|that|these|those|your|our)"
_SAYS = (
    r"(?:say|tell|show|mention|recommend|explain|advise|suggest|warn|teach|demonstrate)s?"
    r"(?: (?:me|us|you))?(?: that)?"
)
# What may follow "in the film": "in the video call" names no film.
_GOES_ON = (
    r"(?=[,.?!;:]|\s*$|\s+(?:the|an?|it|its|they|he|she|we|i|you|my|your|is|are|was|were|do|does|did"
    r"|can|could|should|must|what|which|who|where|when|why|how|about)\b)"
)
# What is asked for is the second itself, which the citation opens.
_MOMENT = (
    r"(?:(?:show me|find|tell me) )?\b(?:where|when|at (?:which|what) (?:point|second|minute|time))"
)
_IN_ENGLISH = re.compile(
    rf"{_MOMENT} in {_THE} {_FILM}\b{_GOES_ON}(?:\s+(?:is|are|was|were|do|does|did)\b)?"
    rf"|\b(?:according to|(?:as )?(?:shown|said|told|explained|seen|mentioned) (?:in|by)"
    rf"|in|from|by) {_THE} {_FILM}\b{_GOES_ON},?"
    rf"|\b(?:does|do|did) {_THE} {_FILM} {_SAYS}\b"
    rf"|\b{_THE} {_FILM} {_SAYS}\b",
    re.IGNORECASE,
)
_FILM_ZH = "(?:视频|影片|短片|录像|片子|录音|音频|播客)"
_SAYS_ZH = "(?:[是有]?(?:说|讲|提到|介绍|显示|演示|建议|要求|展示|教)(?:的是|[的了过到])?)"
_MOMENT_ZH = "[里中的]?(?:什么时候|何时|哪里|哪儿|哪一?段|哪一?秒|第几[秒分]钟?)"
_IN_CHINESE = re.compile(
    rf"(?:在|从)?(?:[这那]个|[这那]段|该)?{_FILM_ZH}{_MOMENT_ZH}{_SAYS_ZH}?"
    rf"|(?:在|从|根据|按照?)?(?:[这那]个|[这那]段|该)?{_FILM_ZH}"
    rf"(?:(?:里面?|中|上|内){_SAYS_ZH}?|{_SAYS_ZH})[,，、]?"
    rf"|(?:根据|按照?)(?:[这那]个|[这那]段|该)?{_FILM_ZH}[,，、]?"
)
# Before the end, of what stood there.
_LEFT_OVER = re.compile(r",? (?=[?!.]*$)|,(?=[?!.]*$)")


def without_medium(question: str) -> str | None:
    """`question` without the words that name a film or a recording as the place of its answer; None
    where it names none, or nothing else."""
    folded = fold_width(question)
    rest, n_named = _IN_ENGLISH.subn("", folded, count=1)
    if not n_named:
        rest, n_named = _IN_CHINESE.subn("", folded, count=1)
    rest = _LEFT_OVER.sub("", " ".join(rest.split()))
    return rest if n_named and has_content(rest) else None
