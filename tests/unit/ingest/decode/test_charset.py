"""Encodings are told apart by what people write, in two characters or in a page."""

from __future__ import annotations

import codecs

import pytest

from ingest.decode.charset import decode

SIMPLIFIED = (
    "如何重置设备？请长按电源键十秒，直到指示灯闪烁。重置以后，所有的设置都会恢复到出厂状态。"
)
TRADITIONAL = (
    "如何重置設備？請長按電源鍵十秒，直到指示燈閃爍。重置以後，所有的設定都會恢復到出廠狀態。"
)
JAPANESE = (
    "デバイスをリセットするには、電源ボタンを十秒間押し続けてください。設定は初期状態に戻ります。"
)
KOREAN = "기기를 재설정하려면 전원 버튼을 십 초 동안 누르세요. 모든 설정이 초기화됩니다."
FRENCH = "Réinitialisez l’appareil déjà utilisé : café crème, à côté du théâtre où l’été commença."
GERMAN = "Drücken Sie die Taste für zehn Sekunden, um das Gerät zurückzusetzen – größer, schöner."
POLISH = (
    "Aby zresetować urządzenie, naciśnij i przytrzymaj przycisk zasilania przez dziesięć sekund."
)
RUSSIAN = "Чтобы сбросить устройство, нажмите и удерживайте кнопку питания в течение десяти секунд."

LONG = [
    (SIMPLIFIED, "gb18030"),
    (SIMPLIFIED, "gb2312"),
    (TRADITIONAL, "big5"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc_jp"),
    (JAPANESE, "iso2022_jp"),
    (KOREAN, "euc_kr"),
    (FRENCH, "cp1252"),
    (GERMAN, "cp1252"),
    (POLISH, "cp1250"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8_r"),
    (SIMPLIFIED, "utf-8"),
]


@pytest.mark.parametrize(("text", "encoding"), LONG)
@pytest.mark.parametrize("times", [1, 200])
def test_a_sentence_and_a_book_come_back(text: str, encoding: str, times: int) -> None:
    whole = "\n".join([text] * times)
    assert decode(whole.encode(encoding))[0] == whole


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("你好", "gb18030"),
        ("产品说明", "gb18030"),
        ("用户手册", "gb18030"),
        ("水泵,三百元", "gb18030"),
        ("設備說明", "big5"),
        ("電話號碼", "big5"),
        ("リセット", "shift_jis"),
        ("リセット", "euc_jp"),
        ("使い方", "shift_jis"),
        ("안녕하세요", "euc_kr"),
        ("café", "cp1252"),
        ("Größe", "cp1252"),
        ("Привет", "cp1251"),
        ("Привет", "koi8_r"),
    ],
)
def test_a_few_characters_come_back(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding))[0] == text


def test_chinese_late_in_an_english_file_is_found() -> None:
    whole = "INFO nothing of note\n" * 20_000 + SIMPLIFIED
    text, encoding = decode(whole.encode("gb18030"))
    assert (text, encoding) == (whole, "gb18030")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides_and_is_removed(mark: bytes, encoding: str) -> None:
    assert decode(mark + SIMPLIFIED.encode(encoding)) == (SIMPLIFIED, encoding)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["Press the key.\nWait.", f"{SIMPLIFIED}\n{SIMPLIFIED}\n", "a 你好"]
)
def test_utf_16_without_a_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == (text, encoding)


@pytest.mark.parametrize(
    ("declared", "encoding", "word"),
    [
        ("gb2312", "gb18030", "镕"),  # not in GB 2312, as pages that declare it often hold
        ("Big5", "big5hkscs", "龘"),
        ("iso-8859-1", "cp1252", "“œ”"),
        ("windows-1253", "cp1253", "Ωμέγα"),
    ],
)
def test_what_a_page_declares_is_believed(declared: str, encoding: str, word: str) -> None:
    page = f'<html><head><meta charset="{declared}"></head><body>{word}</body></html>'
    assert decode(page.encode(encoding)) == (page, encoding)


def test_valid_utf_8_wins_over_a_wrong_declaration() -> None:
    page = f'<meta charset="gb2312"><p>{SIMPLIFIED}</p>'
    assert decode(page.encode()) == (page, "utf-8")


def test_a_declaration_that_can_not_be_is_passed_over() -> None:
    page = f'<meta charset="no-such-thing"><p>{SIMPLIFIED}</p>'
    assert decode(page.encode("gb18030")) == (page, "gb18030")


def test_utf_8_with_damaged_bytes_stays_utf_8() -> None:
    text, encoding = decode(SIMPLIFIED.encode() + b"\xff" + SIMPLIFIED.encode()[:-1])
    assert encoding == "utf-8"
    assert text == SIMPLIFIED + "\ufffd" + SIMPLIFIED[:-1] + "\ufffd"


@pytest.mark.parametrize("data", [b"", b"plain", bytes(range(256)), b"\xff\xff\xff", b"\0" * 9])
def test_it_never_fails(data: bytes) -> None:
    text, encoding = decode(data)
    codecs.lookup(encoding)
    assert isinstance(text, str)
