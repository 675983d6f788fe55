"""Every regular expression of the product, and texts that would freeze it if they could.

A pattern is attacked with what it is made of: for each of its repetitions, what leads there, and
then many of what is repeated, of other characters, or of the lead itself, with an end that does not
match. Python's own parser of patterns takes them apart.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import Any

from re import _constants as ops  # isort: skip
from re import _parser as parser  # isort: skip

__all__ = ["Found", "attacks", "find_patterns", "is_frozen_by"]

PACKAGES = ("kb", "ingest", "ui")
_FUNCTIONS = {
    "compile",
    "match",
    "fullmatch",
    "search",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}
_METHODS = ("search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer")
_ALPHABET = ' \n\ta0-<[(|`.*"=中\x00'
_MAX_LEADS = 5
_MAX_OWN = 20
_SHORT, _LONG = 2_000, 60_000
# Nothing that grows with the square takes so little for the short text; and for the long one the
# slowest that grows as the text does takes a third of this, the fastest that does not twice.
_UNMEASURABLE_S = 0.0002
_MAX_S = 0.3
# What patterns that are put together from a text are put together from, for example.
BINDINGS: dict[str, dict[str, Any]] = {
    "kb.answer.extractive.label_question": {
        "is_aside": r"\bof total\b",
        "name": "total",
        "w": "total",
    },
    "kb.answer.extractive.periods": {
        "names": r"mar\.?|march|0?3 ?月|三月",
        "written": "2024",
        "said": r"\bmar(?:ch)?\b|(?<!\d)0?3 ?月|(?<!十)三月",
    },
    "kb.answer.extractive.question": {"asked": "a", "answer": "b"},  # found in the module as well
    "kb.answer.extractive.codes": {"text": r"(?<![A-Za-z])E[-_ ]?(?!07(?![A-Za-z0-9]))\d"},
    "kb.answer.extractive.units_asked": {"asked": "a", "number": "b", "unit": "c"},  # likewise
    "kb.evaluate.answers": {"pattern": r"(?<!\d)7\s*k\s*g(?!\d)"},
    "kb.text.contrasts": {"said": [r"\bred\b", "红(?=[色灯光])"]},
    "kb.text.markdown_code": {"run": "`{3,}", "found": "``", "self": SimpleNamespace(_fence="```")},
    "kb.text.special_tokens": {"marks": ["<|im_end|>", "~~"]},
    "ingest.scan": {"ignore": (".*", "~$*", "*.part")},
    "ui.web.html.answer": {"env": {"opens": "\ue000", "closes": "\ue001"}},
    "ui.web.html.highlight": {"pattern": "(?<!\\w)reset\\w*", "pair": "设备"},
    "ui.web.html.passage": {"env": {"opens": "\ue000", "closes": "\ue001"}},
}


@dataclass
class Found:
    """A pattern, where it is, and by which methods it is used; none known means all."""

    where: str
    pattern: re.Pattern[Any]
    methods: set[str] = field(default_factory=set)


class TooSlowError(Exception):
    """The time is over."""


def find_patterns() -> list[Found]:
    """Each pattern once: those in modules and classes, within containers as well, and those that
    functions write out where they use them."""
    found: dict[tuple[Any, int], Found] = {}
    trees = {name: ast.parse(Path(_file(name)).read_text("utf-8")) for name in _module_names()}
    uses = _uses(trees.values())
    for name in trees:
        module = importlib.import_module(name)
        for place, pattern in _patterns_in(module):
            key = (pattern.pattern, pattern.flags)
            one = found.setdefault(key, Found(f"{name}.{place}", pattern))
            used = uses.get(place.split(".")[-1].split("[")[0], set())
            one.methods |= used or set(_METHODS)
    for name, tree in trees.items():
        for line, text, flags, method in _written_in_functions(tree, importlib.import_module(name)):
            if text is None:
                raise AssertionError(
                    f"{method} is put together where nobody can test it: write it at the top of "
                    "its module, or say in BINDINGS what it is put together from."
                )
            pattern = re.compile(text, flags)
            key = (pattern.pattern, pattern.flags)
            one = found.setdefault(key, Found(f"{name}:{line}", pattern))
            one.methods |= set(_METHODS) if method == "compile" else {method}
    from ingest.chunk.tokens import _SEPARATORS

    for text in _SEPARATORS:  # langchain compiles these
        found[text, 0] = Found("ingest.chunk.tokens._SEPARATORS", re.compile(text), {"split"})
    return [*found.values()]


def _module_names() -> list[str]:
    names = []
    for package in PACKAGES:
        root = importlib.import_module(package)
        names.append(package)
        names += [one.name for one in pkgutil.walk_packages(root.__path__, f"{package}.")]
    return names


def _file(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _patterns_in(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    seen: set[int] = set()

    def walk(place: str, value: Any, depth: int) -> Iterator[tuple[str, re.Pattern[Any]]]:
        if isinstance(value, re.Pattern):
            yield place, value
        elif id(value) in seen or depth > 4:
            return
        elif isinstance(value, dict):
            seen.add(id(value))
            for one in (*value.keys(), *value.values()):
                yield from walk(place, one, depth + 1)
        elif isinstance(value, (list, tuple, set, frozenset)):
            seen.add(id(value))
            for one in value:
                yield from walk(place, one, depth + 1)
        elif isinstance(value, type) and value.__module__ == module.__name__:
            seen.add(id(value))
            for name, one in vars(value).items():
                yield from walk(f"{place}.{name}", one, depth + 1)
        elif isinstance(getattr(value, "__self__", None), re.Pattern):
            yield place, value.__self__  # a bound method of a pattern
        elif type(value).__module__.split(".")[0] in PACKAGES and hasattr(value, "__dict__"):
            seen.add(id(value))
            for name, one in vars(value).items():
                yield from walk(f"{place}.{name}", one, depth + 1)

    for name, value in vars(module).items():
        yield from walk(name, value, 0)


def _uses(trees: Any) -> dict[str, set[str]]:
    """Which methods are called of a name, anywhere."""
    uses: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in _METHODS:
                target = node.value
                name = getattr(target, "id", getattr(target, "attr", None))
                if isinstance(name, str):
                    uses.setdefault(name, set()).add(node.attr)
    return uses


def _written_in_functions(tree: ast.AST, module: ModuleType) -> Iterator[tuple[int, Any, int, str]]:
    """``(line, pattern, flags, method)`` of each call of `re` whose pattern can be evaluated.

    Raises:
        AssertionError: A pattern can't be: then it escapes this test. Write it at module level.
    """
    at_top = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            at_top |= {id(one) for one in ast.walk(node)}
    used_as = {
        id(node.value): node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if getattr(node.func.value, "id", None) != "re" or node.func.attr not in _FUNCTIONS:
            continue
        if id(node) not in at_top:
            continue
        names = dict(vars(module))
        names |= BINDINGS.get(module.__name__, {})
        at = {"compile": 1, "split": 3, "sub": 4, "subn": 4}.get(node.func.attr, 2)
        given = [*node.args[at : at + 1], *(kw.value for kw in node.keywords if kw.arg == "flags")]
        try:
            text = eval(compile(ast.Expression(node.args[0]), "pattern", "eval"), names)
            flags = sum(eval(compile(ast.Expression(one), "flags", "eval"), names) for one in given)
        except NameError:
            yield node.lineno, None, 0, f"{module.__name__}: {ast.unparse(node)}"
            continue
        yield node.lineno, text, flags, used_as.get(id(node), node.func.attr)


# -- texts --------------------------------------------------------------------------------------


def attacks(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """``(lead, pump, end)``: the text is the lead, the pump over and over, the end."""
    tree = parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG)
    leads = list(dict.fromkeys(["", *_leads(tree)]))[:_MAX_LEADS]
    own = "".join(dict.fromkeys(_characters(tree)))[:_MAX_OWN]
    whole = _example(tree)
    bodies = [*dict.fromkeys(_bodies(tree))]
    alphabet = "".join(dict.fromkeys(_ALPHABET + own))
    for lead in leads:
        parts = [lead, lead + whole, whole, *bodies, *(lead + body for body in bodies)]
        pumps = [*parts, *alphabet, *(lead + one for one in " \n" + own[:10])]
        pumps += [whole + one for one in " \n\x00a"]
        for pump in dict.fromkeys(pump for pump in pumps if pump):
            yield lead, pump, "\x00"
            if pump in parts or pump.isspace():
                yield lead, pump, ""


def text_of(attack: tuple[str, str, str], size: int) -> str:
    lead, pump, end = attack
    return lead + pump * max(1, size // len(pump)) + end


def _leads(tree: Any, before: str = "") -> Iterator[str]:
    """What matches up to and with the first turn of each repetition."""
    for op, value in tree:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            yield before
            yield before + _example(value[2])
            yield from _leads(value[2], before)
        elif op is ops.SUBPATTERN:
            yield from _leads(value[3], before)
        elif op is ops.ATOMIC_GROUP:
            yield from _leads(value, before)
        elif op is ops.BRANCH:
            for one in value[1]:
                yield from _leads(one, before)
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            yield from _leads(value[1], before)
        before += _example([(op, value)])
    yield before


def _bodies(tree: Any) -> Iterator[str]:
    for op, value in tree:
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            yield _example(value[2])
            if len(value[2]) > 1 or value[2][0][0] not in (ops.IN, ops.LITERAL, ops.ANY):
                yield _example(value[2], longest=True)
            yield from _bodies(value[2])
        elif op is ops.SUBPATTERN:
            yield from _bodies(value[3])
        elif op is ops.ATOMIC_GROUP:
            yield from _bodies(value)
        elif op is ops.BRANCH:
            for one in value[1]:
                yield _example(one)
                yield from _bodies(one)
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            yield from _bodies(value[1])


def _characters(tree: Any) -> Iterator[str]:
    for op, value in tree:
        if op in (ops.LITERAL, ops.NOT_LITERAL):
            yield chr(value)
        elif op is ops.IN:
            yield from _members(value)
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            yield from _characters(value[2])
        elif op is ops.SUBPATTERN:
            yield from _characters(value[3])
        elif op is ops.ATOMIC_GROUP:
            yield from _characters(value)
        elif op is ops.BRANCH:
            for one in value[1]:
                yield from _characters(one)
        elif op in (ops.ASSERT, ops.ASSERT_NOT):
            yield from _characters(value[1])


_CATEGORIES = {
    ops.CATEGORY_DIGIT: "7",
    ops.CATEGORY_NOT_DIGIT: "x",
    ops.CATEGORY_SPACE: " \n",
    ops.CATEGORY_NOT_SPACE: "x",
    ops.CATEGORY_WORD: "x_",
    ops.CATEGORY_NOT_WORD: "-",
}


def _members(items: Sequence[Any]) -> Iterator[str]:
    if items and items[0][0] is ops.NEGATE:
        refused = set(_members(items[1:]))
        yield from (one for one in "x -\n7" if one not in refused)
        return
    for op, value in items:
        if op is ops.LITERAL:
            yield chr(value)
        elif op is ops.RANGE:
            yield chr(value[0])
        elif op is ops.CATEGORY:
            yield from _CATEGORIES[value]


def _example(tree: Any, *, longest: bool = False) -> str:
    """A text that the pattern may match: nothing optional, or a turn of each where `longest`."""
    text = ""
    for op, value in tree:
        if op is ops.LITERAL:
            text += chr(value)
        elif op is ops.NOT_LITERAL:
            text += "x" if value != ord("x") else "y"
        elif op is ops.ANY:
            text += "x"
        elif op is ops.IN:
            text += next(_members(value), "x")
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            least, most, body = value
            n_turns = max(least, int(longest and most > 0))
            text += _example(body, longest=longest) * min(n_turns, 64)
        elif op is ops.SUBPATTERN:
            text += _example(value[3], longest=longest)
        elif op is ops.ATOMIC_GROUP:
            text += _example(value, longest=longest)
        elif op is ops.BRANCH:
            text += _example(value[1][0], longest=longest)
    return text


# -- running --------------------------------------------------------------------------------------


class _TooSlowError(Exception):
    """The time is over."""


@contextmanager
def _cpu_limit(limit_s: float) -> Iterator[None]:
    """Raises _TooSlowError where what is within takes longer, by this process's own clock:
    other programs do not count."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def is_frozen_by(one: Found, attack: tuple[str, str, str]) -> bool:
    """Whether the attack takes a time that grows faster than the text. What takes no time that
    counts for a short text is not tried with a long one."""
    short_s = _time_s(one, text_of(attack, _SHORT))
    if short_s < _UNMEASURABLE_S:
        return False
    if short_s < _MAX_S and short_s < 7 * _time_s(one, text_of(attack, _SHORT // 4)):
        return False
    # The least of some: a busy machine slows one of them.
    return all(_time_s(one, text_of(attack, _LONG)) > _MAX_S for _ in range(3))


def _time_s(one: Found, text: str) -> float:
    """CPU time: what others do to the machine meanwhile does not count."""
    began_s = time.thread_time()
    with suppress(_TooSlowError), _cpu_limit(2 * _MAX_S):
        _use(one, text)
    return time.thread_time() - began_s


def _use(one: Found, text: str) -> None:
    """Use the pattern on a text in every way in which the product does."""
    subject: Any = text.encode("utf-8") if isinstance(one.pattern.pattern, bytes) else text
    if one.methods & {"search", "sub", "subn", "split", "findall", "finditer"}:
        for _ in one.pattern.finditer(subject):
            pass
    if "match" in one.methods:
        one.pattern.match(subject)
    if "fullmatch" in one.methods:
        one.pattern.fullmatch(subject)
