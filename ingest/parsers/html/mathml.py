"""Formulas of web pages in letters: from MathML, or the TeX that stands beside it."""

from __future__ import annotations

from lxml import etree

__all__ = ["spell_out_formulas"]

_MAX_DEPTH = 100
_TEX = ("application/x-tex", "tex", "latex", "application/x-latex")
_LEAVES = frozenset({"mi", "mn", "mo", "mtext", "ms", "ci", "cn"})
_UNSEEN = frozenset({"annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark"})
# What a minus, a product and a function's application are written as.
_OPERATORS = {"\u2212": "-", "\u2062": "", "\u2061": "", "\u2063": "", "\u2064": "+"}


def spell_out_formulas(tree: etree._Element) -> None:
    """Put the letters of each formula in its place: ``a/b``, ``x^2``, or its TeX where given."""
    for script in list(tree.iter("script")):
        if script.get("type", "").startswith("math/tex") and (script.text or "").strip():
            _become_text(script, f"${(script.text or '').strip()}$")
    for math in list(tree.iter("math")):
        text = _tex(math) or " ".join(_linear(math, 0).split())
        if not text:
            text = math.get("alttext", "").strip()
        parent = math.getparent()
        if parent is not None and "mwe-math" in parent.get("class", ""):
            # Wikipedia hides its formulas behind pictures of them.
            parent.attrib.pop("style", None)
        _become_text(math, text)


def _become_text(element: etree._Element, text: str) -> None:
    tail = element.tail
    element.clear()
    element.tag, element.text, element.tail = "span", text, tail


def _tex(math: etree._Element) -> str:
    for note in math.iter("annotation"):
        if note.get("encoding", "").lower() in _TEX:
            tex = " ".join("".join(note.itertext()).split())
            if tex.startswith("{\\displaystyle") and tex.endswith("}"):
                tex = tex.removeprefix("{\\displaystyle")[:-1].strip()
            return f"${tex}$" if tex else ""
    return ""


def _linear(element: etree._Element, depth: int) -> str:
    if not isinstance(element.tag, str) or element.tag in _UNSEEN:
        return ""
    tag = element.tag.rpartition(":")[2]
    if tag in _LEAVES or depth > _MAX_DEPTH:
        text = "".join(element.itertext()).strip()
        if tag == "mo":
            return _OPERATORS.get(text, text)
        return f" {text} " if tag == "mtext" else text
    parts = [_linear(child, depth + 1) for child in element]
    # Between the parts of an element that names none stands its own text.
    if not parts:
        return (element.text or "").strip()
    first, second, third = (*parts, "", "", "")[:3]
    if tag == "mfrac":
        return f"{_group(first)}/{_group(second)}"
    if tag in ("msup", "mover"):
        return f"{_group(first)}^{_group(second)}" if second else first
    if tag in ("msub", "munder"):
        return f"{_group(first)}_{_group(second)}" if second else first
    if tag in ("msubsup", "munderover"):
        return f"{_group(first)}_{_group(second)}^{_group(third)}"
    if tag == "msqrt":
        return f"√{_group(''.join(parts))}"
    if tag == "mroot":
        return f"{_group(first)}^(1/{second})"
    if tag == "mfenced":
        return f"{element.get('open', '(')}{', '.join(parts)}{element.get('close', ')')}"
    if tag == "mtable":
        return f"[{'; '.join(parts)}]"
    if tag in ("mtr", "mlabeledtr"):
        return ", ".join(parts)
    return "".join(parts)


def _group(text: str) -> str:
    """A part in brackets, unless it is one name or number."""
    bare = text.strip()
    return bare if len(bare) <= 1 or bare.replace(".", "").isalnum() else f"({bare})"
