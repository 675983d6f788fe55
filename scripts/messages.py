"""Find the messages of the project, and keep the catalogues in ``ui/locale`` in step with them.

``python scripts/messages.py`` puts new messages into every catalogue, takes out those that are no
more, and says what is not translated. With ``--check`` nothing is written, and it fails where there
is something to do. To begin a language, make an empty file of its name (``fr.po``) and run it.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ui.told import CONTEXT, WORDS  # noqa: E402 - of this checkout, whatever is installed

LOCALE = ROOT / "ui" / "locale"
KEYWORDS = {"tr": None, "later": None, "ntr": (1, 2)}
METHODS = {".html": "jinja2.ext:babel_extract", ".js": "javascript"}
OPTIONS = {"parse_template_string": "true"}
# What no page shows: prompts, answers in the language of the question, and what is said to programs
# and on the command line.
NOT_SHOWN = (
    "kb/__init__.py",
    *(f"kb/answer/{name}" for name in ("about_library", "chat", "claims/calibration")),
    *(f"kb/answer/{name}" for name in ("extractive", "shown", "small_talk", "telling")),
    *(f"kb/config/{name}" for name in ("models", "profile")),
    *(
        "kb/answer/wording",
        "kb/arrival",
        "kb/evaluate",
        "kb/moving",
        "kb/models/generators",
        "kb/models/qwen3_vl",
    ),
    *("ui/cli", "ui/takeover", "ui/http/page_template"),
    *(f"ui/http/{name}" for name in ("openai", "mcp", "v1", "rest")),
)
_ERRORS = re.compile(r"\w+Error")
# An error may follow.
_SENTENCE = re.compile(r"[A-Z“{`'].* .*(?:[.?](?: \{\w+\})?|: \{\w+\})")
# Prompts, texts that models are tried with, and what stands in answers and passages.
_NOT_SAID = (
    "About {topic}: {value}",
    "About {other}: {value}",
    "Comment{by} on {cell}{on}: {text}",
    "Represent the user's input.",
    "Judge whether the document supports the claim.",
    "How do I reset the device?",
    "What does “{value}” say?",
    "Press and hold the power button for ten seconds until the lamp blinks twice.",
)
_UNNAMED = re.compile(r"\{\}")
_SQL = re.compile(r"\b(?:SELECT|UPDATE|DELETE FROM|WHERE|ORDER BY|AND [a-z0-9]+ =)")


def template() -> Catalog:
    """Every message, without translations."""
    found = Catalog(project="multimodal-kb", charset="utf-8")
    for path in sorted((ROOT / "ui").rglob("*")):
        where = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py":
            for message in called_messages(ast.parse(path.read_text("utf-8"))):
                found.add(message, locations=[(where, None)])
        elif path.suffix in METHODS and path.name != "docs.html":
            with path.open("rb") as file:
                for _, message, *_ in extract(METHODS[path.suffix], file, KEYWORDS, (), OPTIONS):
                    found.add(message, locations=[(where, None)])
    for message, where in told_messages():
        found.add(message, locations=[(where, None)], context=CONTEXT)
    for word in chain.from_iterable(WORDS.values()):
        found.add(word, locations=[("ui/told.py", None)], context=CONTEXT)
    return found


def called_messages(tree: ast.AST) -> Iterator[str | tuple[str, str]]:
    """What a module says by `ui.language`. Babel sees no calls inside of f-strings, which were one
    token before Python 3.12."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            said = [one.value for one in node.args[:2] if isinstance(one, ast.Constant)]
            if node.func.id in ("tr", "later") and said:
                yield said[0]
            elif node.func.id == "ntr" and len(said) == 2:
                yield said[0], said[1]


