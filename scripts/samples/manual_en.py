"""The English manual: twelve pages, the last of them only a scan."""

from __future__ import annotations

from pathlib import Path

from scripts.samples import manual_figures, products
from scripts.samples.booklet import ACCENT, Booklet, colour
from scripts.samples.canvas import Canvas
from scripts.samples.scan import service_sheet

CONTENTS = (
    ("Safety first", 3),
    ("What is in the box", 4),
    ("Choosing a place", 5),
    ("Buttons and lights", 6),
    ("Everyday use", 7),
    ("Filter and sensor care", 8),
    ("Resetting the device", 9),
    ("Troubleshooting", 10),
    ("Technical data", 11),
    ("Service record", 12),
)


def write(path: Path) -> None:
    """Write the manual to `path`."""
    alphabet = "".join(
        Path(file).read_text("utf-8") for file in (__file__, manual_figures.__file__)
    )
    book = Booklet(420, 595, alphabet, size=9.9)
    _cover(book)
    _contents(book)
    _safety(book)
    _box(book)
    _place(book)
    _buttons(book)
    _use(book)
    _care(book)
    _reset(book)
    _trouble(book)
    _data(book)
    book.new_page()
    book.outline(1, "Service record")
    sheet = service_sheet()
    book.below(lambda page: page.insert_image(page.rect, stream=sheet))
    book.save(
        path,
        title="Breeze 300 Air Purifier – User Manual",
        author="Hazelwick",
        date="D:20260302090000Z",
        footer="Hazelwick Breeze 300 · User manual",
        plain=(1, 12),
    )


def _cover(book: Booklet) -> None:
    book.new_page()
    scene = Canvas(840, 760, ("#dcebe8", "#b9d5d0"))
    scene.circle(420, 400, 300, "#ffffff", 0.55, blur=60)
    products.purifier(scene, 420, 690, 600)
    picture = scene.finish()
    book.picture((0, 0, 420, 380), picture, 840)
    book.below(lambda page: page.draw_rect((0, 380, 420, 595), fill=colour(ACCENT), width=0))
    book.place(
        (38, 404, 400, 590),
        '<p style="font-size:11pt;color:#bfe0da">USER '
        'MANUAL</p><p style="font-size:32pt;line-height:1.15;color:#ffffff"><b>Breeze '
        '300</b></p><p style="font-size:14pt;color:#ffffff">Air purifier for rooms of up to 38 '
        "m²</p>",
    )
    book.place(
        (38, 548, 382, 590),
        '<p style="font-size:8.5pt;color:#bfe0da">Model HW-B300 · Edition 3, March 2026 · '
        "Hazelwick</p>",
    )


