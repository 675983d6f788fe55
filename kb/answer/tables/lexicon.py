"""What people call the things that columns hold, in English and Chinese.

A general table of language, of no library: what is measured (``heavy`` → weight), which way is more
of it, and words that name the same kind of column (``client``, ``customer``, ``客户``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from kb.text.terms import terms

__all__ = ["CONCEPTS", "Concept", "concepts_of", "english_forms", "stems_of"]


@dataclass(frozen=True, slots=True)
class Concept:
    """A kind of column.

    Attributes:
        english: Stems of words that name it.
        chinese: Words that name it; a column's name or a question holds one.
        units: Units that tell it, in small letters.
        high: Adjectives of which the superlative means the most of it.
        low: Likewise the least.
        high_chinese: As they stand behind 最 and 更.
        low_chinese: Likewise.
    """

    english: frozenset[str] = frozenset()
    chinese: tuple[str, ...] = ()
    units: frozenset[str] = frozenset()
    high: tuple[str, ...] = ()
    low: tuple[str, ...] = ()
    high_chinese: tuple[str, ...] = ()
    low_chinese: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def stems_of(text: str) -> tuple[str, ...]:
    """The stems of the words of `text`, in order; of a compound word that of the whole."""
    found: list[str] = []
    last = -1
    for term in terms(text):
        if term.start != last:
            found.append(term.stem)
        last = term.start
    return tuple(found)


def _concept(
    english: str,
    chinese: str = "",
    units: str = "",
    high: str = "",
    low: str = "",
    high_chinese: str = "",
    low_chinese: str = "",
) -> Concept:
    return Concept(
        frozenset(stem for word in english.split() for stem in stems_of(word)),
        tuple(chinese.split()),
        frozenset(units.split()),
        tuple(high.split()),
        tuple(low.split()),
        tuple(high_chinese.split()),
        tuple(low_chinese.split()),
    )


_MONEY_UNITS = "eur usd gbp cny chf jpy 万元 亿元"

CONCEPTS = {
    "price": _concept(
        "price cost fee charge tariff fare rent", "价格 定价 单价 售价 价钱 票价 费用 租金 多少钱 价",
        _MONEY_UNITS, "expensive costly pricey dear", "cheap inexpensive affordable", "贵", "便宜",
    ),
    "money": _concept(
        "amount revenue sale turnover spend spent worth value budget income profit pay"
        " paid expense bill",
        "金额 总价 销售额 营业额 收入 支出 预算 利润 值 花 花费", _MONEY_UNITS,
        "valuable lucrative", "", "值钱",
    ),
    # What somebody sold is not what they earn.
    "wage": _concept("salary wage earn income pay", "工资 薪资 薪水 月薪 年薪", _MONEY_UNITS),
    "weight": _concept(
        "weight mass weigh", "重量 净重 毛重 体重 多重", "kg g mg t lb lbs oz 千克 公斤 克 吨 斤",
        "heavy", "light lightweight", "重", "轻",
    ),
    "length": _concept(
        "length", "长度 全长 多长", "mm cm m km ft 米 厘米 毫米 公里 千米", "long", "short", "长", "短"
    ),
    "duration": _concept(
        "duration period term runtime time", "时长 期限 用时 耗时 周期 寿命 多久", "h min s days hours minutes weeks"
        " months years 小时 分钟 秒 天 年 月 个月 周", "long lengthy", "short brief quick", "久 长", "短 快",
    ),
    "height": _concept(
        "height altitude elevation", "高度 海拔 身高 多高", "m cm ft 米 厘米", "tall high", "low short",
        "高", "矮 低",
    ),
    "width": _concept("width breadth", "宽度 多宽", "mm cm m", "wide broad", "narrow", "宽", "窄"),
    "depth": _concept("depth", "深度 多深", "mm cm m 米", "deep", "shallow", "深", "浅"),
    "area": _concept("area acreage", "面积", "m² m2 km² km2 平方米 平方公里 公顷", "large big", "small",
                     "大", "小"),
    "size": _concept("size dimension", "尺寸 大小 规格 多大", "", "large big", "small little", "大", "小"),
    "capacity": _concept("capacity volume", "容量 容积", "l ml 升 毫升", "large big", "small", "大", "小"),
    "speed": _concept("speed velocity pace", "速度 时速 转速", "km/h kmh mph rpm m/s", "fast quick rapid",
                      "slow", "快", "慢"),
    "noise": _concept("noise loudness sound", "噪声 噪音 音量", "db db(a) 分贝", "loud noisy",
                      "quiet silent", "吵 响", "安静 静 轻"),
    "power": _concept("power wattage", "功率", "w kw 瓦 千瓦", "powerful strong", "weak", "强", "弱"),
    "age": _concept("age", "年龄 岁数 多大", "岁", "old", "young", "老 年长", "年轻 年幼"),
    "temperature": _concept("temperature", "温度 气温", "°c °f c f 度 摄氏度", "hot warm", "cold cool",
                            "热 暖", "冷 凉"),
    "distance": _concept("distance", "距离 里程 多远", "km m mi 公里 米", "far distant", "near close",
                         "远", "近"),
    "quantity": _concept(
        "quantity qty piece unit stock inventory count number",
        "数量 件数 个数 台数 库存 存量 人数 册数 只数", "pcs 件 个 台 只 册 人", "numerous", "", "多", "少",
    ),
    "population": _concept("population inhabitant resident people", "人口 居民", "人", "populous", "",
                           "多", "少"),
    "attendance": _concept(
        "visitor visit attendance attendee guest participant audience passenger people headcount",
        "人次 客流 访客 观众 乘客 参加人数 游客", "人次", "", "", "多", "少",
    ),
    "score": _concept("score rating grade point mark result", "分数 得分 评分 成绩 积分", "分", "good high",
                      "bad poor low", "好 高", "差 低"),
    "share": _concept("share percentage percent proportion rate ratio", "占比 比例 百分比 份额 比率 率 百分之几",
                      "%", "high common frequent large", "low rare small", "高 大", "低 小"),
    "date": _concept("date day deadline due when time founded established built born published released launched discovered"
        " opened start", "出生 成立 建成 发布 出版 日期 时间 时候 何时 截止", "", "late new recent",
                     "early old", "晚 新 近", "早 旧 老"),
    "year": _concept("year", "年份 年度", "", "late new recent", "early old", "晚 新", "早 旧 老"),
    "month": _concept("month", "月份"),
    "person": _concept(
        "who person contact manager responsible owner coach trainer doctor physician nurse driver"
        " captain chair lead leader head keeper instructor organiser speaker",
        "姓名 人员 负责人 联系人 谁 医生 大夫 教练 司机 护士 主管 队长 导游 主讲",
    ),
    "place": _concept("where place location site venue address", "地点 位置 地址 场所 哪里 哪儿"),
    "city": _concept("city town", "城市"),
    "country": _concept("country nation state", "国家"),
    "region": _concept("region area province district", "地区 区域 省份 省"),
    "warehouse": _concept("warehouse depot store", "仓库"),
    "room": _concept("room", "房间 教室 会议室"),
    "item": _concept("item product article good model device name title", "名称 名字 产品 商品 物品 货品 品名 型号 项目 机型"),
    "part": _concept("part component spare", "零件 部件 配件 备件"),
    "order": _concept("order", "订单 订货"),
    "customer": _concept("customer client buyer", "客户 顾客 买家"),
    "supplier": _concept("supplier vendor", "供应商 供货商"),
    "code": _concept("code id sku reference identifier", "编号 代码 编码 货号 代号 号码"),
    "colour": _concept("colour color", "颜色 色"),
    "delivery": _concept("delivery lead shipping dispatch deliver", "交货 送货 配送 发货 到货"),
    "department": _concept("department team division", "部门 团队"),
    "employee": _concept("employee staff worker", "员工 职员 雇员"),
    "status": _concept("status state", "状态"),
    "category": _concept("category type kind class", "类别 类型 种类 分类"),
    "meaning": _concept("meaning mean description stand", "含义 意思 说明 意味着 描述 表示 代表"),
    "cause": _concept("cause reason", "原因"),
    "remedy": _concept("remedy solution action measure", "处理 措施 解决 对策 怎么办 办法"),
    "material": _concept("material", "材料 材质"),
    "brand": _concept("brand manufacturer maker producer", "品牌 厂家 制造商 生产商"),
    "author": _concept("author writer wrote written", "作者"),
    "title": _concept("title book", "书名 标题 题目"),
    "language": _concept("language", "语言 语种"),
    "phone": _concept("phone telephone tel extension", "电话 手机 分机"),
    "email": _concept("email mail e-mail", "邮箱 邮件"),
    "student": _concept("student pupil", "学生"),
    "teacher": _concept("teacher instructor lecturer", "老师 教师 讲师"),
    "course": _concept("course lesson subject", "课程 科目"),
    "warranty": _concept("warranty guarantee", "保修 质保"),
    "voltage": _concept("voltage", "电压", "v 伏"),
    "frequency": _concept("frequency", "频率", "hz"),
    "voter": _concept("vote ballot", "票数 得票"),
}  # fmt: skip
"""By name."""

_MONEY = frozenset(_MONEY_UNITS.split())
# "Transit days" and 住院天数 count days; they are no dates.
_COUNTS_TIME = re.compile(
    r"(?:\b(?:seconds|minutes|hours|days|weeks|months|years)|天数|年数|月数|小时数?|分钟数?)$"
)


def concepts_of(name: str, unit: str = "") -> frozenset[str]:
    """The concepts that the name of a column or of a row, or its unit, tells."""
    return _concepts_of(name, unit.casefold())


@lru_cache(maxsize=16384)
def _concepts_of(name: str, unit: str) -> frozenset[str]:
    stems = frozenset(stems_of(name))
    found = {
        key for key, one in CONCEPTS.items() if stems & one.english or _named(name, one.chinese)
    }
    if _COUNTS_TIME.search(name):
        found = (found - {"date", "year", "month"}) | {"duration"}
    # A unit tells what nothing else does: "Preis (€)", "Lager (m²)".
    if not found and unit:
        found = {key for key, one in CONCEPTS.items() if unit in one.units}
        if unit in _MONEY:
            found = {"price", "money"}
    return frozenset(found)


def _named(name: str, words: Iterable[str]) -> bool:
    return any(word in name for word in words if len(word) > 1 or name.endswith(word))


def _forms(adjective: str) -> tuple[str, str]:
    """Comparative and superlative in English, as patterns."""
    if adjective.endswith("y"):
        stem = adjective[:-1] + "i"
    elif adjective.endswith("e"):
        stem = adjective[:-1]
    elif re.search(r"[^aeiou][aeiou][bdgmnpt]$", adjective):
        stem = adjective + adjective[-1]
    else:
        stem = adjective
    return f"{stem}er", f"{stem}est"


def english_forms(adjective: str) -> tuple[str, str]:
    """Comparative and superlative of an English adjective: ``heavier``, ``heaviest``; of a long
    one ``more expensive``, ``most expensive`` stand as well."""
    irregular = {
        "good": ("better", "best"),
        "bad": ("worse", "worst"),
        "far": ("farther", "farthest"),
    }
    return irregular.get(adjective) or _forms(adjective)
