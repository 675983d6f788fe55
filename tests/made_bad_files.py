"""Files that no reader likes: damaged, lying, locked, strangely named."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pymupdf
from made_videos import BLUE, GREEN, RED, as_bytes, card, make_sound, make_video, plain
from PIL import Image

PASSWORD = "open sesame"
CHINESE = "长按电源键十秒，设备恢复出厂设置。请先备份您的数据，然后再继续操作。\n" * 3
TRADITIONAL = "請長按電源按鈕十秒，設備會回到出廠設置。請先確認資料已經備份。\n" * 3
JAPANESE = (
    "電源ボタンを十秒間押し続けると、設定が初期化されます。先にデータを保存してください。\n" * 3
)
_FILLERS = (
    "Nests are built in spring.",
    "Most of the young leave in August.",
    "Rings on their legs tell them apart.",
    "Counting them takes two people and a boat.",
    "Storms drive many of them inland.",
)
SRT = "1\n00:00:01,000 --> 00:00:03,000\nThe spare fuse lies under the lid.\n"

# Names that a shell, a URL or a log line would trip over; each file says which one it is.
ODD_NAMES = {
    "two  spaces and more.md": "albatross",
    'it\'s "quoted".md': "buzzard",
    "two\nlines.md": "cormorant",
    "emoji 🦜🎉.md": "dunnock",
    "-rf --help.md": "egret",
    "100% #1?&x=y;$HOME`.md": "falcon",
    "名字 ñ.md": "goldfinch",
}


def write_bad_files(folder: Path) -> None:
    """Write every bad file of this module, and some good ones, into `folder`."""
    (folder / "good.md").write_text("# Heron\n\nThe heron stands in the shallow lake.\n")
    _pdfs(folder)
    _pictures(folder)
    _videos(folder)
    _texts(folder)
    _wrong_names(folder)
    for name, bird in ODD_NAMES.items():
        (folder / name).write_text(f"# Bird\n\nThis page is about the {bird}.\n")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "chain a.md").symlink_to(folder / "chain b.md")
    (folder / "chain b.md").symlink_to(folder / "chain a.md")
    (folder / "broken link.pdf").symlink_to(folder / "nowhere.pdf")


def pdf_bytes(words: str, n_pages: int = 1, **saving: object) -> bytes:
    """A PDF with `words` on its first page and other words on those that follow."""
    with pymupdf.open() as document:
        for number in range(n_pages):
            text = words if number == 0 else f"{_FILLERS[number % len(_FILLERS)]} ({number})"
            document.new_page().insert_textbox((72, 200 + 9 * (number % 30), 520, 700), text)
        return bytes(document.tobytes(**saving))


def explosive_pdf(levels: int = 12, n_uses: int = 12) -> bytes:
    """A PDF of some kilobytes whose only page draws ``n_uses ** levels`` rectangles: each
    form draws the next one `n_uses` times."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R"
        b"/Resources<</XObject<</X 5 0 R>>>>>>",
        b"<</Length 4>>stream\n/X Do\nendstream",
    ]
    for level in range(levels):
        last = level == levels - 1
        body = b"0 0 9 9 re f\n" if last else b"/X Do\n" * n_uses
        resources = b"" if last else b"/Resources<</XObject<</X %d 0 R>>>>" % (6 + level)
        objects.append(
            b"<</Type/XObject/Subtype/Form/BBox[0 0 300 300]%s/Length %d>>stream\n%s\nendstream"
            % (resources, len(body), body)
        )
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, item in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def flat_png(width_px: int, height_px: int) -> bytes:
    """A one-coloured RGB PNG of any size, made without holding it in memory."""
    packer = zlib.compressobj(1)
    row = bytes(1 + 3 * width_px)
    body = b"".join(packer.compress(row) for _ in range(height_px)) + packer.flush()
    return _png(width_px, height_px, body)