def told_messages() -> Iterator[tuple[str, str]]:
    """Errors and notes as `ui.told` knows them again, each with its file."""
    for package in ("kb", "ingest", "ui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            where = path.relative_to(ROOT).as_posix()
            if not where.startswith(NOT_SHOWN):
                tree = ast.parse(path.read_text("utf-8"))
                for message in _sentences(tree):
                    yield message, where


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Texts in a module that are whole sentences, and what errors are raised with."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if node in skipped:
            skipped.update(ast.iter_child_nodes(node))
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)  # a docstring
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in KEYWORDS or name in ("Field", "Option", "Argument", "exception", "warning"):
                skipped.update(ast.iter_child_nodes(node))
            elif _ERRORS.fullmatch(name) and node.args and name[0].isupper():
                skipped.add(node.args[0])
                yield from _messages(node.args[0], is_error=True)
        elif isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            skipped.update(ast.iter_child_nodes(node))
            yield from _messages(node, is_error=False)


def _messages(node: ast.expr, *, is_error: bool) -> Iterator[str]:
    text = _as_template(node)
    if text is None or "\n" in text or not text.strip(" {}_w0123456789"):
        return
    if text in _NOT_SAID or _SQL.search(text):
        return
    is_sentence = _SENTENCE.fullmatch(text) is not None
    if is_sentence or (is_error and " " in text and text[0] != "{"):
        yield text


def _as_template(node: ast.expr) -> str | None:
    """A text with names in braces in place of its values; None for what is no text."""
    pieces: list[str] = []
    taken: dict[str, str] = {}

    def add(part: ast.expr) -> bool:
        if isinstance(part, ast.Constant):
            if not isinstance(part.value, str):
                return False
            # Also what `str.format` fills in.
            pieces.append(_UNNAMED.sub(lambda _: f"{{{_name(part, taken)}}}", part.value))
            return True
        if isinstance(part, ast.JoinedStr):
            return all(map(add, part.values))
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            return add(part.left) and add(part.right)
        value = part.value if isinstance(part, ast.FormattedValue) else part
        if isinstance(part, ast.FormattedValue) or pieces:
            pieces.append(f"{{{_name(value, taken)}}}")
            return True
        return False

    return "".join(pieces) if add(node) else None


def _name(value: ast.expr, taken: dict[str, str]) -> str:
    written = ast.unparse(value)
    name = getattr(value, "id", getattr(value, "attr", "value"))
    name = name.strip("_").lower() or "value"
    n = 1
    unique = name
    # One name for one expression: a value is not said twice by two names.
    while unique in taken:
        n += 1
        unique = f"{name}{n}"
    taken[unique] = written
    return unique


def updated(path: Path, messages: Catalog) -> tuple[bytes, Catalog]:
    """A catalogue with the messages that there are now, as the file is to be."""
    content = path.read_bytes()
    old = read_po(io.BytesIO(content), locale=path.stem)
    old.update(messages, no_fuzzy_matching=True, update_creation_date=False)
    old.obsolete.clear()
    return written(old), old


def written(catalog: Catalog) -> bytes:
    """A catalogue as its file; without line numbers, which change with every other line."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, include_lineno=False)
    return file.getvalue()


def untranslated(catalog: Catalog) -> list[str]:
    """Messages without a translation, or without one of its forms."""
    return [
        str(message.id)
        for message in catalog
        if message.id
        and not (all(message.string) if isinstance(message.string, tuple) else message.string)
    ]


def main() -> int:
    """Do it for every language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    is_check = parser.parse_args().check
    messages = template()
    is_done = True
    for path in sorted(LOCALE.glob("*.po")):
        content, catalog = updated(path, messages)
        missing = untranslated(catalog)
        is_stale = content != path.read_bytes()
        is_done &= not missing and not is_stale
        if is_stale and not is_check:
            path.write_bytes(content)
        print(f"{path.name}: {len(catalog)} messages, {len(missing)} untranslated")
        for message in missing:
            print(f"  {message}")
    return 0 if is_done or not is_check else 1


if __name__ == "__main__":
    sys.exit(main())
