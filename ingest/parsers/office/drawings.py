"""What the drawings of Office files say: charts and diagrams (SmartArt)."""

from __future__ import annotations

from itertools import islice

from lxml import etree

from ingest.parsers.office.xml import DGM, A, C

__all__ = ["chart_rows", "chart_title", "diagram_texts"]

_MAX_POINTS = 10_000
_MAX_SERIES = 200
# Pairs are shown point by point, not by category.
_PAIRED = frozenset({f"{C}scatterChart", f"{C}bubbleChart"})


def chart_title(chart: etree._Element) -> str:
    """The title of a chart; empty where it has none of its own."""
    title = chart.find(f"{C}chart/{C}title")
    return "" if title is None else _words(title)


def chart_rows(chart: etree._Element) -> list[list[str]]:
    """The values of a chart as the file keeps them beside it: a header, then a row for each
    category, or for each point of a scatter chart.

    Args:
        chart: Root of a chart part.
    """
    plot = chart.find(f"{C}chart/{C}plotArea")
    if plot is None:
        return []
    axes = [_words(axis) for axis in plot.iter(f"{C}title")]
    rows: list[list[str]] = []
    shared: list[tuple[str, dict[int, str], dict[int, str]]] = []
    for number, series in enumerate(islice(plot.iter(f"{C}ser"), _MAX_SERIES), start=1):
        name = _name(series) or f"{number}"
        kind = series.getparent()
        if kind is not None and kind.tag in _PAIRED:
            x, y = _points(series.find(f"{C}xVal")), _points(series.find(f"{C}yVal"))
            size = _points(series.find(f"{C}bubbleSize"))
            if not rows:
                names = axes if len(axes) == 2 else ["X", "Y"]
                rows.append(["", *names, *(["Size"] if size else [])])
            for index in sorted({*x, *y}):
                row = [name, x.get(index, str(index + 1)), y.get(index, "")]
                rows.append([*row, size.get(index, "")] if size else row)
        else:
            shared.append((name, _points(series.find(f"{C}cat")), _points(series.find(f"{C}val"))))
    if shared:
        categories: dict[int, str] = {}
        for _, names_of, _ in shared:
            categories = {**names_of, **categories}
        rows.append(["", *(name for name, _, _ in shared)])
        for index in sorted({*categories, *(i for _, _, values in shared for i in values)}):
            label = categories.get(index, str(index + 1))
            rows.append([label, *(values.get(index, "") for _, _, values in shared)])
    return rows if len(rows) > 1 else []


def diagram_texts(data: etree._Element) -> list[str]:
    """The texts of a diagram in the order of its outline, one for each of its boxes.

    Args:
        data: Root of the diagram's data part.
    """
    points: dict[str, str] = {}
    roots: list[str] = []
    for point in data.iter(f"{DGM}pt"):
        kind = point.get("type", "node")
        if kind in ("node", "asst", "doc"):
            points[point.get("modelId", "")] = _words(point)
            if kind == "doc":
                roots.append(point.get("modelId", ""))
    below: dict[str, list[tuple[int, str]]] = {}
    for line in data.iter(f"{DGM}cxn"):
        if line.get("type", "parOf") == "parOf":
            order = line.get("srcOrd", "0")
            place = int(order) if order.isdigit() else 0
            below.setdefault(line.get("srcId", ""), []).append((place, line.get("destId", "")))
    ordered: list[str] = []
    stack = roots[::-1]
    seen: set[str] = set()
    while stack:
        here = stack.pop()
        if here in seen:
            continue
        seen.add(here)
        ordered.append(here)
        stack += [child for _, child in sorted(below.get(here, ()), reverse=True)]
    ordered += [one for one in points if one not in seen]
    return [points[one] for one in ordered if points.get(one)]


def _words(element: etree._Element) -> str:
    """The text of an element, its paragraphs set apart by blanks."""
    paragraphs = ("".join(t.text or "" for t in p.iter(f"{A}t")) for p in element.iter(f"{A}p"))
    return " ".join(" ".join(paragraphs).split())


def _name(series: etree._Element) -> str:
    name = series.find(f"{C}tx")
    if name is None:
        return ""
    return " ".join(" ".join(v.text or "" for v in name.iter(f"{C}v")).split())


def _points(values: etree._Element | None) -> dict[int, str]:
    """By index the values that are kept of what a series refers to; of categories on several
    levels, the outer ones first."""
    levels: list[dict[int, str]] = []
    if values is None:
        return {}
    holders = list(values.iter(f"{C}lvl")) or [values]
    for holder in holders:
        level: dict[int, str] = {}
        for point in holder.iter(f"{C}pt"):
            index, text = point.get("idx", ""), point.findtext(f"{C}v")
            if index.isdigit() and text and len(level) < _MAX_POINTS:
                level[int(index)] = _shown(text)
        levels.append(level)
    merged = levels[0]
    for outer in levels[1:]:
        above = ""
        for index in sorted(merged):
            above = outer.get(index, above)
            merged[index] = f"{above} {merged[index]}".strip()
    return merged


def _shown(text: str) -> str:
    """A number without what its binary form adds."""
    text = " ".join(text.split())
    if len(text) < 16 or not text.isascii():
        return text
    try:
        return f"{float(text):.15g}"
    except ValueError:
        return text