def long_html(n_bytes: int) -> str:
    """A page with one remarkable sentence at its end. Most of it is markup, as in real pages
    of that size."""
    row = "<p style='{}'>The quick brown fox jumps.</p>\n".format("margin: 0 auto 0 auto; " * 200)
    section = "<h2>Part</h2>\n" + row * 10
    return (
        "<!doctype html><html><head><title>Long</title></head><body><main>"
        + section * (n_bytes // len(section))
        + "<h2>End</h2><p>The kingfisher dives at the very end.</p></main></body></html>"
    )


def _png(width_px: int, height_px: int, body: bytes) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", body) + part(b"IEND", b"")


def _pdfs(folder: Path) -> None:
    good = pdf_bytes("The pelican carries fish in its bill.", 6)
    locked = {
        "encryption": pymupdf.PDF_ENCRYPT_AES_256,
        "owner_pw": "owner",
    }
    (folder / "good.pdf").write_bytes(good)
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "truncated.pdf").write_bytes(good[: len(good) // 4])
    (folder / "cut end.pdf").write_bytes(good[: good.rindex(b"xref") - 40])
    (folder / "garbage.pdf").write_bytes(b"%PDF-1.7\n" + np.random.default_rng(1).bytes(20_000))
    (folder / "noise.pdf").write_bytes(np.random.default_rng(2).bytes(20_000))
    (folder / "locked.pdf").write_bytes(pdf_bytes("Secret.", user_pw="unknown", **locked))
    (folder / "unlocked.pdf").write_bytes(
        pdf_bytes("The osprey nests on the mast.", user_pw=PASSWORD, **locked)
    )
    (folder / "no pages.pdf").write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Size 3/Root 1 0 R>>\n%%EOF\n"
    )
    (folder / "blank.pdf").write_bytes(_blank_pdf())


def _blank_pdf() -> bytes:
    with pymupdf.open() as document:
        document.new_page()
        return bytes(document.tobytes())


def _pictures(folder: Path) -> None:
    photo = card("WREN", size=(640, 360))
    jpeg = as_bytes(photo, "JPEG")
    (folder / "empty.png").write_bytes(b"")
    (folder / "bomb.png").write_bytes(_png(60_000, 60_000, zlib.compress(b"\0" * 1000)))
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "truncated.png").write_bytes(as_bytes(photo, "PNG")[:900])
    (folder / "garbage.jpg").write_bytes(np.random.default_rng(3).bytes(5_000))
    (folder / "cmyk.jpg").write_bytes(as_bytes(photo.convert("CMYK"), "JPEG"))
    grey = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    (folder / "deep.png").write_bytes(as_bytes(Image.fromarray(grey), "PNG"))
    (folder / "deep.tiff").write_bytes(as_bytes(Image.fromarray(grey), "TIFF"))
    for name, n_frames in (("few.gif", 3), ("many.gif", 24)):
        colours = [RED, GREEN, BLUE] * (n_frames // 3)
        frames = [plain(colour) for colour in colours]
        buffer = io.BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=200)
        (folder / name).write_bytes(buffer.getvalue())
    frames = [plain(colour) for colour in (RED, GREEN, BLUE)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=200)
    (folder / "moving.webp").write_bytes(buffer.getvalue())


