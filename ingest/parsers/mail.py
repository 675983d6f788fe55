"""E-mails, alone (``.eml``, Outlook's ``.msg``) and in mailboxes, with what is attached to them."""

from __future__ import annotations

import base64
import email
import email.policy
import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from ingest.decode.charset import decode
from ingest.parsers.attached import AttachedFile, attached_segments
from ingest.parsers.base import ParseContext, Parser
from ingest.parsers.html.content import ExcessiveDepthError, drop_unseen, parse_tree
from ingest.parsers.html.walker import Walker
from ingest.parsers.linked_pictures import PictureReader
from ingest.parsers.sections import SectionWriter
from ingest.parsers.text import title_from_name
from kb.errors import ParseError, SourceTooLargeError
from kb.types import Segment, Source

__all__ = ["MAIL_TYPES", "MailParser", "decoded_body", "header"]

_EML, _MBOX, _MSG = "message/rfc822", "application/mbox", "application/vnd.ms-outlook"
MAIL_TYPES = frozenset({_EML, _MBOX, _MSG})
"""One e-mail, a mailbox, and one of Outlook's."""

_MAX_BYTES = 256 * 1024 * 1024
_MAX_PARTS = 2000
_MAX_ATTACHED = 200
_MAX_DEPTH = 4
_MAX_HEADER_CHARS = 2000
_SHOWN = ("From", "To", "Cc", "Date")
# Of a mail's parts, those that say nothing to people: signatures of programs.
_PASSED_OVER = frozenset({"application/pkcs7-signature", "application/pgp-signature"})
_ENCRYPTED = frozenset(
    {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
)
_CID = re.compile(r"cid:([^\s\"'<>]{1,500})", re.IGNORECASE)
_STUB_SHARE = 5
_SENDER_NAME = 0x0C1A  # [MS-OXPROPS], PidTagSenderName


@dataclass(slots=True)
class _Mail:
    """What is read of one mail, whatever it came in."""

    subject: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    plain: str = ""
    html: str = ""
    pictures: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    attached: list[AttachedFile] = field(default_factory=list)


class MailParser:
    """The text of a mail below its sender, recipients and date, titled by its subject; then each
    file that is attached to it, read by the parser of its kind. In a mailbox each mail is a
    section, its anchor ``message-7``.

    Args:
        depth: How many mails this one lies in.
    """

    version = 2
    media_types = MAIL_TYPES

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth

    def parse(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        """The segments of the mail, or of each mail in turn.

        Raises:
            ParseError: There is no mail in it, or it is damaged.
            SourceTooLargeError: One mail has more than 256 MiB.
        """
        if source.media_type == _MBOX:
            yield from self._mailbox(source, context)
            return
        if source.size_bytes > _MAX_BYTES:
            raise _too_large(source)
        data = source.absolute.read_bytes()
        if not data.strip():
            raise ParseError(
                "The file is empty. Save the mail anew and sync again.", source=source.path
            )
        if source.media_type == _MSG:
            mail = _outlook(data, source, context)
        else:
            mail = _read(_without_length(data), context)
        writer = SectionWriter(mail.subject or title_from_name(source.path))
        yield from self._segments(mail, writer, source, context)

    def _mailbox(self, source: Source, context: ParseContext) -> Iterator[Segment]:
        writer = SectionWriter(title_from_name(source.path))
        number = 0
        for number, data in enumerate(_messages(source.absolute, context), start=1):
            mail = _read(data, context)
            writer.heading(1, mail.subject or f"{number}", f"message-{number}")
            yield from self._segments(mail, writer, source, context)
        if not number:
            raise ParseError(
                "There is no mail in the mailbox. Check that it was saved whole.",
                source=source.path,
            )

    def _segments(
        self, mail: _Mail, writer: SectionWriter, source: Source, context: ParseContext
    ) -> Iterator[Segment]:
        subject = {"Subject": mail.subject} if mail.subject else {}
        lines = [f"{name}: {text}" for name, text in {**subject, **mail.headers}.items() if text]
        writer.block("\n".join(lines))
        if (mail.html and len(mail.html) > _STUB_SHARE * len(mail.plain)) or not mail.plain.strip():
            yield from _page(mail, writer, source, context)
        else:
            for paragraph in mail.plain.split("\n\n"):
                writer.block(paragraph.strip("\n"))
        writer.close()
        yield from writer.take()
        for file in mail.attached:
            yield from attached_segments(file, source, context, self._parser_for)

    def _parser_for(self, media_type: str) -> Parser | None:
        from ingest.parsers import parser_for

        if media_type not in MAIL_TYPES:
            return parser_for(media_type)
        return MailParser(self._depth + 1) if self._depth < _MAX_DEPTH else None


def header(message: EmailMessage, name: str) -> str:
    """A header in plain letters, on one line; empty where it is missing or broken."""
    try:
        text = str(message.get(name, ""))
    # The header parsers of the standard library raise IndexError, ValueError, AttributeError and
    # others on what mail programs write.
    except Exception:
        text = next((str(v) for k, v in message.raw_items() if k.lower() == name.lower()), "")
    return " ".join(text.split())[:_MAX_HEADER_CHARS]


def decoded_body(part: EmailMessage) -> str:
    """The text of a part, in the encoding that it names where it is of that."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    charset = part.get_param("charset", "")
    if isinstance(charset, str) and charset:
        try:
            return data.decode(charset).replace("\0", "\ufffd")
        except (LookupError, ValueError):
            pass
    return decode(data)[0].replace("\0", "\ufffd")


def _too_large(source: Source) -> SourceTooLargeError:
    return SourceTooLargeError(
        f"The mail has {source.size_bytes:,} bytes, over the limit of {_MAX_BYTES:,}. Save what is "
        "attached to it as files of their own.",
        source=source.path,
    )


def _without_length(data: bytes) -> bytes:
    """A mail without the line before it in which Apple's Mail writes its length."""
    first, end, rest = data.partition(b"\n")
    return rest if end and first.strip().isdigit() else data


def _messages(path: Path, context: ParseContext) -> Iterator[bytes]:
    """The mails of a mailbox, each from a line that begins with ``From`` behind an empty one."""
    lines: list[bytes] = []
    n_bytes, is_blank, is_left_out = 0, True, False
    with path.open("rb") as file:
        while line := file.readline(1 << 20):
            if is_blank and line.startswith(b"From "):
                if lines and not is_left_out:
                    yield b"".join(lines)
                lines, n_bytes, is_left_out = [], 0, False
            n_bytes += len(line)
            if n_bytes <= _MAX_BYTES:
                # ">From" is how such a line of the text itself is written.
                lines.append(line[1:] if line.startswith(b">From ") else line)
            elif not is_left_out:
                is_left_out = True
                context.warn(f"A mail of more than {_MAX_BYTES:,} bytes in it was left out.")
            is_blank = not line.strip()
    if any(map(bytes.strip, lines)) and not is_left_out:
        yield b"".join(lines)


def _read(data: bytes, context: ParseContext) -> _Mail:
    message = email.message_from_bytes(data, EmailMessage, policy=email.policy.default)
    mail = _Mail(header(message, "Subject"))
    mail.headers = {name: header(message, name) for name in _SHOWN}
    if sent := _sent(header(message, "Date")):
        mail.headers["Date"] = sent
    n_left_out = 0
    for number, part in enumerate(_parts(message)):
        if number >= _MAX_PARTS or len(mail.attached) >= _MAX_ATTACHED:
            n_left_out += 1
        else:
            _add(part, mail, context)
    if n_left_out:
        context.warn(f"{n_left_out:,} parts of the mail, beyond the first, were left out.")
    return mail


def _sent(text: str) -> str:
    """A date as ``2024-05-06 10:00 +0200``; empty where it is none."""
    try:
        return f"{parsedate_to_datetime(text):%Y-%m-%d %H:%M %z}".strip()
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """The leaves of a mail, mails in it whole."""
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            stack += [child for child in reversed(payload) if isinstance(child, EmailMessage)]
        else:
            yield part


def _add(part: EmailMessage, mail: _Mail, context: ParseContext) -> None:
    kind = part.get_content_type()
    if kind in _PASSED_OVER:
        return
    if kind in _ENCRYPTED:
        context.warn("The mail, or a part of it, is encrypted. Save it decrypted to have it read.")
        return
    name = _file_name(part)
    is_attached = part.get_content_disposition() == "attachment" or (
        bool(name) and not _is_text(kind)
    )
    if kind in ("text/plain", "text/html") and not is_attached:
        text = decoded_body(part).replace("\r\n", "\n").replace("\r", "\n")
        if kind == "text/html":
            mail.html = f"{mail.html}\n{text}" if mail.html else text
        else:
            text = _unwrapped(text) if part.get_param("format", "") == "flowed" else text
            mail.plain = f"{mail.plain}\n\n{text}" if mail.plain else text
        return
    if kind == "message/rfc822":
        inner = part.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], EmailMessage):
            title = header(inner[0], "Subject") or "mail"
            mail.attached.append(AttachedFile(name or f"{title}.eml", _as_bytes(inner[0])))
        return
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    content_id = header(part, "Content-ID").strip("<> ")
    if kind.startswith("image/") and content_id and part.get_content_disposition() != "attachment":
        mail.pictures[content_id] = (kind, data)
    elif data or name:
        suffix = mimetypes.guess_extension(kind) or ""
        mail.attached.append(AttachedFile(name or f"attachment{suffix}", data))


