"""Text of unknown encoding.

charset-normalizer alone takes two Chinese characters for Big5 and EUC-JP for Big5, since
nearly any byte pair is a character in every East Asian encoding. What tells them apart is
whether the characters are ones that people write, so candidates are ranked by that.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

__all__ = ["decode"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Supersets that writers of the declared encoding use in fact (WHATWG Encoding Standard).
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
}
_SAMPLE_BYTES = 16384
_HINT_BYTES = 4096
_TRUSTED_LOSS = 0.001
_PLAUSIBLE = 0.35

# The most frequent characters of modern Chinese; the first list covers about 70 % of
# running simplified text.
_SIMPLIFIED = frozenset(
    "的年为一在是中于大有国人以后学和时上地成月个日及与部会之不出名本分公线作其了行生长用发西"
    "主而被他站路下海体斯由道区位可家多第到东前亚南方至同小所物球新等子来法现代车港并台北最加"
    "色三文因开自动尔电要称内赛特高此市经也间期马外通建对得场这种入当军山队香鱼龙度里世号全但"
    "鳍过美天利教设任都立理化工目员民政合业二两能事面原平或式进定士水州布王将岛语类相系使巴德"
    "重克正数广约华十条次达头比明太司者性湾科制机联关罗尼英起食金如从四属们列常力无城表形安米"
    "曾拉战音务则门品兰运视院星洲传河向元乐口交型包基首该林亦非又陆心铁量近改然影共就总界具保"
    "受较统结实计始版少齿著说古校演处已程获流提角产治字单直接带格女指意郡身群只阿点管集取组白"
    "纪应足府各手朝背江连骨武社县游离级花石片播张五村冠侧往黄更画万选回创族参史节书资活展气初"
    "省居剧专清印街尾客历每光些蛇红风命阳卡权师括汉别空认今夫神很即奥议局造枚京帝果义牠官完际"
    "转举青收深黑放维没据研领变它标层还信置湖术引知堂"
    "谢册库存维修录户联系客服订购买卖价钱元款费税单据账号登退换货送快递件表格填写签章合同附通知议纪"
    "报告总结计划项进度吃喝看听走跑爱笑哭想让给找做真觉话钟岁爸妈哥姐弟妹猫狗饭茶水电脑手笔泵阀"
    "你您吗呢吧请按键如何什么怎样置恢复说明产品使问题密码安装打开关闭点击选择确认"
)
_TRADITIONAL = frozenset(
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下"
    "自之年過發後作里用道行所然家種事成方多經麼去法學如都同現當沒動面起看定天分還進好小部"
    "其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又"
    "關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯"
    "月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義各入"
    "幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管"
    "期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放強即像"
    "難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今"
    "切院讓識候帶導爭運請選單號碼網腦鍵裝備頁檢查機器電源設置啟閉點擊確認請按"
)
_HANGUL = frozenset(
    "이다는의에가을를로하고은지기서도한사자인시리나니어라해부아그대스일정들수있보전과만제으상"
    "안여주장구게원성조용우소선관면되않없것습요세음모비및위동중유생신물화내경식공등학국며년까"
    "였했던할된러때와마저려오간물방차설단입적재개명회분연결름버튼눌르십초합야력문미민바반발방"
    "법변본불산새속실심업역영예외월은인임작점제족종직진최추출치크타터트파편표품하행형호환황후"
)
_WESTERN = frozenset("éèàùâêîôûëïüçæœÿäößñáíóúåøãõìòÉÈÀÂÊÎÔÛÇÄÖÜÑÁÍÓÚÅØÆ¿¡ªº")
_CENTRAL = frozenset("ąćęłńóśźżĄĆĘŁŃÓŚŹŻáčďéěíňřšťúůýžÁČĎÉĚÍŇŘŠŤÚŮÝŽőűŐŰöüÖÜăâîșțşţ")
_TURKISH = frozenset("çğıöşüÇĞİÖŞÜâî")
_MARKS = frozenset("‘’“”–—…•·°©®™€£§«»×±½¼²³µ†‹›„‚‰\xa0¢¥¬¶")
_CJK_MARKS = frozenset("，。、；：？！“”‘’（）《》「」『』【】—…·～　〈〉〔〕％＋－／")


def decode(data: bytes) -> tuple[str, str]:
    """The text in `data` and the encoding it was in, as Python names it.

    In this order: a byte order mark; UTF-8 that is valid; UTF-16 by its zero bytes; what an
    HTML or XML head declares, when it decodes; the most plausible of the East Asian,
    Cyrillic and Latin encodings; what charset-normalizer finds. Bytes that are no text in
    the chosen encoding become U+FFFD; it never fails.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), encoding
    if b"\0" in data[:_SAMPLE_BYTES] and (unmarked := _utf_16(data)) is not None:
        return data.decode(unmarked, "replace"), unmarked
    if b"\x1b$" in data and (text := _strictly(data, "iso2022_jp")) is not None:
        return text, "iso2022_jp"
    if (text := _strictly(data, "utf-8")) is not None:
        return text, "utf-8"
    text = data.decode("utf-8", "replace")
    if text.count("\ufffd") * 10 <= sum(char > "\x7f" for char in text):
        return text, "utf-8"
    if (declared := _declared(data)) is not None:
        text = data.decode(declared, "replace")
        if text.count("\ufffd") <= _TRUSTED_LOSS * len(text):
            return text, declared
    encoding = _most_plausible(_sample(data))
    return data.decode(encoding, "replace"), encoding


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _utf_16(data: bytes) -> str | None:
    """The byte order of UTF-16 without a mark: ASCII characters, line breaks at least, have
    their zero bytes all on one side."""
    sample = data[: _SAMPLE_BYTES & ~1]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) < 10 * min(even, odd) + 1:
        return None
    n_printable = sum(9 <= byte <= 13 or 32 <= byte < 127 for byte in sample)
    if max(even, odd) * 10 < len(sample) and n_printable * 10 > len(sample) * 9:
        return None  # single bytes with a stray zero
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = sample.decode(encoding, "replace")
    odd_ones = sum(char == "\ufffd" or "\ue000" <= char <= "\uf8ff" for char in text)
    return encoding if odd_ones * 20 <= len(text) else None


