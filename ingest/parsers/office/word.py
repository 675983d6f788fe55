"""Word files as HTML: mammoth reads the body; what it passes over is put into the body first.

That is: the numbers of lists and headings, text boxes, charts and diagrams, equations, fields, and
reviewers' comments. Deleted text stays out, inserted text in. Headers and footers are read here.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

from lxml import etree

from ingest.parsers.office.drawings import chart_rows, chart_title, diagram_texts
from ingest.parsers.office.numbering import Numbering
from ingest.parsers.office.xml import DGM, MC, C, M, R, W, parse_xml, read_part, relationships

__all__ = ["headers_and_footers", "to_html"]

_BODY = "word/document.xml"
_NOTES = ("word/footnotes.xml", "word/endnotes.xml")
_NUMBERED, _REMARK = "KbNumbered", "KbRemark"
_STYLES = f"""
p.{_NUMBERED} => ul.numbered > li:fresh
p.{_REMARK} => aside.remark:fresh
"""
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
# Wrappers that mammoth does not look into.
_UNWRAPPED = tuple(W + name for name in ("fldSimple", "moveTo", "customXml", "dir", "bdo"))
_DROPPED = tuple(W + name for name in ("moveFrom", "rt"))
_TEXT_BOX = f"{W}txbxContent"
_OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
# Parts of equations whose properties may be left out, which the converter needs; and boxes whose
# content alone matters.
_SEEN_THROUGH = frozenset({"borderBox", "phant"})
_IN_FULL = tuple(M + n for n in ("acc", "bar", "d", "f", "groupChr", "nary", *_SEEN_THROUGH))
_MAX_REMARK_CHARS = 300
_MAX_TEXT_BOXES = 20_000


def to_html(data: bytes, warn: Callable[[str], None]) -> str:
    """The body of a Word file as HTML.

    Args:
        data: The file.
        warn: Told what could not be read.

    Raises:
        Exception: Whatever mammoth raises on a file that breaks the format.
    """
    # Imported late: it takes long, and a sync of unchanged files never needs it.
    import mammoth

    prepared = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(prepared, "w") as packed:
        changed = _Body(archive, warn).parts()
        for name in dict.fromkeys(archive.namelist()):
            packed.writestr(name, changed[name] if name in changed else archive.read(name))
    prepared.seek(0)
    result = mammoth.convert_to_html(
        prepared, style_map=_STYLES, include_embedded_style_map=False, ignore_empty_paragraphs=True
    )
    return str(result.value)


def headers_and_footers(archive: zipfile.ZipFile) -> list[str]:
    """The lines of the headers and footers that the file shows, each once."""
    body = read_part(archive, _BODY)
    if body is None:
        return []
    parts = relationships(archive, _BODY)
    lines: dict[str, None] = {}
    for tag in ("headerReference", "footerReference"):
        for reference in body.iter(W + tag):
            kind, name = parts.get(reference.get(f"{R}id", ""), ("", ""))
            root = read_part(archive, name) if kind in ("header", "footer") else None
            for line in () if root is None else _lines(root):
                # The number of a page alone says nothing.
                if any(map(str.isalpha, line)):
                    lines[line] = None
    return list(lines)


def _lines(root: etree._Element) -> Iterator[str]:
    """The paragraphs of a part, a row of a table as one."""
    _choose(root)
    rows = [row for row in root.iter(f"{W}tr") if next(row.iterancestors(f"{W}tr"), None) is None]
    taken: set[etree._Element] = set()
    for row in rows:
        taken.update(row.iter(f"{W}p"))
    for element in root.iter(f"{W}p", f"{W}tr"):
        if element.tag == f"{W}tr":
            if element not in rows:
                continue
            cells = [" ".join(map(_text, cell.iter(f"{W}p"))) for cell in element.iter(f"{W}tc")]
            line = "; ".join(" ".join(cell.split()) for cell in cells if cell.strip())
        elif element in taken:
            continue
        else:
            line = _text(element)
        if line:
            yield line


def _text(paragraph: etree._Element) -> str:
    """The text of a paragraph on one line, without that of text boxes in it."""
    parts: list[str] = []
    for element in paragraph.iter(f"{W}t", f"{W}tab", f"{W}br", f"{W}cr"):
        box = next(element.iterancestors(f"{W}p"), None)
        if box is paragraph:
            parts.append((element.text or "") if element.tag == f"{W}t" else " ")
    return " ".join("".join(parts).split())


def _choose(root: etree._Element) -> None:
    """Take one of the forms in which a drawing stands: the older one is there for old programs."""
    for both in list(root.iter(f"{MC}AlternateContent")):
        chosen, fallback = both.find(f"{MC}Choice"), both.find(f"{MC}Fallback")
        if chosen is not None and fallback is not None and _says_something(chosen):
            both.remove(fallback)


def _says_something(drawing: etree._Element) -> bool:
    return next(drawing.iter(_TEXT_BOX, f"{C}chart", f"{DGM}relIds", f"{M}oMath"), None) is not None


class _Body:
    """Changes what mammoth reads of one file."""

    def __init__(self, archive: zipfile.ZipFile, warn: Callable[[str], None]) -> None:
        self._archive = archive
        self._warn = warn
        self._targets = relationships(archive, _BODY)
        self._n_equations = self._n_unread = 0

    def parts(self) -> dict[str, bytes]:
        """The changed parts by name."""
        changed: dict[str, bytes] = {}
        names = set(self._archive.namelist())
        # Broken XML here is for mammoth to tell of.
        if _BODY in names:
            root = parse_xml(self._archive.read(_BODY))
            self._change_body(root)
            changed[_BODY] = etree.tostring(root, encoding="utf-8", xml_declaration=True)
        for kind, name in self._targets.values():
            if kind == "comments" and name in names:
                changed[name] = etree.tostring(etree.Element(f"{W}comments"))
        for name in _NOTES:
            root = read_part(self._archive, name) if name in names else None
            if root is not None:
                self._equations(root)
                _unwrap(root)
                changed[name] = etree.tostring(root, encoding="utf-8", xml_declaration=True)
        styles = read_part(self._archive, "word/styles.xml")
        if styles is not None and _mend_styles(styles):
            changed["word/styles.xml"] = etree.tostring(styles, encoding="utf-8")
        if self._n_unread:
            self._warn(
                f"{self._n_unread:,} of its {self._n_equations:,} equations could not be read as "
                "formulas; their letters and numbers alone are found."
            )
        return changed

    def _change_body(self, root: etree._Element) -> None:
        _choose(root)
        self._number(root)
        self._equations(root)
        self._link(root)
        self._comments(root)
        self._drawings(root)
        _move_out_text_boxes(root)
        _unwrap(root)
        objects = {one.get("ProgID", "") or "object" for one in root.iter(_OLE)}
        if objects:
            self._warn(
                f"Embedded objects in it were not read ({', '.join(sorted(objects)[:5])}): save "
                "them as files of their own."
            )
        if next(root.iter(f"{W}altChunk"), None) is not None:
            self._warn(
                "Other documents that are put into it were not read. Open it in Word and save it, "
                "which makes them part of its text."
            )

    def _number(self, root: etree._Element) -> None:
        numbering = Numbering(
            read_part(self._archive, "word/numbering.xml"),
            read_part(self._archive, "word/styles.xml"),
        )
        headings = _heading_styles(read_part(self._archive, "word/styles.xml"))
        for paragraph in root.iter(f"{W}p"):
            label = numbering.label(paragraph)
            if label is None:
                continue
            properties = paragraph.find(f"{W}pPr")
            if properties is None:
                properties = etree.Element(f"{W}pPr")
                paragraph.insert(0, properties)
            for own in properties.findall(f"{W}numPr"):
                properties.remove(own)
            # In no list, whatever its style says.
            numbers = etree.SubElement(properties, f"{W}numPr")
            etree.SubElement(numbers, f"{W}ilvl").set(f"{W}val", "0")
            etree.SubElement(numbers, f"{W}numId").set(f"{W}val", "0")
            style = properties.find(f"{W}pStyle")
            if style is None or style.get(f"{W}val", "") not in headings:
                if style is None:
                    style = etree.SubElement(properties, f"{W}pStyle")
                style.set(f"{W}val", _NUMBERED)
            if label:
                paragraph.insert(paragraph.index(properties) + 1, _run(label))

    def _equations(self, root: etree._Element) -> None:
        for element in list(root.iter(f"{M}oMath")):
            self._n_equations += 1
            parent = element.getparent()
            text = self._equation(element)
            if text and parent is not None:
                _replace(element, [_run(text)])
        for block in list(root.iter(f"{M}oMathPara")):
            _replace(block, [run for run in block if run.tag == f"{W}r"])

    def _equation(self, element: etree._Element) -> str:
        from markitdown.converter_utils.docx.math.omml import oMath2Latex

        runs = [" ".join((t.text or "").split()) for t in element.iter(f"{M}t")]
        for part in list(element.iter(*_IN_FULL)):
            name = part.tag.removeprefix(M)
            if name in _SEEN_THROUGH:
                part.tag = f"{M}box"
            elif part.find(f"{M}{name}Pr") is None:
                part.insert(0, etree.Element(f"{M}{name}Pr"))
        try:
            latex = str(oMath2Latex(element).latex)
        except MemoryError:
            raise
        # It raises KeyError, AttributeError, TypeError and NotImplementedError on what it does
        # not know, one equation at a time.
        except Exception:
            latex = ""
        # It passes over other things that it does not know.
        held = "".join(latex.split())
        if any(run not in held for run in runs if run.isascii() and run.isalnum()):
            self._n_unread += 1
            latex = ""
        return f"${' '.join(latex.split())}$" if latex.strip() else " ".join(runs).strip()

    def _link(self, root: etree._Element) -> None:
        """Write the address behind the words of a link, unless they are it."""
        for link in root.iter(f"{W}hyperlink"):
            _, target = self._targets.get(link.get(f"{R}id", ""), ("", ""))
            if not target.startswith(("http://", "https://", "mailto:", "ftp://")):
                continue
            address = target.removeprefix("mailto:").rstrip("/")
            said = "".join(t.text or "" for t in link.iter(f"{W}t"))
            if said.strip() and address.partition("://")[2] not in said and address not in said:
                link.append(_run(f" ({address})"))

    def _comments(self, root: etree._Element) -> None:
        name = next((t for kind, t in self._targets.values() if kind == "comments"), "")
        if not name:
            return
        for element in list(root.iter(f"{W}commentReference")):
            element.tag = f"{W}noComment"
        comments = read_part(self._archive, name)
        if comments is None:
            self._warn("The comments in it are damaged and were left out.")
            return
        said: dict[str, tuple[str, str]] = {}
        for one in comments.iter(f"{W}comment"):
            text = " ".join(filter(None, map(_text, one.iter(f"{W}p"))))
            said[one.get(f"{W}id", "")] = (one.get(f"{W}author", ""), text)
        open_ids: dict[str, list[str]] = {}
        places: dict[str, tuple[etree._Element, str]] = {}
        for element in root.iter():
            which = element.get(f"{W}id", "")
            if element.tag == f"{W}commentRangeStart":
                open_ids[which] = []
            elif element.tag == f"{W}t":
                for parts in open_ids.values():
                    parts.append(element.text or "")
            elif element.tag == f"{W}commentRangeEnd":
                places[which] = (element, "".join(open_ids.pop(which, [])))
            elif element.tag == f"{W}noComment":
                places.setdefault(which, (element, ""))
        for which, (author, text) in said.items():
            if text and which in places:
                place, words = places[which]
                tables = list(place.iterancestors(f"{W}tbl"))
                _put_behind(tables[-1] if tables else place, [_remark(author, words, text)])

    def _drawings(self, root: etree._Element) -> None:
        for element in list(root.iter(f"{C}chart", f"{DGM}relIds")):
            is_chart = element.tag == f"{C}chart"
            which = element.get(f"{R}id" if is_chart else f"{R}dm", "")
            part = read_part(self._archive, self._targets.get(which, ("", ""))[1])
            if part is None:
                self._warn("A chart or diagram in it could not be read.")
                continue
            if is_chart:
                title, rows = chart_title(part), chart_rows(part)
                blocks = [_paragraph(title)] if title else []
                blocks += [_table(rows)] if rows else []
            else:
                blocks = [_paragraph(text) for text in diagram_texts(part)]
            _put_behind(element, blocks)


def _heading_styles(styles: etree._Element | None) -> frozenset[str]:
    """Ids of the styles that mammoth makes headings of: by their names."""
    names = {
        style.get(f"{W}styleId", ""): (style.find(f"{W}name"))
        for style in (() if styles is None else styles.iter(f"{W}style"))
    }
    return frozenset(
        which
        for which, name in names.items()
        if name is not None and name.get(f"{W}val", "").lower().startswith(("heading ", "title"))
    )


def _mend_styles(styles: etree._Element) -> bool:
    """Mend definitions of styles on which mammoth fails."""
    is_changed = False
    for style in styles.findall(f"{W}style"):
        if style.get(f"{W}styleId") is None:
            styles.remove(style)
            is_changed = True
        elif style.get(f"{W}type") is None:
            style.set(f"{W}type", "paragraph")
            is_changed = True
    return is_changed


def _move_out_text_boxes(root: etree._Element) -> None:
    """Put what stands in text boxes behind the paragraph that holds them, the innermost first."""
    for box in list(root.iter(_TEXT_BOX))[:_MAX_TEXT_BOXES][::-1]:
        content = list(box)
        host = box.getparent()
        if host is None:
            continue
        _put_behind(box, content)
        host.remove(box)


def _unwrap(root: etree._Element) -> None:
    for element in list(root.iter(*_DROPPED)):
        _replace(element, [])
    for element in list(root.iter(*_UNWRAPPED)):
        _replace(element, list(element))
    for ruby in list(root.iter(f"{W}ruby")):
        base = ruby.find(f"{W}rubyBase")
        _replace(ruby, [] if base is None else list(base))
    for both in list(root.iter(f"{MC}AlternateContent")):
        chosen = both.find(f"{MC}Choice")
        if both.find(f"{MC}Fallback") is None and chosen is not None:
            _replace(both, list(chosen))
    for tab in root.iter(f"{W}ptab"):
        tab.tag = f"{W}tab"
    for end in root.iter(f"{W}cr"):
        end.tag = f"{W}br"


def _replace(element: etree._Element, others: list[etree._Element]) -> None:
    parent = element.getparent()
    if parent is None:
        return
    at = parent.index(element)
    parent.remove(element)
    for i, other in enumerate(others):
        parent.insert(at + i, other)


def _put_behind(element: etree._Element, blocks: list[etree._Element]) -> None:
    """Put paragraphs and tables behind the paragraph that holds an element."""
    # What stands between paragraphs is its own place.
    host = next(element.iterancestors(f"{W}p"), element)
    parent = host.getparent()
    if parent is None:
        return
    at = parent.index(host) + 1
    # Behind what was put there before.
    while at < len(parent) and parent[at].get(_MOVED) is not None:
        at += 1
    for i, block in enumerate(blocks):
        block.set(_MOVED, "1")
        parent.insert(at + i, block)


_MOVED = "kb-moved"


def _run(text: str) -> etree._Element:
    run = etree.Element(f"{W}r")
    said = etree.SubElement(run, f"{W}t")
    said.set(_XML_SPACE, "preserve")
    said.text = text
    return run


def _paragraph(text: str, style: str = "") -> etree._Element:
    paragraph = etree.Element(f"{W}p")
    if style:
        properties = etree.SubElement(paragraph, f"{W}pPr")
        etree.SubElement(properties, f"{W}pStyle").set(f"{W}val", style)
    paragraph.append(_run(text))
    return paragraph


def _remark(author: str, words: str, text: str) -> etree._Element:
    words = " ".join(words.split())
    if len(words) > _MAX_REMARK_CHARS:
        words = words[:_MAX_REMARK_CHARS] + "…"
    by = f" by {author}" if author else ""
    on = f" on “{words}”" if words else ""
    return _paragraph(f"Comment{by}{on}: {text}", _REMARK)


def _table(rows: list[list[str]]) -> etree._Element:
    table = etree.Element(f"{W}tbl")
    for cells in rows:
        row = etree.SubElement(table, f"{W}tr")
        for cell in cells:
            etree.SubElement(row, f"{W}tc").append(_paragraph(cell))
    return table