def _is_text(kind: str) -> bool:
    return kind in ("text/plain", "text/html")


def _file_name(part: EmailMessage) -> str:
    try:
        return str(part.get_filename() or "")
    # As for other headers.
    except Exception:
        return ""


def _as_bytes(message: EmailMessage) -> bytes:
    try:
        return message.as_bytes(policy=email.policy.default)
    # What can be read can't always be written again; then as it was found.
    except Exception:
        return message.as_bytes(policy=email.policy.compat32)


def _unwrapped(text: str) -> str:
    """Text of the format ``flowed`` (RFC 3676): a line that ends with a blank goes on."""
    lines: list[str] = []
    goes_on = False
    for line in text.split("\n"):
        if goes_on and not line.startswith(">"):
            lines[-1] += line
        else:
            lines.append(line)
        goes_on = line.endswith(" ") and line != "-- "
    return "\n".join(lines)


def _page(
    mail: _Mail, writer: SectionWriter, source: Source, context: ParseContext
) -> Iterator[Segment]:
    """The body of a mail that is HTML: all of it, since it has no navigation."""
    if not mail.html.strip():
        return

    def inline(match: re.Match[str]) -> str:
        kind, data = mail.pictures.get(match[1], ("", b""))
        return f"data:{kind};base64,{base64.b64encode(data).decode()}" if data else match[0]

    markup = _CID.sub(inline, mail.html.replace("\0", "\ufffd"))
    try:
        tree = parse_tree(markup)
    except (ExcessiveDepthError, ValueError):
        if mail.plain.strip():
            writer.block(mail.plain)
        else:
            context.warn("The text of the mail is HTML that can't be read.")
        return
    drop_unseen(tree)
    body = tree.find("body")
    walker = Walker(tree if body is None else body, writer, PictureReader(source, context))
    yield from walker.segments()


