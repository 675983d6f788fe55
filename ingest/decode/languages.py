"""Languages of subtitles, as files and their names tell them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["language_of_name", "language_tag"]

# Three letters of ISO 639-2 that stand for no language.
_NO_LANGUAGE = frozenset({"und", "mul", "zxx", "mis"})
# Of names: for the deaf, closed captions, those of other languages alone.
_NOT_OF_NAMES = frozenset({"sdh", "cc", "hi", "forced", "sub", "subs"})
_TAG = re.compile(r"([A-Za-z]{2,3})((?:[-_][A-Za-z0-9]{2,8}){0,3})")


@cache
def language_tag(written: str) -> str:
    """What a file says of a language as BCP 47 writes it: ``en`` of ``eng`` and ``English``,
    ``zh-Hans`` of ``zh_hans``. Empty where it is none that is known."""
    from babel import Locale, UnknownLocaleError

    match = _TAG.fullmatch(_codes_by_name().get(written.strip().lower(), written.strip()))
    if match is None or match[1].lower() in _NO_LANGUAGE:
        return ""
    try:
        language = Locale.parse(match[1].lower()).language
    except (UnknownLocaleError, ValueError):
        return ""
    try:
        # By its own rules of upper and lower case; without what is likely, but was not written.
        more = Locale.parse(f"{language}{match[2]}".replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        return language
    given = {part.lower() for part in re.split(r"[-_]", match[2]) if part}
    kept = [part for part in (more.script, more.territory) if part and part.lower() in given]
    return "-".join((language, *kept))


@cache
def _codes_by_name() -> dict[str, str]:
    from babel import Locale

    names = Locale("en").languages
    return {name.lower(): code for code, name in sorted(names.items(), reverse=True)}


def language_of_name(subtitles: Path, video_stem: str) -> str:
    """The language that the name of a subtitle file tells after that of its video: of
    ``tour.de.srt`` and ``tour.zh-Hans.forced.vtt``; empty where it tells none."""
    stem = subtitles.stem
    if not stem.casefold().startswith(video_stem.casefold()):
        return ""
    parts = [part for part in stem[len(video_stem) :].split(".") if part]
    tags = [language_tag(part) for part in parts if part.lower() not in _NOT_OF_NAMES]
    # Hindi where no other language stands beside it: else for those who are hard of hearing.
    if not any(tags) and "hi" in (part.lower() for part in parts):
        return "hi"
    return next((tag for tag in tags if tag), "")
