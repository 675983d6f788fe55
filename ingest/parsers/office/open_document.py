"""OpenDocument files (odt, ods, odp): their XML as HTML, read as web pages are.

ODF 1.3, part 3 (https://docs.oasis-open.org/office/OpenDocument/v1.3/). A walk of our own, since
libraries that give text lose tables, and repeat cells a million times where a sheet says so.
"""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator

from lxml import etree

from ingest.parsers.base import ParseContext
from ingest.parsers.html.table import move_out_inner_tables
from ingest.parsers.html.walker import Walker
from ingest.parsers.linked_pictures import PictureReader
from ingest.parsers.markdown import write_markdown
from ingest.parsers.office.archive import check_size, damaged, open_archive
from ingest.parsers.office.sheets import blocks_of_rows
from ingest.parsers.office.xml import read_part
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import title_from_name
from kb.errors import ParseError
from kb.types import Locator, Modality, Segment, Source

__all__ = ["ODF_TYPES", "OpenDocumentParser"]

_ODF = "application/vnd.oasis.opendocument."
_TEXT, _SHEET, _SLIDES = _ODF + "text", _ODF + "spreadsheet", _ODF + "presentation"
ODF_TYPES = {_TEXT: ".odt", _SHEET: ".ods", _SLIDES: ".odp"}
"""Media types with their suffixes."""

_URN = "urn:oasis:names:tc:opendocument:xmlns:"
_TX, _TB = f"{{{_URN}text:1.0}}", f"{{{_URN}table:1.0}}"
_OF, _DR = f"{{{_URN}office:1.0}}", f"{{{_URN}drawing:1.0}}"
_ST, _PR = f"{{{_URN}style:1.0}}", f"{{{_URN}presentation:1.0}}"
_SVG = f"{{{_URN}svg-compatible:1.0}}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MAX_ROWS = 1_000_000
_MAX_CELLS = 4_000_000
_MAX_COLUMNS = 4096
_MAX_REPEATED_ROWS = 1000
_MAX_PICTURE_BYTES = 64 * 1024 * 1024
# What is no text of the document, or is text that was deleted.
_PASSED_OVER = frozenset(
    {
        f"{_TX}tracked-changes", f"{_TX}sequence-decls", f"{_TX}variable-decls", f"{_SVG}desc",
        f"{_TX}user-field-decls", f"{_OF}forms", f"{_DR}glue-point", f"{_SVG}title",
        f"{_TX}note-citation", f"{_TX}bookmark", f"{_OF}event-listeners", f"{_TX}ruby-text",
        f"{_PR}notes", f"{_TB}table-column", f"{_TB}shapes",
    }
)  # fmt: skip
_HOLDERS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul"})
_TAGS = {
    f"{_TX}p": "p", f"{_TX}list": "ul", f"{_TX}list-item": "li", f"{_TX}list-header": "li",
    f"{_TB}table": "table", f"{_TB}table-row": "tr", f"{_TB}table-cell": "td",
    f"{_TX}section": "div", f"{_DR}text-box": "div",
    f"{_TX}index-body": "div", f"{_TX}line-break": "br",
}  # fmt: skip


