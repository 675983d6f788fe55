"""The Chinese manual: six pages."""

from __future__ import annotations

from pathlib import Path

from scripts.samples import manual_figures, products
from scripts.samples.booklet import ACCENT, Booklet, colour
from scripts.samples.canvas import Canvas


def write(path: Path) -> None:
    """Write the manual to `path`."""
    book = Booklet(420, 595, Path(__file__).read_text("utf-8"), size=10, leading=1.6)
    for page in (_cover, _safety, _start, _use, _reset, _data):
        book.new_page()
        page(book)
    book.save(
        path,
        title="微风 300 空气净化器使用说明书",
        author="榛维电器",
        date="D:20260305090000Z",
        footer="榛维 微风 300 · 使用说明书",
        plain=(1,),
    )


def _cover(book: Booklet) -> None:
    scene = Canvas(840, 800, ("#f3e6d8", "#e3cdb6"))
    scene.circle(560, 380, 270, "#ffffff", 0.6, blur=60)
    products.purifier(scene, 560, 720, 600, "#52b788")
    book.picture((0, 0, 420, 400), scene.finish(), 840)
    book.below(lambda page: page.draw_rect((0, 400, 420, 595), fill=colour("#27343b"), width=0))
    book.place(
        (38, 418, 400, 595),
        '<p style="font-size:11pt;color:#e3cdb6">使用说明书</p>'
        '<p style="font-size:32pt;line-height:1.2;color:#ffffff"><b>微风 300</b></p>'
        '<p style="font-size:14pt;color:#ffffff">空气净化器 · 适用面积 38 平方米以下</p>',
    )
    book.place(
        (38, 555, 382, 590),
        '<p style="font-size:8.5pt;color:#e3cdb6">型号 HW-B300 · 2026 年 3 月第 3 版 · '
        "榛维电器</p>",
    )


def _safety(book: Booklet) -> None:
    book.heading(1, "安全须知")
    book.html("<p>首次使用前请仔细阅读本页，并妥善保管本说明书。</p>")
    book.callout(
        "danger",
        "危险：触电",
        "打开滤网盖或清洁机身之前，请先拔下电源插头。不要将机器浸入水中，也不要用湿手触碰插头。",
    )
    book.callout(
        "warning",
        "警告：火灾",
        "请勿在使用汽油、溶剂或喷雾剂的房间内运行本机。不要用衣物或窗帘遮盖出风口。",
    )
    book.callout(
        "warning",
        "警告：儿童",
        "八岁以上儿童须在成人看护下使用。滤网的塑料袋应远离婴幼儿，以防窒息。",
    )
    book.heading(2, "使用范围")
    book.bullets(
        [
            "适用于客厅、卧室和办公室。",
            "不能代替开窗通风、抽油烟机或烟雾报警器。",
            "不要在相对湿度高于 85% 的浴室中使用。",
        ]
    )


def _start(book: Booklet) -> None:
    book.heading(1, "摆放与首次开机")
    book.heading(2, "选择位置")
    book.html("<p>本机从四周进风，从顶部出风，周围越空旷，净化速度越快。</p>")
    book.bullets(
        [
            "与墙壁和家具至少相距 30 厘米，出风口上方留出 80 厘米。",
            "放在平整结实的地面上，不要放在厚地毯上。",
            "与加湿器保持 2 米距离，水雾会干扰粉尘传感器。",
        ]
    )
    book.heading(2, "首次开机")
    book.steps(
        [
            "撕下滤网盖上的红色运输胶带。",
            "将电源线插入底座，再插入插座，灯环亮白灯。",
            "按“电源”键，传感器预热 60 秒。",
            "打开榛维应用，选择“添加设备”，将手机靠近灯环。",
        ]
    )
    book.callout(
        "note",
        "手机找不到设备？",
        "本机只支持 2.4 GHz 无线网络。长按“定时”键 3 秒，可以重新进入配网状态。",
    )


def _use(book: Booklet) -> None:
    book.heading(1, "日常使用")
    book.html(
        "<p>自动模式根据粉尘传感器调节风速；睡眠模式关闭灯光，噪声只有 24 分贝；强力模式全速运行 "
        "30 分钟后回到自动模式。</p>"
    )
    book.heading(2, "灯环颜色的含义")
    book.table(
        [
            ["颜色", "细颗粒物 PM2.5", "空气质量"],
            ["蓝色", "0 至 12 微克/立方米", "良好"],
            ["绿色", "13 至 35 微克/立方米", "一般"],
            ["橙色", "36 至 75 微克/立方米", "较差，请关窗"],
            ["紫色", "75 微克/立方米以上", "很差，请用强力模式"],
            ["红色闪动", "不限", "请更换滤网"],
        ],
        (1.1, 1.8, 1.7),
    )
    book.heading(2, "更换滤网")
    book.steps(
        [
            "关机并拔下电源插头。",
            "将背面的滤网盖向左转四分之一圈，取下。",
            "拉住布带抽出旧滤网，作为生活垃圾处理。",
            "去掉新滤网的塑料袋，布带朝外装入。",
            "盖好滤网盖，通电后长按“滤网”键 3 秒，灯环停止闪动。",
        ]
    )


def _reset(book: Booklet) -> None:
    book.heading(1, "恢复出厂设置")
    book.html(
        "<p>恢复出厂设置会清除无线网络、定时和童锁，使机器回到出厂时的状态。滤网计时不会被清除。"
        "</p>"
    )
    manual_figures.panel(book, book.y, ("电源", "模式", "定时", "滤网"), (1, 2))
    book.label(210, book.y + 76, "同时按住 7 秒", 8.5, "center", ACCENT, bold=True)
    book.y += 92
    book.heading(2, "操作步骤")
    book.steps(
        [
            "保持通电，按“电源”键关机。",
            "同时按住“模式”键和“定时”键 7 秒。",
            "灯环白灯闪烁三次后，松开两个按键。",
            "等待 20 秒，期间不要拔下插头，机器会自动重启。",
            "灯环亮起蓝灯，表示重置完成，请按第 3 页重新连接手机。",
        ]
    )
    book.callout(
        "note",
        "按键没有反应？",
        "拔下电源插头，等待 30 秒后重新插上即可重启，所有设置都会保留。",
    )


def _data(book: Booklet) -> None:
    book.heading(1, "清洁与技术参数")
    book.heading(2, "清洁粉尘传感器")
    book.html("<p>每两个月打开格栅上方的小盖，用干棉签擦拭镜头。不要使用酒精或压缩空气。</p>")
    book.heading(2, "技术参数")
    book.table(
        [
            ["项目", "数值"],
            ["型号", "HW-B300"],
            ["额定电压", "220 至 240 伏，50/60 赫兹"],
            ["额定功率", "45 瓦，待机 0.8 瓦"],
            ["洁净空气量（CADR）", "310 立方米/小时"],
            ["适用面积", "38 平方米以下"],
            ["噪声", "24 至 52 分贝"],
            ["滤网寿命", "最长 9 个月"],
            ["电源线长度", "1.8 米"],
            ["外形尺寸", "230 × 230 × 500 毫米"],
            ["净重", "5.4 千克"],
        ],
        (1.2, 2),
    )
    book.below(
        lambda page: page.draw_line(
            (38, book.height - 62), (382, book.height - 62), color=colour("#c9d3d2"), width=0.6
        )
    )
    book.place(
        (38, book.height - 58, 382, book.height - 20),
        '<p style="font-size:8.5pt">服务邮箱 service@hazelwick.example · 周一至周五 9 时至 16 '
        "时</p>",
    )