def _declared(data: bytes) -> str | None:
    # Imported late: it takes long, and a sync of unchanged files never needs it.
    from bs4.dammit import EncodingDetector

    head = data[:_HINT_BYTES]
    name = EncodingDetector.find_declared_encoding(head, is_html=True, search_entire_document=True)
    try:
        known = codecs.lookup(name or "").name
        "".encode(known)  # LookupError for codecs that are not of text (base64, zlib)
    except (LookupError, UnicodeError):
        return None
    return None if known.startswith("utf") else _SUPERSETS.get(known, known)


_LINE_BEYOND_ASCII = re.compile(rb"^[^\n\x80-\xff]*+[\x80-\xff][^\n]*+\n?", re.MULTILINE)


def _sample(data: bytes) -> bytes:
    """Up to `_SAMPLE_BYTES` of lines that say something about the encoding."""
    kept: list[bytes] = []
    n_bytes = 0
    for line in _LINE_BEYOND_ASCII.finditer(data):
        kept.append(line.group()[: _SAMPLE_BYTES - n_bytes])
        n_bytes += len(kept[-1])
        if n_bytes >= _SAMPLE_BYTES:
            break
    return b"".join(kept)


def _most_plausible(sample: bytes) -> str:
    ranked = []
    for encoding, plausibility in _CANDIDATES:
        # The sample may end inside a character; that one is not held against a candidate.
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        text = decoder.decode(sample)
        foreign = [char for char in text if char > "\x7f"]
        if not foreign:
            continue
        score = plausibility(text, foreign) - 2 * foreign.count("\ufffd") / len(foreign)
        ranked.append((score, encoding))
    score, encoding = max(ranked, key=lambda item: item[0], default=(0.0, "cp1252"))
    if score >= _PLAUSIBLE:
        return encoding
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best is not None else encoding