def _videos(folder: Path) -> None:
    scenes = [(plain(RED), 2.0), (plain(BLUE), 2.0)]
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "garbage.mp4").write_bytes(np.random.default_rng(4).bytes(20_000))
    # A matroska file that is written as a live stream has no duration and no index.
    make_video(folder / "no duration.mkv", scenes, options={"live": "1"})
    made = make_video(folder / "lying.mp4", scenes).read_bytes()
    (folder / "lying.mp4").write_bytes(_with_duration(made, 3_600))
    made = make_video(folder / "lying count.avi", scenes).read_bytes()
    at = made.index(b"avih") + 8 + 16
    (folder / "lying count.avi").write_bytes(made[:at] + struct.pack("<I", 99_999) + made[at + 4 :])
    made = make_video(folder / "truncated.mp4", scenes).read_bytes()
    (folder / "truncated.mp4").write_bytes(made[: len(made) // 2])
    made = make_video(folder / "truncated.mkv", [(card("A"), 4.0), (card("B"), 8.0)]).read_bytes()
    (folder / "truncated.mkv").write_bytes(made[: len(made) * 2 // 3])
    make_sound(folder / "sound.mp4")
    make_sound(folder / "talk.mp4")
    (folder / "talk.srt").write_text(SRT)
    (folder / "broken talk.mp4").write_bytes(np.random.default_rng(5).bytes(5_000))
    (folder / "broken talk.srt").write_text(SRT.replace("fuse", "valve"))


def _with_duration(mp4: bytes, seconds: int) -> bytes:
    """`mp4` with another duration in its movie header (ISO/IEC 14496-12, 8.2.2)."""
    at = mp4.index(b"mvhd") + 4 + 4 + 8
    (timescale,) = struct.unpack(">I", mp4[at : at + 4])
    return mp4[: at + 4] + struct.pack(">I", seconds * timescale) + mp4[at + 8 :]


def _texts(folder: Path) -> None:
    (folder / "long.html").write_text(long_html(20_000_000))
    page = "<html><head><meta charset='{}'></head><body><h1>{}</h1><p>{}</p></body></html>"
    broken = page.format("utf-8", "Broken", "The lapwing calls. Caf\ue000 and more words here.")
    (folder / "broken utf-8.html").write_bytes(
        broken.encode().replace("\ue000".encode(), b"\xe9\xff\xfe")
    )
    lying = page.format("iso-8859-1", "说明", CHINESE)
    (folder / "lying charset.html").write_bytes(lying.encode("utf-8"))
    nonsense = page.format("x-no-such-code", "说明", CHINESE)
    (folder / "unknown charset.html").write_bytes(nonsense.encode("gb18030"))
    (folder / "empty.html").write_text("")
    (folder / "no words.html").write_text("<html><body><div></div></body></html>")
    (folder / "deep.html").write_text("<div>" * 5_000 + "The plover runs." + "</div>" * 5_000)
    (folder / "gb18030.txt").write_bytes(CHINESE.encode("gb18030"))
    (folder / "big5.txt").write_bytes(TRADITIONAL.encode("big5"))
    (folder / "shift-jis.txt").write_bytes(JAPANESE.encode("shift_jis"))
    (folder / "utf-16 bom.txt").write_bytes(CHINESE.encode("utf-16"))
    (folder / "utf-16 bare.txt").write_bytes(CHINESE.encode("utf-16-le"))
    (folder / "utf-16 english.txt").write_bytes(
        "The quail hides in tall grass.\n".encode("utf-16-be")
    )
    (folder / "empty.txt").write_text("")
    (folder / "blank.md").write_text(" \n\t\n")
    (folder / "not json.json").write_text("{'single': 'quotes', broken\n")
    (folder / "half.json").write_text(json.dumps([{"bird": "ruff"}] * 50)[:300])
    (folder / "some.jsonl").write_text('{"bird": "siskin"}\nnot a record\n{"bird": "twite"}\n')
    (folder / "empty.json").write_text("")
    (folder / "open quote.csv").write_text('name,call\n"dotterel,peep\nruff,none\n')


def _wrong_names(folder: Path) -> None:
    (folder / "picture.pdf").write_bytes(as_bytes(card("SNIPE"), "PNG"))
    (folder / "document.txt").write_bytes(pdf_bytes("The avocet has a curved bill."))
    (folder / "text.pdf").write_text("The bittern booms. This is no PDF at all.\n")
    (folder / "text.jpg").write_text("The curlew whistles. This is no picture.\n")
    (folder / "page.md").write_text(
        "<!doctype html><html><body><p>The dabchick dives.</p></body></html>"
    )
    (folder / "program.bin").write_bytes(bytes(range(256)) * 64)
    (folder / "archive.docx").write_bytes(b"PK\x03\x04" + b"\0" * 200)
    (folder / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4_096))