def _outlook(data: bytes, source: Source, context: ParseContext) -> _Mail:
    from oxmsg import Message

    try:
        message = Message.load(data)
        mail = _Mail(" ".join(message.subject.split()))
        sent = message.sent_date
        mail.headers = {
            "From": " ".join(
                (message.sender or message.properties.str_prop_value(_SENDER_NAME) or "").split()
            ),
            "To": ", ".join(
                " ".join(filter(None, (one.name, one.email_address and f"<{one.email_address}>")))
                for one in message.recipients
            ),
            "Date": f"{sent:%Y-%m-%d %H:%M %z}" if isinstance(sent, datetime) else "",
        }
        mail.plain = (message.body or "").replace("\r\n", "\n")
        if not mail.plain.strip():
            mail.html = message.html_body or ""
        for one in message.attachments[:_MAX_ATTACHED]:
            inner = one.file_bytes
            name = one.file_name or "attachment"
            if inner is None:
                context.warn(f"{name} in it: it could not be read. Save it as a file of its own.")
            else:
                mail.attached.append(AttachedFile(name, inner))
        if len(message.attachments) > _MAX_ATTACHED:
            context.warn(f"Only the first {_MAX_ATTACHED} files attached to it were read.")
    except MemoryError:
        raise
    # olefile and python-oxmsg let through KeyError, struct.error, AssertionError and others on
    # what breaks the format.
    except Exception as error:
        raise ParseError(
            f"The Outlook mail is damaged ({type(error).__name__}: {error}). Open it in Outlook "
            "and save it anew, or save it as .eml.",
            source=source.path,
        ) from error
    return mail
