"""The archives that Office files are: sound, in the clear, and no bombs."""

from __future__ import annotations

import io
import zipfile
import zlib

from kb.errors import ParseError, SourceTooLargeError
from kb.types import Source

__all__ = ["check_size", "damaged", "open_archive"]

_MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_MAX_MEMBER_RATIO = 200
_MIN_RATIO_BYTES = 32 * 1024 * 1024
_MAX_MEMBERS = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# [MS-OFFCRYPTO] 2.1.2: an encrypted OOXML file is an OLE container with this stream.
_ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")


def open_archive(data: bytes, source: Source, new_suffix: str = "docx") -> zipfile.ZipFile:
    """The archive that an Office file is, each part of it sound.

    Args:
        new_suffix: Of the format to save an old binary file in.

    Raises:
        ParseError: It is encrypted, damaged, or of the old binary format.
    """
    if data.startswith(_OLE):
        if _ENCRYPTED_STREAM in data:
            raise ParseError(
                "The file is encrypted with a password. Open it in its program, save a copy "
                "without a password, and sync again.",
                source=source.path,
            )
        raise ParseError(
            "The file is of the old binary Office format (.doc, .ppt, .xls). Open it in its "
            f"program and save it as {new_suffix}.",
            source=source.path,
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        broken = archive.testzip() if _is_small(archive) else None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError) as error:
        raise damaged(source, str(error)) from error
    except NotImplementedError as error:  # a packing method that is not known
        raise damaged(source, str(error)) from error
    except RuntimeError as error:  # an encrypted member
        raise ParseError(
            "Parts of the file are encrypted. Save a copy without a password and sync again.",
            source=source.path,
        ) from error
    if broken is not None:
        raise damaged(source, f"{broken} in it is broken")
    return archive


def damaged(source: Source, detail: str) -> ParseError:
    """The failure of a file that breaks its format."""
    return ParseError(
        f"The file is damaged ({detail}). Open it in its program, let it be repaired and save "
        "it, or get it anew.",
        source=source.path,
    )


def _is_small(archive: zipfile.ZipFile) -> bool:
    return sum(member.file_size for member in archive.infolist()) <= _MAX_UNPACKED_BYTES


def check_size(archive: zipfile.ZipFile, source: Source) -> None:
    """Refuse what unpacks to too much.

    Raises:
        SourceTooLargeError: More bytes or parts than may be, or a part packed too well.
    """
    members = archive.infolist()
    n_bytes = sum(member.file_size for member in members)
    bomb = any(
        member.file_size > _MIN_RATIO_BYTES
        and member.file_size > _MAX_MEMBER_RATIO * max(member.compress_size, 1)
        for member in members
    )
    if n_bytes > _MAX_UNPACKED_BYTES or len(members) > _MAX_MEMBERS or bomb:
        raise SourceTooLargeError(
            f"The file unpacks to {n_bytes:,} bytes in {len(members):,} parts; at most "
            f"{_MAX_UNPACKED_BYTES:,} bytes in {_MAX_MEMBERS:,} parts, none packed to less than "
            f"1/{_MAX_MEMBER_RATIO} of its size, are read. Split it, or save it as PDF.",
            source=source.path,
        )