def _in_rows(char: str, encoding: str, first: int, last: int) -> bool:
    """Whether the lead byte of `char` lies in the rows of the frequent characters: the
    first level of a national standard was chosen by frequency."""
    try:
        encoded = char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return len(encoded) == 2 and first <= encoded[0] <= last


def _by_character(common: frozenset[str], rows: tuple[str, int, int]) -> Callable[..., float]:
    """Mean over the foreign characters: 1 frequent, 0.3 first level, -0.5 rare."""

    def plausibility(_text: str, foreign: list[str]) -> float:
        total = 0.0
        for char in foreign:
            if char in common:
                total += 1.0
            elif char in _CJK_MARKS:
                total += 0.5
            elif "\uff01" <= char <= "\uff5e" or char in _MARKS:
                total += 0.2
            elif _in_rows(char, *rows):
                total += 0.3
            else:
                total -= 0.5
        return total / len(foreign)

    return plausibility


def _japanese(_text: str, foreign: list[str]) -> float:
    total = 0.0
    n_kana = 0
    for char in foreign:
        if "\u3041" <= char <= "\u30fe":
            n_kana += 1
            total += 1.0
        elif char in _CJK_MARKS:
            total += 0.5
        elif "\uff61" <= char <= "\uff9f":
            total -= 0.5  # half-width kana: what other encodings look like in Shift-JIS
        elif _in_rows(char, "euc_jp", 0xB0, 0xCF):
            total += 0.4
        else:
            total -= 0.5
    # Japanese is not written without kana.
    return total / len(foreign) - (0.2 if n_kana * 10 < len(foreign) else 0.0)


_FOREIGN_RUN = re.compile(r"[^\W\d_\x00-\x7f]{3,}|[^\s\x00-\x7f]{4,}")
_SYMBOLS = frozenset("®±°§©¦µ¶¬¤·")
_LATIN_BESIDE_CYRILLIC = re.compile(r"[A-Za-z](?=[А-яЁё])|[А-яЁё](?=[A-Za-z])")
_CASE_TURN = re.compile(r"[a-zа-яёєіїґ](?=[А-ЯЁЄІЇҐ])")


def _latin(letters: frozenset[str]) -> Callable[..., float]:
    """Accented letters stand among plain ones; a run of them is another script misread."""

    def plausibility(text: str, foreign: list[str]) -> float:
        expected = sum(char in letters or char in _MARKS for char in foreign)
        unexpected = len(foreign) - expected
        in_runs = sum(len(run) for run in _FOREIGN_RUN.findall(text))
        return (expected - unexpected - 2 * in_runs) / len(foreign)

    return plausibility


def _cyrillic(text: str, foreign: list[str]) -> float:
    expected = sum("А" <= char <= "ё" or char in "ЁЄІЇҐєіїґ№" for char in foreign)
    marks = sum(char in _MARKS and char not in _SYMBOLS for char in foreign)
    # KOI8-R read as windows-1251, or the reverse, swaps the cases.
    turns = len(_CASE_TURN.findall(text)) + len(_LATIN_BESIDE_CYRILLIC.findall(text))
    capitals = sum("А" <= char <= "Я" for char in foreign)
    swapped = 0.5 if capitals * 2 > len(foreign) else 0.0
    unexpected = len(foreign) - expected - marks
    return (expected + 0.5 * marks - unexpected - 2 * turns) / len(foreign) - swapped


_CANDIDATES: tuple[tuple[str, Callable[..., float]], ...] = (
    ("gb18030", _by_character(_SIMPLIFIED, ("gb2312", 0xB0, 0xD7))),
    ("big5hkscs", _by_character(_TRADITIONAL, ("big5", 0xA4, 0xC6))),
    ("cp932", _japanese),
    ("euc_jp", _japanese),
    ("cp949", _by_character(_HANGUL, ("euc_kr", 0xB0, 0xC8))),
    ("cp1252", _latin(_WESTERN)),
    ("cp1250", _latin(_CENTRAL)),
    ("cp1254", _latin(_TURKISH)),
    ("cp1251", _cyrillic),
    ("koi8_r", _cyrillic),
)