def _contents(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Contents")
    for title, number in CONTENTS:
        y = book.y
        book.place((book.left, y, 340, y + 20), f"<p>{title}</p>")
        book.place((340, y, book.right, y + 20), f'<p style="text-align:right">{number}</p>')
        book.link((38, y, 382, y + 16), number)
        book.below(
            lambda page, y=y: page.draw_line(  # type: ignore[misc]
                (38, y + 17), (382, y + 17), color=colour("#d9e1e0"), width=0.6
            )
        )
        book.y += 21.5
    book.y += 14
    book.heading(2, "About this manual")
    book.html(
        "<p>This manual describes the Hazelwick Breeze 300 with firmware 2.4. Keep it for as long "
        "as you own the device, and hand it on with the device. A Chinese edition is in the same "
        "folder.</p>"
    )
    book.html(
        "<p>Button names are set in bold: <b>Power</b>, <b>Mode</b>, <b>Timer</b>, <b>Filter</b>. "
        "Amounts of fine dust are given in micrograms per cubic metre of air (µg/m³).</p>"
    )


def _safety(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Safety first")
    book.html("<p>Read this page before you plug the device in for the first time.</p>")
    book.callout(
        "danger",
        "DANGER – electric shock",
        "Pull the mains plug before you open the filter cover or clean the device. Never put the "
        "device in water, and never touch the plug with wet hands.",
    )
    book.callout(
        "warning",
        "WARNING – fire",
        "Do not run the device in a room where petrol, solvents or aerosol sprays are used. Do "
        "not cover the air outlet with clothes or curtains.",
    )
    book.callout(
        "warning",
        "WARNING – children",
        "Children of eight years and older may use the device under supervision. Keep the plastic "
        "bag of the filter away from small children: they could suffocate.",
    )
    book.heading(2, "Use it for what it is made for")
    book.bullets(
        [
            "The Breeze 300 cleans the air in living rooms, bedrooms and offices.",
            "It does not replace ventilation, a cooker hood or a smoke alarm.",
            "Do not use it in bathrooms, where the relative humidity can rise above 85 %.",
            "Use only the mains lead that came with the device. Have a damaged lead replaced by "
            "our service workshop.",
        ]
    )


def _box(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "What is in the box")
    book.html(
        "<p>Unpack everything and check that nothing is missing. Keep the carton: it is the "
        "safest way to send the device to the workshop.</p>"
    )
    book.table(
        [
            ["Item", "Number", "Part no."],
            ["Breeze 300 air purifier", "1", "HW-B300"],
            ["HF-30 filter, already fitted", "1", "HF-30"],
            ["Mains lead, 1.8 m", "1", "HL-18"],
            ["Cotton swabs for the sensor", "5", "HC-05"],
        ],
        (3, 1, 1.2),
    )
    book.heading(2, "Parts of the device")
    manual_figures.parts(book)


def _place(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Choosing a place")
    book.html(
        "<p>The device draws air in all round and blows it out at the top. The freer it stands, "
        "the faster the room is clean.</p>"
    )
    book.bullets(
        [
            "Leave at least 30 cm to walls and furniture, and 80 cm above the outlet.",
            "Put it on a firm, level floor, not on a deep carpet.",
            "Keep it 2 m away from humidifiers: their mist upsets the dust sensor.",
            "Avoid direct sunlight and draughts.",
        ]
    )
    manual_figures.clearances(book)
    book.heading(2, "Switching on for the first time")
    book.steps(
        [
            "Remove the red transport strip from the filter cover.",
            "Plug the mains lead into the foot, then into the socket. The ring lights up white.",
            "Press <b>Power</b>. The sensor warms up for 60 seconds.",
            "Open the Hazelwick app, choose <b>Add device</b> and hold your phone near the ring.",
        ]
    )


def _buttons(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Buttons and lights")
    book.html("<p>The four buttons are on the rim of the outlet, under the light ring.</p>")
    manual_figures.panel(book, book.y)
    book.y += 80
    book.table(
        [
            ["Button", "Short press", "Long press (3 s)"],
            ["<b>Power</b>", "On or off", "Child lock on or off"],
            ["<b>Mode</b>", "Auto, Sleep, Turbo in turn", "Light ring on or off"],
            ["<b>Timer</b>", "Off after 2, 4 or 8 hours", "Wi-Fi pairing"],
            [
                "<b>Filter</b>",
                "Shows what is left of the filter",
                "Sets the filter counter to zero",
            ],
        ],
        (1, 2, 2),
    )
    book.heading(2, "What the light ring tells you")
    book.table(
        [
            ["Colour", "Fine dust PM2.5", "Air quality"],
            ["Blue", "0 to 12 µg/m³", "Good"],
            ["Green", "13 to 35 µg/m³", "Moderate"],
            ["Orange", "36 to 75 µg/m³", "Poor: close the windows"],
            ["Purple", "more than 75 µg/m³", "Very poor: switch to Turbo"],
            ["Red, pulsing", "any", "Replace the filter"],
        ],
        (1.2, 1.6, 2),
    )


def _use(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Everyday use")
    book.html(
        "<p>In <b>Auto</b> the fan follows the dust sensor. <b>Sleep</b> dims all lights and "
        "keeps the fan at its lowest speed, 24 dB(A). <b>Turbo</b> runs at full speed for 30 "
        "minutes, then the device goes back to Auto.</p>"
    )
    book.heading(2, "How fast is a room clean?")
    manual_figures.cleaning_chart(book)
    book.html(
        '<p style="font-size:7.5pt;color:#66767e">Figure 1. Fine dust in a closed room of 20 m² '
        "that starts at 150 µg/m³.</p>"
    )
    book.html(
        "<p>Turbo brings the room to good air in 12 minutes, Auto in 19 minutes and Sleep in 46 "
        "minutes. With a window open it takes about twice as long.</p>"
    )
    book.heading(2, "Timer and child lock")
    book.html(
        "<p>Press <b>Timer</b> once for two hours, twice for four and three times for eight. To "
        "lock the buttons, hold <b>Power</b> for 3 seconds; the same unlocks them.</p>"
    )


def _care(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Filter and sensor care")
    book.html(
        "<p>The HF-30 filter lasts up to nine months at twelve hours a day. When it is used up, "
        "the light ring pulses red. A filter cannot be washed: water destroys it.</p>"
    )
    book.heading(2, "Replacing the filter")
    book.steps(
        [
            "Switch the device off and pull the mains plug.",
            "Turn the filter cover at the back a quarter turn to the left and take it off.",
            "Pull the old filter out by its strap and put it in the household waste.",
            "Take the new filter out of its plastic bag. Push it in with the strap towards you.",
            "Close the cover, plug in, and hold <b>Filter</b> for 3 seconds until the ring stops "
            "pulsing.",
        ]
    )
    book.callout(
        "warning",
        "WARNING – plastic bag",
        "Never switch on while the filter is still in its bag: the motor overheats within minutes.",
    )
    book.heading(2, "Cleaning the dust sensor")
    book.html(
        "<p>Clean the sensor every two months. Open the small flap above the grille, wipe the "
        "lens with a dry cotton swab and close the flap. Do not use alcohol or compressed air.</p>"
    )
    book.heading(2, "Cleaning the pre-filter")
    book.html(
        "<p>Vacuum the outside of the grille every two weeks with a soft brush. In homes with "
        "pets, do it every week.</p>"
    )


def _reset(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Resetting the device")
    book.html(
        "<p>A factory reset returns the Breeze 300 to the state in which it left our works. It "
        "deletes the Wi-Fi network, the timers and the child lock. The filter counter is kept.</p>"
    )
    book.heading(2, "Factory reset, step by step")
    manual_figures.panel(book, book.y, pressed=(1, 2))
    book.label(210, book.y + 75, "Hold both for 7 seconds", 8, "center", ACCENT, bold=True)
    book.y += 90
    book.steps(
        [
            "Leave the device plugged in and switch it off with <b>Power</b>.",
            "Press and hold <b>Mode</b> and <b>Timer</b> together for 7 seconds.",
            "Let go of both buttons when the light ring flashes white three times.",
            "Wait 20 seconds without pulling the plug. The device restarts by itself.",
            "When the ring glows blue, the reset is done. Pair your phone again as on page&#160;5.",
        ]
    )
    book.callout(
        "note",
        "Only the app has lost the device?",
        "You need no factory reset. Hold <b>Timer</b> for 3 seconds to start Wi-Fi pairing.",
    )
    book.heading(2, "Restarting without losing settings")
    book.html(
        "<p>If the buttons do not react, pull the mains plug, wait 30 seconds and plug it in "
        "again. All settings are kept.</p>"
    )


def _trouble(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Troubleshooting")
    book.table(
        [
            ["What you notice", "Likely cause", "What to do"],
            [
                "The device does not switch on",
                "The cover is not closed",
                "Turn the cover to the right until it clicks",
            ],
            [
                "A whistling sound at Turbo",
                "Dust on the pre-filter",
                "Vacuum the grille, see page&#160;8",
            ],
            [
                "The ring stays purple in clean air",
                "Dirty sensor lens",
                "Wipe the lens with a dry cotton swab",
            ],
            [
                "A sour smell",
                "The carbon layer is saturated",
                "Air the room and replace the filter",
            ],
            ["The buttons do not react", "The child lock is on", "Hold Power for 3 seconds"],
            [
                "The app cannot find the device",
                "The phone uses 5 GHz Wi-Fi",
                "Switch the phone to 2.4 GHz",
            ],
            [
                "The ring blinks yellow",
                "An error is stored",
                "Read the code in the app and look it up in the list of error codes",
            ],
        ],
        (1.5, 1.3, 1.7),
    )
    book.heading(2, "When nothing helps")
    book.html(
        "<p>Write to service@hazelwick.example with the serial number from the foot of the "
        "device, or call the workshop on weekdays from 9 to 16 o'clock. Please do not open the "
        "motor housing.</p>"
    )
    book.callout(
        "note",
        "Sending the device in",
        "Pack it in its own carton, without the filter, and put a copy of the receipt inside.",
    )


def _data(book: Booklet) -> None:
    book.new_page()
    book.heading(1, "Technical data")
    book.table(
        [
            ["Property", "Value"],
            ["Model", "HW-B300"],
            ["Mains voltage", "220 to 240 V, 50/60 Hz"],
            ["Power consumption", "45 W at most, 0.8 W in standby"],
            ["Clean air delivery rate (CADR)", "310 m³/h"],
            ["Room size", "up to 38 m²"],
            ["Noise level", "24 to 52 dB(A)"],
            ["Filter", "HF-30: pre-filter, H13 HEPA, activated carbon"],
            ["Filter life", "up to 9 months"],
            ["Dust sensor", "laser, 0.3 µm and larger"],
            ["Wi-Fi", "2.4 GHz, 802.11 b/g/n"],
            ["Ambient temperature", "5 to 40 °C"],
            ["Size (width, depth, height)", "230 × 230 × 500 mm"],
            ["Weight", "5.4 kg"],
        ],
        (1.3, 2),
        pad=3.6,
    )
    book.heading(2, "Disposal")
    book.html(
        "<p>Do not put the device in the household waste. Take it to a collection point for "
        "electrical devices, or send it back to us: we take every Hazelwick device back free of "
        "charge.</p>"
    )
