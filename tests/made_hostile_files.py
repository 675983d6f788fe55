"""Small files that are made to break whoever reads them: bombs, lies, and what no format has."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

from made_bad_files import pdf_bytes
from made_videos import as_bytes, card
from PIL import Image

DIGITS = "9" * 5_000
NOTE = "\n# Kiln\n\nThe kiln is fired at night.\n"
_CONTENT_TYPES = "[Content_Types].xml"
_SHEET = "xl/worksheets/sheet1.xml"
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "haha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
_OUTSIDE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def hostile_notes() -> dict[str, str]:
    """Notes whose front matter no YAML reader should build; each says the same below it."""
    anchors = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    front = {
        "date no calendar has": "date: 2024-02-30",
        "time no clock has": "date: 2024-01-01T25:61:61",
        "date far away": "date: 99999-12-31",
        "many digits": f"number: {DIGITS}",
        "base sixty": "number: " + ":".join(["59"] * 5_000),
        "nested": "a: " + "[" * 3_000 + "]" * 3_000,
        "nested maps": "\n".join(" " * i + "a:" for i in range(1_500)),
        "anchors": anchors + "title: *i",
        "itself": "a: &a [*a]\ntitle: *a",
        "tag": "a: !!python/object/apply:os.system [echo]",
        "binary": "a: !!binary '###'",
        "list of keys": "? [a, b]\n: c",
        "merge": "a: &a\n  <<: *a",
        "control": "a: \x01",
    }
    return {f"front {name}.md": f"---\n{text}\n---\n{NOTE}" for name, text in front.items()}


def hostile_texts() -> dict[str, str]:
    """Data, subtitles and markup at the edges of what Python converts or nests."""
    deep = 100_000
    return {
        "digits.json": f'{{"n": {DIGITS}, "kiln": "is fired at night"}}',
        "digits.jsonl": f'{{"n": {DIGITS}}}\n{{"kiln": "is fired at night"}}\n',
        "digits.csv": f"kiln,n\nis fired at night,{DIGITS}\n",
        "digits.vtt": f"WEBVTT\n\n{DIGITS}:00:01.000 --> {DIGITS}:00:02.000\nThe kiln.\n",
        "digits.srt": f"1\n{DIGITS}:00:01,000 --> 00:00:02,000\nThe kiln is fired.\n",
        "digits.md": f"{DIGITS}. The kiln\n\n## {DIGITS}\n\n[1]: {DIGITS}\n",
        "digits.html": f"<table><tr><td colspan={DIGITS} rowspan={DIGITS}>The kiln</table>",
        "exponent.json": '{"n": 1e999999, "m": -1e999999, "k": NaN, "kiln": "is fired"}',
        "half pair.json": '{"kiln \\ud800": "is fired \\udc00 at night"}',
        "half pair.jsonl": '{"kiln": "\\ud83d"}\n' * 3,
        "nul.json": '{"kiln\\u0000": "is fired\\u0000 at night"}',
        "nested.json": "[" * deep + "]" * deep,
        "nested.jsonl": "[" * deep + "]" * deep + '\n{"kiln": "is fired"}\n',
        "nested objects.json": '{"a":' * 900 + "1" + "}" * 900,
        "nested.html": "<b><i>" * 3_000 + "The kiln is fired.",
        "nested tables.html": "<table><tr><td>" * 1_000 + "The kiln is fired.",
        "nested lists.md": "\n".join("  " * i + "- kiln" for i in range(200)),
        "nested quotes.md": ">" * 2_000 + " The kiln",
        "nested.xhtml": "<html xmlns='http://www.w3.org/1999/xhtml'><body>"
        + "<p>" * 3_000
        + "The kiln",
        "laughs.xhtml": f"{_LAUGHS}<html><body><p>&i; The kiln.</p></body></html>",
        "laughs.html": f"{_LAUGHS}<html><body><p>&i; The kiln.</p></body></html>",
        "outside.xhtml": f"{_OUTSIDE}<html><body><p>&x; The kiln.</p></body></html>",
        "duplicate keys.json": '{"a": 1, "a": 2, "": {"": [{"": ""}]}, "kiln": []}',
        "one line.csv": "kiln," * 1_000,
        "quote.csv": '"' + "kiln," * 5_000,
        "spaces.txt": "kiln" + " " * 60_000 + "fired",
        "one word.txt": "kiln" * 10_000,
    }


def hostile_pages() -> dict[str, bytes]:
    """PDF and EPUB whose structure lies."""
    good = pdf_bytes("The kiln is fired at night.", 3)
    return {
        "count huge.pdf": good.replace(b"/Count 3", b"/Count 999999999"),
        "count negative.pdf": good.replace(b"/Count 3", b"/Count -3"),
        "count huger.pdf": good.replace(b"/Count 3", b"/Count 99999999999999999999"),
        "count name.pdf": good.replace(b"/Count 3", b"/Count /x"),
        "kids loop.pdf": raw_pdf(
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"
        ),
        "invalid number of pages.pdf": raw_pdf(
            "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count -1>>"
        ),
        "box huge.pdf": raw_pdf(
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e30 1e30]>>",
        ),
        "box nothing.pdf": raw_pdf(
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Kids[3 0 R]/Count 1>>",
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 0 0]>>",
        ),
        "dates.pdf": good.replace(
            b"<</Type/Catalog", b"<</CreationDate(D:99999999999999)/Type/Catalog"
        ),
        "bomb.epub": epub("<html><body>" + "<p>kiln</p>" * 100 + "</body></html>", n_chapters=3),
        "width.epub": epub(
            "<html><body><p style='font-size:1e30pt;width:1e30pt'>The kiln</p></body></html>"
        ),
        "nested.epub": epub("<html><body>" + "<div>" * 5_000 + "The kiln</body></html>"),
        "laughs.epub": epub(_LAUGHS + "<html><body>&i; The kiln</body></html>"),
        "outside.epub": epub(_OUTSIDE + "<html><body>&x; The kiln</body></html>"),
    }


def hostile_archives() -> dict[str, bytes]:
    """Office files and comics that unpack to far more than they are, or reach elsewhere."""
    return {
        "sparse.xlsx": sparse_xlsx(),
        "zeros.xlsx": xlsx("<row>" + " " * 150_000_000 + "</row>"),
        "many cells.xlsx": xlsx(
            "".join(f'<row r="{r}"><c r="XFD{r}"><v>1</v></c></row>' for r in range(1, 2))
        ),
        "laughs.docx": docx(f"{_LAUGHS}{_word('&i; The kiln')}"),
        "outside.docx": docx(f"{_OUTSIDE}{_word('&x; The kiln')}"),
        "nested.docx": docx(_word("The kiln", n_tables=200)),
        "digits.docx": docx(_word("The kiln", extra=f'<w:pPr><w:ind w:left="{DIGITS}"/></w:pPr>')),
        "climbing.docx": docx(_word("The kiln"), {"../../escaped.txt": b"out", "/abs.txt": b"out"}),
        "climbing.cbz": zipped({"../../escaped.png": as_bytes(card("KILN"), "PNG")}),
        "large pictures.cbz": zipped({"a.png": _png_header(60_000, 60_000)}),
        "quine.docx": _overlapping_zip(200),
        "not what it says.xlsx": zipped({_CONTENT_TYPES: b"<x/>", _SHEET: b"\xff\xfe\x00"}),
    }


def hostile_pictures() -> dict[str, bytes]:
    """Pictures whose metadata lies."""
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "9999:12:31 23:59:59", 0x9011: "-23:59"}
    far = io.BytesIO()
    card("KILN").save(far, "JPEG", exif=exif)
    exif[0x8769] = {0x9003: "0001:01:01 00:00:00", 0x9011: "+23:59"}
    early = io.BytesIO()
    card("KILN").save(early, "JPEG", exif=exif)
    return {
        "year 9999.jpg": far.getvalue(),
        "year 1.jpg": early.getvalue(),
        "exif cut.jpg": far.getvalue().replace(b"Exif\0\0", b"Exif\0\xff"),
        "bomb.gif": b"GIF89a\xff\xff\xff\xff\xf0\0\0" + b"\0" * 768 + b"," + b"\0" * 9 + b";",
        "bomb.tiff": b"II*\0\x08\0\0\0\x01\0\0\x01\x04\0\x01\0\0\0\xff\xff\xff\x7f\0\0\0\0",
        "bomb.bmp": b"BM" + b"\0" * 12 + struct.pack("<IiiHHI", 40, 60_000, 60_000, 1, 24, 0),
    }


def write_hostile_files(folder: Path) -> list[str]:
    """Write them all; returns their names. Strange times, pipes and sockets come with them."""
    contents: dict[str, str | bytes] = {
        **hostile_notes(),
        **hostile_texts(),
        **hostile_pages(),
        **hostile_archives(),
        **hostile_pictures(),
    }
    for name, content in contents.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)
    times_s = {"1500": -14_830_000_000, "1960": -315_000_000, "2300": 10_413_792_000}
    for name, time_s in times_s.items():
        path = folder / f"year {name}.md"
        path.write_text(f"# Kiln {name}\n\nThe kiln is fired at night.\n")
        os.utime(path, ns=(time_s * 10**9, time_s * 10**9))
        contents[path.name] = ""
    return sorted(contents)


def fetching_files(url: str) -> dict[str, bytes]:
    """Files of many kinds that would have their reader ask `url`, or read another file."""
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n"
    page = f"<html><head><link rel=stylesheet href={url}/a.css><base href={url}/></head><body>"
    page += f"<p>The kiln.</p><img src='{url}/a.png'><iframe src={url}></iframe></body></html>"
    linked = (
        '<w:p xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><w:drawing>'
        '<a:blip r:link="r9"/></w:drawing></w:p>'
    )
    relationships = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r9" TargetMode="External" Type="http://schemas.openxmlformats.org/'
        f'officeDocument/2006/relationships/image" Target="{url}/a.png"/></Relationships>'
    )
    external = f'<!DOCTYPE x [<!ENTITY % x SYSTEM "{url}/x.dtd"> %x;]>'
    texts = {
        "list.mp4": playlist.format(f"{url}/a.ts"),
        "list.mkv": playlist.format("file:///etc/passwd"),
        "list.m3u8": playlist.format(f"{url}/a.ts"),
        "list.avi": f"ffconcat version 1.0\nfile {url}/a.mp4\n",
        "page.html": page,
        "page.xhtml": external + page,
        "page.md": f"The kiln.\n\n![a]({url}/a.png)\n\n<img src='{url}/b.png'>\n",
        "lottie.json": f'{{"assets": [{{"u": "{url}", "p": "a.png"}}], "kiln": "is fired"}}',
    }
    return {
        **{name: text.encode() for name, text in texts.items()},
        "page.epub": epub(external + page),
        "linked.docx": docx(
            _word("The kiln") + linked,
            {"word/_rels/document.xml.rels": relationships.encode()},
        ),
        "linked picture.docx": docx(
            _word("The kiln").replace("</w:body>", f"{linked}</w:body>"),
            {"word/_rels/document.xml.rels": relationships.encode()},
        ),
    }


def raw_pdf(*objects: str) -> bytes:
    """A PDF of these objects, numbered from 1; the first is its catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{item}\nendobj\n".encode("latin-1")
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def zipped(members: dict[str, bytes | str]) -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def epub(chapter: str, n_chapters: int = 1) -> bytes:
    """An EPUB that shows one chapter so many times."""
    items = "".join('<itemref idref="c"/>' for _ in range(n_chapters))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            'container"><rootfiles><rootfile full-path="a.opf" '
            'media-type="application/oebps-package+xml"/></rootfiles></container>',
            "a.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="2.0"><metadata/>'
            '<manifest><item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
            f"<spine>{items}</spine></package>",
            "c.xhtml": chapter,
        }
    )


