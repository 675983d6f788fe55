"""Web pages: content without clutter, structure kept, nothing read from elsewhere."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from parsing import parse, png

from ingest.parsers.base import OcrText
from ingest.parsers.html.parser import HtmlParser, local_pictures
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Box, Locator, Modality, Segment, Span

PROSE = (
    "The coffee machine keeps its water at ninety-three degrees, which takes about four "
    "minutes after it is switched on in the morning. "
)
PAGE = f"""<!doctype html><html><head><title>  Coffee
 FAQ </title><style>p {{ color: red }}</style></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop now</a></li></ul></nav>
<div class="cookie-banner"><p>We use cookies to improve everything you do here.</p></div>
<main><h1>Questions</h1><p>{PROSE}</p>
<h2 id="reset">How do I reset it?</h2><p>Hold the <b>power</b> key.<br>Wait <i>ten</i>&nbsp;s.</p>
<ol><li>Unplug it<ul><li>gently</li></ul></li><li>Plug it in</li></ol>
<pre><code class="language-sh">reset --all
  # indented | pipe</code></pre>
<h2>Prices</h2><p>{PROSE}</p>
<table><caption>In euro</caption><tr><th>Part</th><th colspan=2>Price</th></tr>
<tr><td rowspan=2>Filter</td><td>new</td><td>9 | 8</td></tr><tr><td>used</td><td>4</td></tr></table>
<h2>Prices</h2><p hidden>Secret words.</p><p>{PROSE}</p>
</main><aside class="related"><a href="/x">Ten machines you will not believe</a></aside>
<footer><p>Copyright nobody</p></footer><script>alert("no")</script></body></html>"""


def read(page: str | bytes, folder: Path, **more: object) -> list[Segment]:
    return parse_page(page, folder, **more)[0]


def parse_page(page: str | bytes, folder: Path, **more: object) -> tuple[list[Segment], list[str]]:
    path = folder / "page.html"
    path.write_bytes(page if isinstance(page, bytes) else page.encode())
    return parse(HtmlParser(), path, "text/html", **more)  # type: ignore[arg-type]


def by_anchor(segments: list[Segment]) -> dict[str | None, list[Segment]]:
    found: dict[str | None, list[Segment]] = {}
    for segment in segments:
        found.setdefault(segment.locator.anchor, []).append(segment)
    return found


class TestStructure:
    def test_sections_have_headings_anchors_and_the_title(self, tmp_path: Path) -> None:
        segments = read(PAGE, tmp_path)
        assert {segment.title for segment in segments} == {"Coffee FAQ"}
        places = [(s.locator.anchor, s.headings) for s in segments]
        assert places == [
            ("questions", ("Questions",)),
            ("reset", ("Questions", "How do I reset it?")),
            ("prices", ("Questions", "Prices")),
            ("prices", ("Questions", "Prices")),
            ("prices-2", ("Questions", "Prices")),
        ]

    def test_clutter_is_left_out(self, tmp_path: Path) -> None:
        text = "\n".join(segment.text for segment in read(PAGE, tmp_path))
        for word in ("Shop", "cookies", "believe", "Copyright", "alert", "color", "Secret"):
            assert word not in text

    def test_lists_breaks_and_code_keep_their_form(self, tmp_path: Path) -> None:
        (section,) = by_anchor(read(PAGE, tmp_path))["reset"]
        assert section.text == (
            "Hold the power key.\nWait ten s.\n\n"
            "1. Unplug it\n  - gently\n2. Plug it in\n\n"
            "```sh\nreset --all\n  # indented | pipe\n```"
        )

    def test_a_table_is_atomic_markdown_with_its_spans_filled(self, tmp_path: Path) -> None:
        (table,) = [segment for segment in read(PAGE, tmp_path) if segment.atomic]
        assert table.text == (
            "In euro\n| Part | Price |  |\n| --- | --- | --- |\n"
            "| Filter | new | 9 \\| 8 |\n| Filter | used | 4 |"
        )

    def test_a_layout_table_is_walked_through(self, tmp_path: Path) -> None:
        page = (
            f"<table><tr><td><h2>Left</h2><p>{PROSE}</p></td><td><p>{PROSE}</p></td></tr></table>"
        )
        segments = read(page, tmp_path)
        assert [segment.headings for segment in segments] == [("Left",)]
        assert "|" not in segments[0].text

    @pytest.mark.parametrize(
        ("head", "title"),
        [
            ('<meta property="og:title" content="Shared">', "Shared"),
            ("<title> </title>", "Top"),
            ("", "Top"),
        ],
    )
    def test_the_title_has_substitutes(self, head: str, title: str, tmp_path: Path) -> None:
        page = f"<html><head>{head}</head><body><h1>Top</h1><p>{PROSE}</p></body></html>"
        assert read(page, tmp_path)[0].title == title

    def test_a_heading_without_text_is_not_lost(self, tmp_path: Path) -> None:
        segments = read(f"<h2>Alone</h2><h2>Next</h2><p>{PROSE}</p>", tmp_path)
        assert [(s.text[:5], s.headings) for s in segments] == [
            ("Alone", ("Alone",)),
            ("The c", ("Next",)),
        ]

    def test_content_in_several_parts_is_kept_whole(self, tmp_path: Path) -> None:
        parts = "".join(
            f"<div><h2>Part {i}</h2><p>{PROSE}{PROSE}Number {i} ends.</p></div>" for i in range(5)
        )
        text = "".join(segment.text for segment in read(f"<body>{parts}</body>", tmp_path))
        assert all(f"Number {i} ends." in text for i in range(5))


class TestPictures:
    def test_a_picture_beside_the_page(self, tmp_path: Path) -> None:
        picture = tmp_path / "img" / "the pump.png"
        picture.parent.mkdir()
        picture.write_bytes(png())
        page = (
            f'<h2 id="pump">Pump</h2><p>{PROSE}</p><figure><img alt="A pump" '
            'src="img/the%20pump.png?v=2"><figcaption>Seen from <b>above</b></figcaption></figure>'
        )
        segments = read(page, tmp_path, companions=(picture.resolve(),))
        (image,) = [s for s in segments if s.modality is Modality.IMAGE]
        assert image.text == "A pump\nSeen from above"
        assert (image.locator.anchor, image.headings, image.atomic) == ("pump", ("Pump",), True)
        assert image.image is not None
        assert (image.image.width_px, image.image.height_px) == (64, 48)

    def test_a_data_uri_once_with_the_words_in_it(self, tmp_path: Path) -> None:
        uri = "data:image/png;base64," + base64.b64encode(png("blue")).decode()
        page = f'<p>{PROSE}</p><p><img src="{uri}" alt="Blue"> <img src="{uri}"></p>'
        boxes = (Box(4, 5, 30, 12), Box(4, 20, 30, 27))
        words = OcrText(
            "Sold\n12",
            (Span(0, 4, Locator(boxes=boxes[:1])), Span(5, 7, Locator(boxes=boxes[1:]))),
        )
        segments = read(page, tmp_path, read_words=lambda _: words)
        (image,) = [s for s in segments if s.modality is Modality.IMAGE]
        assert image.text == "Blue\nSold\n12"
        # Where they stand on the picture: what labels and numbers of charts are matched by.
        assert [(image.text[s.start : s.end], s.locator.boxes) for s in image.spans] == [
            ("Sold", boxes[:1]),
            ("12", boxes[1:]),
        ]

    @pytest.mark.parametrize(
        "reference",
        ["../secret.png", "/etc/secret.png", "http://host/a.png", "//host/a.png", "file:///a.png"],
    )
    def test_nothing_outside_the_root_is_read(self, reference: str, tmp_path: Path) -> None:
        (tmp_path / "secret.png").write_bytes(png())
        root = tmp_path / "root"
        root.mkdir()
        page = f'<p>{PROSE}</p><img src="{reference}">'
        companions = ((tmp_path / "secret.png").resolve(),)
        segments, warnings = parse_page(page, root, companions=companions)
        assert [s.modality for s in segments] == [Modality.TEXT]
        assert warnings == []

    def test_a_link_that_leads_out_of_the_root_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "secret.png").write_bytes(png())
        root = tmp_path / "root"
        root.mkdir()
        (root / "a.png").symlink_to(tmp_path / "secret.png")
        page = f'<p>{PROSE}</p><img src="a.png">'
        companions = ((tmp_path / "secret.png").resolve(), root / "a.png")
        assert [s.modality for s in read(page, root, companions=companions)] == [Modality.TEXT]

    @pytest.mark.parametrize(
        ("data", "reason"),
        [(png()[:60], "left out"), (b"no picture", "left out")],
    )
    def test_a_damaged_picture_is_a_warning(self, data: bytes, reason: str, tmp_path: Path) -> None:
        picture = tmp_path / "a.png"
        picture.write_bytes(data)
        page = f'<p>{PROSE}</p><img src="a.png" alt="Pump">'
        segments, warnings = parse_page(page, tmp_path, companions=(picture.resolve(),))
        assert [s.modality for s in segments] == [Modality.TEXT]
        assert len(warnings) == 1
        assert reason in warnings[0]
        assert "Pump" in warnings[0]

    def test_icons_are_passed_over(self, tmp_path: Path) -> None:
        uri = "data:image/png;base64," + base64.b64encode(png("red", 16, 400)).decode()
        assert len(read(f'<p>{PROSE}</p><img src="{uri}">', tmp_path)) == 1

    def test_local_pictures_lists_what_may_belong_to_the_page(self, tmp_path: Path) -> None:
        page = tmp_path / "page.html"
        page.write_text(
            '<img src="a.png"><IMG SRC=\'sub/b%20b.JPG\' alt="x > y"><img src="a.png#x">'
            '<img src="data:image/png;base64,AAAA" data-src="lazy.webp">'
            '<source srcset="c.webp 2x, d.webp"><img src="https://host/e.png">'
            '<img src="/f.png"><img src="notes.txt"><img><img src="&#103;.png">'
        )
        folder = tmp_path.resolve()
        names = ("a.png", "sub/b b.JPG", "lazy.webp", "c.webp", "g.png")
        assert local_pictures(page) == tuple(folder / name for name in names)

    def test_pictures_beside_a_page_are_counted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ingest.parsers.linked_pictures._MAX_PICTURES", 3)
        page = "<p>Words.</p>" + "".join(f"<img src={number % 5}.png>" for number in range(20))
        (tmp_path / "page.html").write_text(page)
        companions = local_pictures(tmp_path / "page.html")
        assert [path.name for path in companions] == ["0.png", "1.png", "2.png"]
        _, warnings = parse_page(page, tmp_path, companions=())
        assert len(warnings) == 1
        assert "first 3 pictures" in warnings[0]

    def test_a_picture_that_fills_the_memory_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fill(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr("ingest.parsers.linked_pictures.load_picture", fill)
        picture = tmp_path.resolve() / "a.png"
        picture.write_bytes(b"x")
        page = "<p>Words that stay.</p><img src=a.png alt=Plan>"
        segments, (warning,) = parse_page(page, tmp_path, companions=(picture,))
        assert any("Words that stay." in segment.text for segment in segments)
        assert "(Plan) was left out: It takes more memory" in warning

    def test_local_pictures_of_a_missing_page_are_none(self, tmp_path: Path) -> None:
        assert local_pictures(tmp_path / "gone.html") == ()


class TestBadInput:
    @pytest.mark.parametrize("page", ["", "  \n", "<!-- nothing -->"])
    def test_an_empty_page_is_refused(self, page: str, tmp_path: Path) -> None:
        with pytest.raises(ParseError, match="page"):
            read(page, tmp_path)

    def test_a_huge_page_is_refused_by_size(self, tmp_path: Path) -> None:
        with pytest.raises(SourceTooLargeError, match="Split it"):
            parse_page(PAGE, tmp_path, size_bytes=65 * 1024 * 1024)

    @pytest.mark.parametrize("depth", [1000, 5000, 50_000])
    def test_deep_nesting_keeps_the_text(self, depth: int, tmp_path: Path) -> None:
        page = f"<html><body>{'<div>' * depth}<p>{PROSE}</p>{'</div>' * depth}<p>After it.</p>"
        text = "\n".join(segment.text for segment in read(page, tmp_path))
        assert PROSE.strip() in text
        assert "After it." in text

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
    def test_encodings(self, encoding: str, tmp_path: Path) -> None:
        chinese = "如何重置设备？请长按电源键十秒，直到指示灯闪烁。"
        page = f"<html><head><title>说明</title></head><body><p>{chinese * 3}</p></body></html>"
        (segment,) = read(page.encode(encoding), tmp_path)
        assert (segment.title, segment.text) == ("说明", chinese * 3)

    def test_broken_markup_and_bytes(self, tmp_path: Path) -> None:
        page = f"<p>caf\xe9 <b>open <i>tags</p>\x00<p>{PROSE}</div></html>".encode("latin-1")
        text = "\n".join(segment.text for segment in read(page, tmp_path))
        assert "café open tags" in text
        assert PROSE.strip() in text

    def test_many_sections_come_out_one_by_one(self, tmp_path: Path) -> None:
        page = "".join(f"<h2>Number {i}</h2><p>{PROSE}</p>" for i in range(3000))
        segments = read(f"<main>{page}</main>", tmp_path)
        assert [segment.headings[0] for segment in segments] == [f"Number {i}" for i in range(3000)]


def main_text(body: str, folder: Path, head: str = "") -> str:
    """The text of a page of some prose and `body`."""
    page = (
        f"<html><head><title>Otters</title>{head}</head><body><nav><a href=x>Shop</a></nav><main>"
        f"<h1>Otters</h1><p>{PROSE}</p><p>{PROSE}</p>{body}</main></body></html>"
    )
    return "\n".join(" / ".join(s.headings) + "\n" + s.text for s in read(page, folder))


class TestWhatAClickShows:
    @pytest.mark.parametrize(
        "panel",
        [
            "<div role=tabpanel hidden><p>Goat milk.</p></div>",
            "<div class='tab-pane fade' style='display: none'><h2>Puppies</h2>Goat milk.</div>",
            "<button aria-controls=x7>More</button><section id=x7 hidden>Goat milk.</section>",
            "<a data-bs-target='#x7'>More</a><div id=x7 style='visibility:hidden'>Goat milk.</div>",
            "<h3>What do puppies get?</h3><div style='display:none'><p>Goat milk.</p></div>",
            "<div class=one><p>Fish.</p></div><div class=one hidden><p>Goat milk.</p></div>",
            "<div hidden=until-found>Goat milk.</div>",
            "<details><summary>Puppies</summary>Goat milk.</details>",
            "<div class=faq-answer aria-hidden=true>Goat milk.</div>",
        ],
    )
    def test_panels_are_found(self, panel: str, tmp_path: Path) -> None:
        assert "Goat milk." in main_text(panel, tmp_path)

    @pytest.mark.parametrize(
        "hidden",
        [
            "<div hidden>Secret words.</div>",
            "<div role=dialog class=panel hidden>Secret words.</div>",
            "<nav><button aria-controls=m>Menu</button><ul id=m hidden>"
            "<li>Secret words.</ul></nav>",
            "<div class='cookie-panel' style='display:none'>Secret words.</div>",
            "<p>Seen.</p><p style='display:none'>Secret words.</p><p>Seen.</p>",
        ],
    )
    def test_what_no_reader_sees_is_not(self, hidden: str, tmp_path: Path) -> None:
        assert "Secret" not in main_text(hidden, tmp_path)

    def test_the_button_of_an_accordion_is_a_heading(self, tmp_path: Path) -> None:
        text = main_text(
            "<h2><button class=accordion-button>How warm is it?</button></h2>"
            "<div class='accordion-collapse collapse'>Warmed to 37 degrees.</div>",
            tmp_path,
        )
        assert "Otters / How warm is it?\nWarmed to 37 degrees." in text


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("<p>Press <button>Apply</button> to store.</p>", "Press Apply to store."),
        (
            "<ul><li>Click <b><button type=button>Save <i>all</i></button></b>.</ul>",
            "Click Save all.",
        ),
        ("<p>Press <input type=submit value=Send> now.</p>", "Press Send now."),
        ("<div><button>Share</button><button>Print</button></div>", None),
        ("<p><button>Copy link</button></p>", None),
    ],
)
def test_buttons_in_sentences_are_words(sentence: str, text: str | None, tmp_path: Path) -> None:
    found = main_text(sentence, tmp_path)
    if text:
        assert text in found
    else:
        assert not any(word in found for word in ("Share", "Print", "Copy"))


FRACTION = "<mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac>"


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (f"<math><mi>f</mi><mo>=</mo>{FRACTION}</math>", "f=a/(b+1)"),
        ("<math><msup><mi>x</mi><mn>2</mn></msup><mo>&minus;</mo><msqrt><mi>y</mi>"
         "</msqrt></math>", "x^2-√y"),
        ("<math><msubsup><mi>x</mi><mn>1</mn><mrow><mi>n</mi><mo>+</mo><mi>k</mi>"
         "</mrow></msubsup></math>", "x_1^(n+k)"),
        ("<math><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>"
         "</math>", "[1, 2]"),
        (
            "<span class=mwe-math-element>"
            "<span class='mwe-math-mathml-a11y mwe-math' style='display: none;'>"
            f"<math><semantics><mrow>{FRACTION}</mrow><annotation encoding='application/x-tex'>"
            "{\\displaystyle \\frac{a}{b}}</annotation></semantics></math></span>"
            "<img src=x.svg></span>",
            "$\\frac{a}{b}$",
        ),
        ("<script type='math/tex; mode=display'>e^{i\\pi}</script>", "$e^{i\\pi}$"),
    ],
)  # fmt: skip
def test_formulas_keep_their_meaning(formula: str, text: str, tmp_path: Path) -> None:
    assert f"follows {text} here" in main_text(f"<p>It follows {formula} here.</p>", tmp_path)


REPLIES = "".join(
    f"<div class='comment'><div class=author>user{i}</div>"
    f"<p>Reply {i}: the valve of the pump sticks "
    f"when the oil is older than {i} years, as I found out.</p></div>"
    for i in range(2, 9)
)


@pytest.mark.parametrize(
    "page",
    [
        f"<body class='forum-page'><h1>Valve</h1><p>Why does it stick?</p>"
        f"<div id=comments>{REPLIES}</div>",
        f"<body><h1>Valve</h1><div class=post><p>Why does it stick?</p></div>"
        f"<div class=replies>{REPLIES}",
        '<head><script type=\'application/ld+json\'>{"@type": "QAPage"}</script></head><body><main>'
        f"<h1>Valve</h1><p>{PROSE}</p><p>{PROSE}</p><p>{PROSE}</p><p>{PROSE}</p></main>"
        f"<section class=comments>{REPLIES}</section>",
    ],
)
def test_the_answers_of_a_thread_are_content(page: str, tmp_path: Path) -> None:
    text = "\n".join(s.text for s in read(f"<html>{page}</body></html>", tmp_path))
    assert all(f"Reply {i}:" in text for i in range(2, 9))


def test_a_page_of_nothing_but_links_is_read_all_the_same(tmp_path: Path) -> None:
    links = "".join(f"<li><a href=/{i}>Part {i} of the works</a></li>" for i in range(9))
    found = read(f"<html><body><nav><ul>{links}</ul></nav></body></html>", tmp_path)
    assert "Part 7 of the works" in found[0].text


def test_readings_above_characters_part_no_word(tmp_path: Path) -> None:
    ruby = "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rt>じ</rt></ruby>"
    found = read(f"<html><body><main><p>{ruby}を読む。 {PROSE}</p></main></body></html>", tmp_path)
    assert "漢字を読む。" in found[0].text
