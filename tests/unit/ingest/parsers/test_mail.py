"""E-mails, mailboxes, saved pages and notebooks: decoded, with what they carry."""

from __future__ import annotations

import base64
import io
import json
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import docx
import pytest
from made_mail import outlook_mail
from parsing import parse, png

from ingest.decode.media import sniff
from ingest.parsers import parser_for
from kb.errors import ParseError
from kb.types import Modality, Segment


def read(path: Path) -> tuple[list[Segment], list[str]]:
    media = sniff(path)
    assert media is not None
    parser = parser_for(media[0])
    assert parser is not None
    return parse(parser, path, media[0])


def mail(
    subject: str = "Lieferung der Geräte", text: str = "Am 14. Mai, mit Kranich."
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"] = subject, "Ana Größe <ana@example.org>"
    message["To"] = "bo@example.org"
    message["Date"] = "Mon, 6 May 2024 10:00:00 +0200"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(text, cte="base64")
    return message


def save(message: EmailMessage, folder: Path, name: str = "a.eml") -> Path:
    path = folder / name
    path.write_bytes(message.as_bytes(policy=SMTP))
    return path


def test_a_mail_is_decoded_below_its_head(tmp_path: Path) -> None:
    segments, warnings = read(save(mail(), tmp_path))
    (found,) = segments
    assert (found.title, warnings) == ("Lieferung der Geräte", [])
    assert found.text == (
        "Subject: Lieferung der Geräte\nFrom: Ana Größe <ana@example.org>\nTo: bo@example.org\n"
        "Date: 2024-05-06 10:00 +0200\n\nAm 14. Mai, mit Kranich."
    )


@pytest.mark.parametrize("name", ["a.emlx", "a.txt", "mail"])
def test_a_mail_under_another_name(name: str, tmp_path: Path) -> None:
    path = save(mail(), tmp_path, name)
    if name.endswith("x"):
        data = path.read_bytes()
        path.write_bytes(b"%d\n" % len(data) + data)
    assert read(path)[0][0].title == "Lieferung der Geräte"


def test_a_note_that_begins_like_a_mail_is_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("From: the attic\nTo: the cellar\n\nCarry the boxes down.\n")
    assert sniff(path) == ("text/plain", "text")


def test_a_mail_in_html_keeps_its_table_and_pictures(tmp_path: Path) -> None:
    message = mail(text="See HTML.")
    rows = "".join(f"<tr><td>Valve {i}</td><td>{i * 7}</td></tr>" for i in range(1, 4))
    message.add_alternative(
        "<html><head><style>p {}</style></head><body><p>Stock as of today:</p><div hidden>no</div>"
        f"<table><tr><th>Part</th><th>Left</th></tr>{rows}</table>"
        "<img src='cid:plan' alt='Floor plan'></body></html>",
        subtype="html",
    )
    html = message.get_payload()[1]
    html.add_related(png("blue", 80, 60), "image", "png", cid="<plan>")
    segments, warnings = read(save(message, tmp_path))
    texts = [s.text for s in segments if s.modality is Modality.TEXT]
    assert warnings == []
    assert texts[0].endswith("Stock as of today:")
    assert texts[1].startswith("| Part | Left |\n| --- | --- |\n| Valve 1 | 7 |")
    (picture,) = (s for s in segments if s.modality is Modality.IMAGE)
    assert picture.text == "Floor plan"


def test_what_is_attached_is_read_as_what_it_is(tmp_path: Path) -> None:
    report = docx.Document()
    report.add_heading("Annual report", 1)
    report.add_paragraph("The mill earned 31 crowns.")
    data = io.BytesIO()
    report.save(data)
    forwarded = mail("Older mail", "The crane is broken.")
    forwarded.add_attachment(b"Country,2022\nDrasia,486\n", "text", "csv", filename="exports.csv")
    message = mail()
    message.add_attachment(data.getvalue(), "application", "x", filename="Bericht über.docx")
    message.add_attachment(forwarded)
    message.add_attachment(b"\0\1\2" * 99, "application", "octet-stream", filename="x.bin")
    message.add_attachment(b"%PDF-1.4 broken", "application", "pdf", filename="broken.pdf")
    segments, warnings = read(save(message, tmp_path))
    assert [(s.title, s.headings) for s in segments[1:]] == [
        ("Bericht über.docx in a.eml", ("Annual report",)),
        ("Older mail.eml in a.eml", ()),
        ("Older mail.eml in a.eml", ("exports.csv in Older mail.eml",)),
    ]
    assert segments[1].text == "The mill earned 31 crowns."
    assert "The crane is broken." in segments[2].text
    assert segments[3].text == "Country: Drasia; 2022: 486"
    assert [w.split(":")[0] for w in warnings] == ["x.bin in it", "broken.pdf in it"]


@pytest.mark.parametrize("name", ["../../etc/x.md", "C:\\a\\x.md", "..", "x" * 999 + ".md", "/"])
def test_names_of_attached_files_lead_nowhere(name: str, tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(b"The mill turns.", "text", "x-notes", filename=name)
    segments, warnings = read(save(message, tmp_path))
    assert (segments[-1].text, warnings) == ("The mill turns.", [])


def test_mails_in_mails_end_somewhere(tmp_path: Path) -> None:
    message = mail("0")
    for number in range(1, 12):
        outer = mail(f"{number}")
        outer.add_attachment(message)
        message = outer
    segments, warnings = read(save(message, tmp_path))
    assert len(segments) == 5
    assert "not read" in warnings[0]


def test_each_mail_of_a_mailbox_is_a_section(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    box = b""
    for number in (1, 2):
        one = mail(f"Letter {number}", f"Body {number}.\nFrom here on, nothing.")
        box += b"From ana@example.org Mon May  6 10:00:00 2024\n" + one.as_bytes() + b"\n\n"
    path.write_bytes(box)
    segments, warnings = read(path)
    assert warnings == []
    assert [(s.headings, s.locator.anchor) for s in segments] == [
        (("Letter 1",), "message-1"),
        (("Letter 2",), "message-2"),
    ]
    assert segments[1].text.endswith("Body 2.\nFrom here on, nothing.")


def test_an_outlook_mail(tmp_path: Path) -> None:
    path = tmp_path / "a.msg"
    exports = b"Country,2022\nDrasia,486\nElbonia,7\n"
    path.write_bytes(outlook_mail("Größe", "The pump\r\nstopped.", "Ana", {"exports.csv": exports}))
    segments, warnings = read(path)
    assert warnings == []
    assert segments[0].text == "Subject: Größe\nFrom: Ana\n\nThe pump\nstopped."
    assert (segments[1].title, segments[1].text) == (
        "exports.csv in a.msg",
        "Country: Drasia; 2022: 486\nCountry: Elbonia; 2022: 7",
    )


def test_a_damaged_outlook_mail_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.msg"
    path.write_bytes(outlook_mail("a", "b", "c")[:1500])
    with pytest.raises(ParseError, match="damaged"):
        read(path)


@pytest.mark.parametrize(
    "head",
    [
        "Subject: =?utf-8?B?!!!?=\nFrom: <<<>>\nContent-Type: text/plain; charset=no-such",
        "Subject: a\nFrom: b\nContent-Type: multipart/mixed",
        "Subject: a\nFrom: b\nContent-Type: multipart/mixed; boundary=x",
        "Subject: a\nContent-Disposition: ;;=\nContent-Transfer-Encoding: base64",
        "Subject: a\nContent-Type: text/plain; name*0*=x''%zz; name=\"\\",
    ],
)
def test_broken_mails_keep_their_words(head: str, tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(f"{head}\nDate: never\n\nThe pump stopped.\n".encode())
    segments, _ = read(path)
    assert segments


def test_an_encrypted_mail_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"Subject: Secret\nMIME-Version: 1.0\nContent-Type: application/pkcs7-mime\n"
        b"Content-Transfer-Encoding: base64\n\nMIIB\n"
    )
    segments, warnings = read(path)
    assert [s.text for s in segments] == ["Subject: Secret"]
    assert "encrypted" in warnings[0]


def test_a_page_saved_as_one_file(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"] = "<Saved by Blink>"
    message["Snapshot-Content-Location"] = "https://example.org/cranes/"
    message["Subject"] = "Cranes"
    message.set_content(
        "<html><head><title>Cranes</title></head><body><h1>Lifting</h1><p>The crane lifts four "
        "tons, and the derrick lifts six.</p><img src='a/plan.png' alt='Plan of the yard'></body>",
        subtype="html",
        cte="quoted-printable",
    )
    message["Content-Location"] = "https://example.org/cranes/"
    message.make_related()
    message.add_related(png("green", 90, 60), "image", "png")
    message.get_payload()[1]["Content-Location"] = "https://example.org/cranes/a/plan.png"
    for name in ("a.mhtml", "b.txt"):
        segments, warnings = read(save(message, tmp_path, name))
        assert warnings == []
        assert [(s.title, s.headings, s.text) for s in segments] == [
            ("Cranes", ("Lifting",), "The crane lifts four tons, and the derrick lifts six."),
            ("Cranes", ("Lifting",), "Plan of the yard"),
        ]


def notebook(folder: Path, **book: Any) -> Path:
    path = folder / "a.ipynb"
    path.write_text(json.dumps(book))
    return path


def test_a_notebook(tmp_path: Path) -> None:
    dot = base64.b64encode(png("red", 70, 50)).decode()
    path = notebook(
        tmp_path,
        nbformat=4,
        metadata={"kernelspec": {"language": "python"}},
        cells=[
            {"cell_type": "markdown", "source": ["# Kelp model\n", "We fit growth."]},
            {
                "cell_type": "code",
                "source": ["fit(kelp)\n", "# not a heading"],
                "outputs": [
                    {"output_type": "stream", "text": ["\x1b[31mrate\x1b[0m 0.37\n"]},
                    {"output_type": "display_data", "data": {"image/png": dot}},
                    {"output_type": "error", "ename": "ValueError", "evalue": "no kelp"},
                ],
            },
        ],
    )
    segments, warnings = read(path)
    assert (warnings, segments[0].title) == ([], "Kelp model")
    assert segments[0].text == (
        "We fit growth.\n\n```python\nfit(kelp)\n# not a heading\n```\n\n```\nrate 0.37\n```\n\n"
        "```\nValueError: no kelp\n```"
    )
    assert [s.modality for s in segments] == [Modality.TEXT, Modality.IMAGE]


@pytest.mark.parametrize("text", ["[", "3", "{}", '{"cells": 3}', '{"cells": [3]}', "[" * 99_999])
def test_what_is_no_notebook(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    with pytest.raises(ParseError, match="notebook"):
        read(path)
