"""Plain files: Markdown, text in GB18030, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

RELEASE_NOTES = """# Breeze firmware 2.4 release notes

Released on 24 February 2026 for the Breeze 300. The device updates itself at night, between two
and four o'clock, if it is connected.

## What is new

- **Quieter start.** The fan now takes eight seconds to reach its speed instead of two.
- **Holiday mode.** Switch it on in the app and the device runs for ten minutes every six hours.
- The dust sensor calibrates itself once a week in clean air.

## What we repaired

| Problem | Since version | Ticket |
|---|---|---|
| Timer forgot its setting after a power cut | 2.1 | HW-1873 |
| Ring stayed orange after the sensor had been cleaned | 2.2 | HW-1902 |
| Pairing failed with network names longer than 24 characters | 2.0 | HW-1911 |

## Reading the sensor from your own network

The device answers on port 8430 of your local network. No account is needed, and nothing leaves
the house.

```bash
curl http://breeze-300.local:8430/v1/air
# {"pm25": 7.2, "mode": "auto", "filter_left_percent": 81}
```

Ask at most once every ten seconds; the device refuses more with status 429.

## How to install the update by hand

1. Download the file `breeze-2.4.bin` to a USB stick formatted as FAT32.
2. Hold **Filter** while you plug the device in, and put the stick into the socket under the foot.
3. Wait for the ring to turn green. This takes about four minutes.

## Known limits

Holiday mode does not yet work together with the child lock. We plan to lift this in version 2.5.
"""

WARRANTY = """榛维电器产品保修条款
（2026 年 1 月 1 日起施行）

一、保修期限
整机自购买之日起保修二十四个月，电机保修五年。保修期以发票或收据日期为准。

二、保修范围
正常使用条件下出现的材料和制造缺陷，由本公司免费维修或更换零件。维修期间可以申请备用机，押金三百元。

三、不在保修范围内的情况
1. 滤网、棉签等消耗品；
2. 进水、摔落或使用非原装滤网造成的损坏；
3. 自行拆开电机外壳；
4. 发票或序列号被涂改。

四、如何申请
请拨打售后热线，或将机器连同发票复印件寄回。寄回时请取出滤网，运费由本公司承担。收到机器后七个工作日内完成维修并寄回。

五、退货
购买后三十天内，如不满意可以无理由退货，滤网须未拆封。

六、海外购买
在海外购买的产品，仅在购买国享受保修。

售后负责人：王䶮
地址：橡滩市磨坊路十二号榛维电器售后服务中心
"""

PARTS = (
    ("HF-30", "Filter, three layers", "Breeze 300", 39.90, "3 working days", None),
    ("HL-18", "Mains lead, 1.8 m", "Breeze 300", 8.50, "3 working days", None),
    ("HC-05", "Cotton swabs, pack of 5", "Breeze 300", 4.50, "3 working days", None),
    ("BR-112", "Light ring with cable", "Breeze 300", 17.20, "2 weeks", "Needs a T10 screwdriver"),
    ("BR-140", "Fan motor, complete", "Breeze 300", 64.00, "4 weeks", "Workshop only"),
    ("BR-151", "Foot with cable guide", "Breeze 300", 11.90, "2 weeks", None),
    ("SK-021", "Anemometer cups, set of 3", "Skylark", 9.80, "1 week", None),
    ("SK-034", "Rain gauge spoon", "Skylark", 5.40, "1 week", "Clip in, no tools"),
    ("SK-050", "Radiation shield, seven plates", "Skylark", 22.00, "2 weeks", None),
    ("ML-048", "Conical burr, 48 mm, steel", "Millrace", 31.50, "2 weeks", "Clean the seat first"),
    ("ML-060", "Bean hopper with lid", "Millrace", 18.00, "1 week", None),
    ("EM-007", "Lid knob, wood", "Ember", 3.90, "1 week", None),
)

ERRORS = (
    ("E01", "Breeze 300", "Fan blocked", "Unplug, remove what blocks the fan, restart", "no"),
    ("E02", "Breeze 300", "Dust sensor gives no signal", "Clean the lens with a dry swab", "no"),
    ("E03", "Breeze 300", "Filter cover open", "Turn the cover to the right until it clicks", "no"),
    (
        "E07",
        "Breeze 300",
        "Motor too hot",
        "Let it cool for 40 minutes, take the bag off the filter",
        "no",
    ),
    (
        "E11",
        "Breeze 300",
        "Memory fault",
        "Factory reset; if it returns, send the device in",
        "yes",
    ),
    (
        "W02",
        "Skylark",
        "No contact with the outdoor sensor",
        "New batteries, then press Link for 5 seconds",
        "no",
    ),
    ("W05", "Skylark", "Wind cups do not turn", "Free them of ice or spider webs", "no"),
    ("W09", "Skylark", "Rain gauge clogged", "Rinse the spoon with lukewarm water", "no"),
    ("G01", "Millrace", "Hopper not locked", "Turn the hopper until the marks meet", "no"),
    ("G04", "Millrace", "Burr jammed by a stone", "Unplug, lift the burr, brush it out", "no"),
    ("K03", "Ember", "Boiled dry", "Let it cool for 10 minutes before refilling", "no"),
    ("K06", "Ember", "Heating element worn out", "Send the kettle in", "yes"),
)


def write(folder: Path) -> None:
    """Write the files below `folder`."""
    notes, service = folder / "notes", folder / "service"
    notes.mkdir(parents=True, exist_ok=True)
    service.mkdir(parents=True, exist_ok=True)
    (notes / "Firmware 2.4 release notes.md").write_bytes(RELEASE_NOTES.encode())
    (notes / "产品保修条款.txt").write_bytes(WARRANTY.encode("gb18030"))
    fields = ("number", "name", "product", "price_eur", "delivery", "remark")
    parts = [
        {key: value for key, value in zip(fields, part, strict=True) if value is not None}
        for part in PARTS
    ]
    document = {
        "title": "Spare parts",
        "valid_from": "2026-03-01",
        "currency": "EUR",
        "parts": parts,
    }
    (service / "spare-parts.json").write_bytes(
        json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
    )
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("code", "product", "meaning", "what to do", "workshop"))
    writer.writerows(ERRORS)
    (service / "error codes.csv").write_bytes(table.getvalue().encode())