class OpenDocumentParser:
    """Sections under headings, tables, pictures, comments; a slide or sheet is a page."""

    version = 2
    media_types = frozenset(ODF_TYPES)

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments in reading order.

        Raises:
            ParseError: The file is encrypted or damaged.
            SourceTooLargeError: It unpacks to more than 512 MiB.
        """
        data = source.absolute.read_bytes()
        with open_archive(data, source) as archive:
            check_size(archive, source)
            manifest = read_part(archive, "META-INF/manifest.xml")
            if manifest is not None and next(manifest.iter("{*}encryption-data"), None) is not None:
                raise ParseError(
                    "The file is encrypted with a password. Open it in its program, save a copy "
                    "without a password, and sync again.",
                    source=source.path,
                )
            content = read_part(archive, "content.xml")
            body = None if content is None else content.find(f"{_OF}body")
            if content is None or body is None:
                raise damaged(source, "its content is missing or no XML")
            title = _title(archive) or title_from_name(source.path)
            writer = SectionWriter(title)
            pictures = PictureReader(source, context)
            if source.media_type == _SHEET:
                yield from _sheets(content, body, writer, pictures, context)
            elif source.media_type == _SLIDES:
                yield from _slides(body, archive, writer, pictures)
            else:
                yield from Walker(_html(body, archive), writer, pictures, is_page=False).segments()
            margins = _margins(archive)
            if margins:
                place = Locator(anchor="header-footer")
                text = "\n".join(margins)
                yield Segment(Modality.TEXT, place, text, title, atomic=True)
            if next(content.iter(f"{_DR}object", f"{_DR}object-ole"), None) is not None:
                context.warn(
                    "Embedded objects in it (charts, formulas, other documents) were not read. "
                    "Save it as PDF to have what they show."
                )


def _title(archive: zipfile.ZipFile) -> str:
    meta = read_part(archive, "meta.xml")
    found = None if meta is None else next(meta.iter(f"{_DC}title"), None)
    return "" if found is None else " ".join((found.text or "").split())


def _margins(archive: zipfile.ZipFile) -> list[str]:
    """The lines of headers and footers, each once, without those of page numbers alone."""
    styles = read_part(archive, "styles.xml")
    lines: dict[str, None] = {}
    for part in () if styles is None else styles.iter(f"{_ST}header", f"{_ST}footer"):
        for paragraph in part.iter(f"{_TX}p", f"{_TX}h"):
            line = _inline(paragraph)
            if any(map(str.isalpha, line)) and paragraph.find(f".//{_TX}page-number") is None:
                lines[line] = None
    return list(lines)


def _inline(element: etree._Element) -> str:
    """The text of an element on one line."""
    return " ".join("".join(_html(element, None).itertext()).split())


def _html(root: etree._Element, archive: zipfile.ZipFile | None) -> etree._Element:
    """The elements of HTML that say what an element of ODF does. A stack, not recursion: they nest
    as deep as anybody likes."""
    top = etree.Element("div")
    stack: list[tuple[etree._Element, etree._Element]] = [(root, top)]
    while stack:
        source, target = stack.pop()
        _append(target, source.text)
        below: list[tuple[etree._Element, etree._Element]] = []
        for child in source:
            made = _element(child, archive)
            if made is not None:
                target.append(made)
                if made.tag not in ("br", "img", "aside"):
                    below.append((child, made))
            elif child.tag == f"{_TX}s" or child.tag == f"{_TX}tab":
                _append(target, " ")
            _append(target, child.tail)
        stack += reversed(below)
    move_out_inner_tables(top)
    for remark in list(top.iter("aside")):
        _put_behind(remark)
    return top


def _put_behind(remark: etree._Element) -> None:
    """Move what somebody noted behind the paragraph or table that it is about."""
    around = [one for one in remark.iterancestors() if one.tag in _HOLDERS]
    parent = remark.getparent()
    if not around or parent is None:
        return
    tail, remark.tail = remark.tail, None
    before = remark.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + (tail or "")
    else:
        parent.text = (parent.text or "") + (tail or "")
    around[-1].addnext(remark)
    remark.tail, around[-1].tail = around[-1].tail, None


def _append(target: etree._Element, text: str | None) -> None:
    if not text:
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text


def _element(child: etree._Element, archive: zipfile.ZipFile | None) -> etree._Element | None:
    tag = child.tag
    if not isinstance(tag, str) or tag in _PASSED_OVER or tag in (f"{_TX}s", f"{_TX}tab"):
        return None
    if tag == f"{_TX}h":
        level = child.get(f"{_TX}outline-level", "1")
        return etree.Element(f"h{min(int(level), 6) if level.isdigit() and level != '0' else 1}")
    if tag == f"{_TB}covered-table-cell":
        return None
    if tag == f"{_OF}annotation":
        made = etree.Element("aside")
        made.text = _remark(child, "")
        return made
    if tag == f"{_TX}p" and child.getparent().tag == f"{_TX}note-body":
        # A footnote stands in the sentence that it belongs to.
        made = etree.Element("span")
        _append(made, " ")
        return made
    if tag == f"{_DR}image" and archive is not None:
        return _picture(child, archive)
    made = etree.Element(_TAGS.get(tag, "span"))
    if tag == f"{_TB}table-cell":
        for name, own in (("colspan", "columns"), ("rowspan", "rows")):
            made.set(name, child.get(f"{_TB}number-{own}-spanned", "1"))
    return made


def _picture(image: etree._Element, archive: zipfile.ZipFile) -> etree._Element | None:
    name = image.get(_XLINK, "").removeprefix("./")
    try:
        member = archive.getinfo(name)
    except KeyError:
        return None
    if member.file_size > _MAX_PICTURE_BYTES:
        return None
    made = etree.Element("img")
    frame = image.getparent()
    about = [] if frame is None else [frame.findtext(f"{_SVG}title"), frame.findtext(f"{_SVG}desc")]
    made.set("alt", " ".join(filter(None, about)))
    made.set("src", f"data:image/png;base64,{base64.b64encode(archive.read(member)).decode()}")
    return made


def _slides(
    body: etree._Element,
    archive: zipfile.ZipFile,
    writer: SectionWriter,
    pictures: PictureReader,
) -> Iterator[Segment]:
    for number, page in enumerate(body.iter(f"{_DR}page"), start=1):
        writer.start_page(number)
        frames = [one for one in page if one.get(f"{_PR}class") == "title"]
        title = " ".join(filter(None, map(_inline, frames)))
        if title:
            writer.heading(1, title)
        for frame in frames:
            page.remove(frame)
        yield from Walker(_html(page, archive), writer, pictures, is_page=False).segments()
        notes = page.find(f"{_PR}notes")
        if notes is not None and (said := _inline(notes)):
            writer.heading(3, "Notes:")
            writer.block(said)
            writer.close()
        yield from writer.take()


def _sheets(
    content: etree._Element,
    body: etree._Element,
    writer: SectionWriter,
    pictures: PictureReader,
    context: ParseContext,
) -> Iterator[Segment]:
    hidden = {
        style.get(f"{_ST}name", "")
        for style in content.iter(f"{_ST}style")
        for about in style.iter(f"{_ST}table-properties")
        if about.get(f"{_TB}display") == "false"
    }
    spreadsheet = body.find(f"{_OF}spreadsheet")
    for number, table in enumerate(
        () if spreadsheet is None else spreadsheet.findall(f"{_TB}table"), start=1
    ):
        name = table.get(f"{_TB}name", "") or str(number)
        if table.get(f"{_TB}style-name", "") in hidden:
            name += " (hidden)"
        rows = _Rows(table)
        text = "\n\n".join(blocks_of_rows(rows.read()))
        if rows.is_cut:
            context.warn(f"Only the first {_MAX_CELLS:,} cells of the sheet {name!r} were read.")
        if not text and not rows.remarks:
            continue
        writer.start_page(number)
        writer.heading(2, name)
        yield from write_markdown(text, writer, pictures)
        for remark in rows.remarks:
            writer.remark(remark)
        writer.close()
        yield from writer.take()


class _Rows:
    """The rows of a sheet, with what people noted at its cells."""

    def __init__(self, table: etree._Element) -> None:
        self._table = table
        self.remarks: list[str] = []
        self.is_cut = False

    def read(self) -> Iterator[list[str]]:
        """The texts of each row, merged cells in each row that they cover."""
        n_cells = 0
        hanging: dict[int, tuple[int, str]] = {}
        for row in self._table.iter(f"{_TB}table-row"):
            texts = self._texts(row, hanging)
            repeated = _count(row, f"{_TB}number-rows-repeated", _MAX_ROWS)
            # Below the last row a sheet is empty to its end.
            for _ in range(min(repeated, _MAX_REPEATED_ROWS if any(texts) else 1)):
                n_cells += len(texts)
                if n_cells > _MAX_CELLS:
                    self.is_cut = True
                    return
                yield list(texts)

    def _texts(self, row: etree._Element, hanging: dict[int, tuple[int, str]]) -> list[str]:
        texts: list[str] = []
        for cell in row:
            if cell.tag not in (f"{_TB}table-cell", f"{_TB}covered-table-cell"):
                continue
            column = len(texts)
            notes = cell.findall(f"{_OF}annotation")
            for note in notes:
                cell.remove(note)
            text = " ".join(filter(None, map(_inline, cell.findall(f"{_TX}p"))))
            self.remarks += filter(None, (_remark(note, text) for note in notes))
            n_left, above = hanging.pop(column, (0, ""))
            if cell.tag == f"{_TB}covered-table-cell" and n_left:
                text = text or above
                if n_left > 1:
                    hanging[column] = (n_left - 1, above)
            n_rows = _count(cell, f"{_TB}number-rows-spanned", _MAX_REPEATED_ROWS)
            if n_rows > 1:
                hanging[column] = (n_rows - 1, text)
            n = _count(cell, f"{_TB}number-columns-repeated", _MAX_COLUMNS)
            texts += [text] * min(n, _MAX_COLUMNS - len(texts))
        while texts and not texts[-1]:
            texts.pop()
        return texts


def _remark(note: etree._Element, about: str) -> str:
    author = " ".join((note.findtext(f"{_DC}creator") or "").split())
    said = " ".join(filter(None, map(_inline, note.iter(f"{_TX}p"))))
    by = f" by {author}" if author else ""
    on = f" on “{about}”" if about else ""
    return f"Comment{by}{on}: {said}" if said else ""


def _count(element: etree._Element, name: str, most: int) -> int:
    value = element.get(name, "1")
    return min(int(value), most) if value.isascii() and value.isdigit() and int(value[:9]) else 1