def xlsx(rows: str) -> bytes:
    """A workbook with one sheet of these rows."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            _CONTENT_TYPES: f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/{_SHEET}" ContentType="{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
            '<sheet name="Kiln" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
            f'<Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
            "</Relationships>",
            _SHEET: f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        }
    )


def sparse_xlsx() -> bytes:
    """Two cells in the corners of the largest sheet there is: 17 thousand million between."""
    return xlsx(
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def crowded_json() -> bytes:
    """JSON of 15 MB whose two million objects take half a gigabyte."""
    return b"[" + b",".join([b'{"a":1}'] * 2_000_000) + b"]"


def docx(document: str, more: dict[str, bytes] | None = None) -> bytes:
    """A Word file with this main part."""
    package = "http://schemas.openxmlformats.org/package/2006"
    return zipped(
        {
            _CONTENT_TYPES: f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
            'officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": document,
            **(more or {}),
        }
    )


def _word(text: str, n_tables: int = 0, extra: str = "") -> str:
    main = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f"<w:p>{extra}<w:r><w:t>{text}</w:t></w:r></w:p>"
    before, after = "<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>"
    nested = before * n_tables + body + after * n_tables
    return f'<w:document xmlns:w="{main}"><w:body>{nested}</w:body></w:document>'


def _png_header(width_px: int, height_px: int) -> bytes:
    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + head + b"\0" * 4


def _overlapping_zip(n_members: int) -> bytes:
    """An archive whose directory names one member many times: each counts when it unpacks."""
    one = zipped({"word/document.xml": b"\0" * 4_000_000})
    directory = one.index(b"PK\x01\x02")
    end = one.rindex(b"PK\x05\x06")
    entry = one[directory:end]
    tail = struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, n_members, n_members, len(entry) * n_members, directory, 0
    )
    return one[:directory] + entry * n_members + tail
