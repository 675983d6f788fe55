"""A film of three minutes without sound, its scenes at known seconds, with subtitles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from scripts.samples import products
from scripts.samples.canvas import Canvas

WIDTH_PX, HEIGHT_PX, FPS = 640, 360, 10
DURATION_S = 180


@dataclass(frozen=True)
class Scene:
    """One scene: drawn once by `still`, and again for each frame by `move` with its progress."""

    start_s: int
    title: str
    caption: str
    ground: tuple[str, str]
    still: Callable[[Canvas], None]
    move: Callable[[Canvas, float], None]


SUBTITLES = (
    (1, 6, "Welcome. In three minutes you will know your Breeze 300."),
    (6, 11, "We show every step from the carton to the first clean night."),
    (13, 19, "Cut the tape with scissors, not with a knife: the filter film lies right below."),
    (20, 27, "Lift the device out by its foot. It weighs five kilograms and a half."),
    (28, 35, "Keep the carton in the cellar for the day you move house."),
    (37, 44, "The device draws air in all round, so leave thirty centimetres on every side."),
    (45, 52, "Do not hide it behind the sofa. The best place is between door and bed."),
    (53, 59, "Humidifiers should stand two metres away."),
    (61, 68, "Turn the cover to the left and pull the filter out by its strap."),
    (69, 76, "Take off the film, and write today's date on the strap with a felt pen."),
    (77, 83, "Push the filter in and turn the cover until it clicks."),
    (84, 91, "Now the factory reset, for the day you give the device to somebody else."),
    (92, 99, "Hold Mode and Timer together for seven seconds."),
    (100, 106, "When the ring flashes white three times, let go of both buttons."),
    (107, 111, "Wait twenty seconds. The device starts afresh on its own."),
    (113, 120, "Every two months the dust sensor wants to be cleaned."),
    (121, 129, "Open the flap and wipe the lens with a dry cotton swab, from left to right."),
    (130, 137, "Never spray anything into the opening."),
    (139, 146, "For the app, hold Timer for three seconds until the ring turns slowly."),
    (147, 155, "Hold your phone close to the ring and enter the password of your network."),
    (156, 163, "The app then suggests a name for the room. You can change it later."),
    (165, 172, "That was all. The manual has the details, in English and in Chinese."),
    (173, 179, "Good night, and sleep well."),
)


def write(folder: Path) -> None:
    """Write the film and its subtitles into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "Breeze 300 in three minutes"
    lines = [
        f"{i}\n{_clock(start)} --> {_clock(end)}\n{text}\n"
        for i, (start, end, text) in enumerate(SUBTITLES, 1)
    ]
    (folder / f"{name}.srt").write_text("\n".join(lines), "utf-8")
    with av.open(str(folder / f"{name}.mp4"), "w", options={"movflags": "+faststart"}) as film:
        film.metadata["title"] = name
        stream = film.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        stream.codec_context.thread_count = 1
        stream.options = {"crf": "27", "preset": "slow", "g": str(5 * FPS), "tune": "animation"}
        ends = [scene.start_s for scene in SCENES[1:]] + [DURATION_S]
        for number, (scene, end_s) in enumerate(zip(SCENES, ends, strict=True)):
            base = _base(scene, number)
            n_frames = (end_s - scene.start_s) * FPS
            for i in range(n_frames):
                picture = _frame(scene, base, i / n_frames, scene.start_s + i / FPS)
                frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
                film.mux(stream.encode(frame))
        film.mux(stream.encode())


def _clock(seconds: int) -> str:
    return f"00:{seconds // 60:02}:{seconds % 60:02},000"


def _base(scene: Scene, number: int) -> Canvas:
    c = Canvas(WIDTH_PX, HEIGHT_PX, scene.ground)
    scene.still(c)
    c.rect((0, 0, WIDTH_PX, 74), "#14252b", opacity=0.92)
    c.text((24, 37), scene.title, 32, "#ffffff", True, "lm")
    if 0 < number < len(SCENES) - 1:
        c.circle(600, 37, 20, "#f0b04c")
        c.text((600, 37), str(number), 22, "#14252b", True, "mm")
    c.text((24, 318), scene.caption, 21, "#14252b", True, "lm")
    return c


def _frame(scene: Scene, base: Canvas, progress: float, time_s: float) -> Image.Image:
    c = Canvas.__new__(Canvas)
    c.width_px, c.height_px, c.picture = WIDTH_PX, HEIGHT_PX, base.picture.copy()
    scene.move(c, progress)
    c.rect((0, 352, WIDTH_PX, 360), "#cfd9d6")
    c.rect((0, 352, WIDTH_PX * time_s / DURATION_S, 360), "#1f6f68")
    return c.finish()


def _ring(c: Canvas, x: float, top: float, h: float, light: str) -> None:
    w = h * 0.46
    tilt, inset = w * 0.13, w * 0.07
    c.arc(
        (x - w / 2 + inset, top + inset * 0.27, x + w / 2 - inset, top + tilt * 2 - inset * 0.27),
        0,
        360,
        light,
        w * 0.035,
    )


def _still_device(c: Canvas) -> None:
    products.purifier(c, 480, 296, 204)


def _breathe(c: Canvas, progress: float) -> None:
    for i in range(5):
        at = (progress * 4 + i / 5) % 1
        c.circle(
            480 + 14 * math.sin(at * 6 + i), 90 - at * 26 + 8, 3 + 2 * at, "#ffffff", 0.7 * (1 - at)
        )
    for k, text in enumerate(("Unpack", "Set up", "Care", "Reset")):
        c.text(
            (60, 112 + k * 46),
            text,
            24,
            "#ffffff" if int(progress * 8) % 4 == k else "#2f6f68",
            True,
        )


def _still_carton(c: Canvas) -> None:
    c.ellipse((150, 262, 520, 306), "#000000", 0.3, blur=8)
    c.polygon([(190, 170), (440, 170), (440, 290), (190, 290)], ("#cda673", "#b88d57"))
    c.polygon([(440, 170), (496, 140), (496, 260), (440, 290)], ("#a97d49", "#8c6436"))
    c.text((315, 226), "hazelwick", 30, "#6d4a25", True, "mm")
    c.text((315, 262), "BREEZE 300", 18, "#6d4a25", anchor="mm")


def _unbox(c: Canvas, progress: float) -> None:
    lift = min(progress * 1.6, 1) * 46
    box = c.picture.crop((190 * 3, 170 * 3, 500 * 3, 290 * 3))
    products.purifier(c, 330, 286 - lift, 150)
    c.picture.paste(box, (190 * 3, 170 * 3))
    c.polygon([(190, 170), (150, 128 + lift / 4), (210, 128 + lift / 4), (250, 170)], "#dab988")
    c.polygon([(440, 170), (480, 128 + lift / 4), (540, 118 + lift / 4), (496, 140)], "#dab988")


def _still_room(c: Canvas) -> None:
    c.rect((0, 240, 640, 300), ("#c39a6b", "#a67a4c"))
    c.rect((40, 110, 60, 240), "#9fb3b0")
    c.rect((430, 170, 620, 262), ("#7d97a6", "#66808f"), 18)
    c.rect((450, 150, 600, 200), ("#89a2b0", "#728c9b"), 14)


def _distances(c: Canvas, progress: float) -> None:
    x = 150 + 90 * min(progress * 2, 1)
    products.purifier(c, x, 276, 150)
    for end in (64.0, 426.0):
        start = x - 40 if end < x else x + 40
        c.line([(start, 226), (end, 226)], "#1f6f68", 3)
        c.text(((start + end) / 2, 212), "30 cm", 18, "#14252b", True, "mm")


def _still_cover(c: Canvas) -> None:
    products.purifier(c, 190, 296, 204)
    c.rect((300, 118, 560, 286), "#ffffff", 16, 0.55)
    for i, (ink, name) in enumerate(
        (("#9fb3b0", "pre-filter"), ("#f4f7f8", "HEPA H13"), ("#3a4349", "carbon"))
    ):
        c.text((330, 142 + i * 44), name, 19, "#14252b")
        c.rect((450, 138 + i * 44, 540, 166 + i * 44), ink, 6)


def _push_filter(c: Canvas, progress: float) -> None:
    x = 300 - 80 * min(progress * 1.5, 1)
    c.rect((x, 176, x + 70, 276), ("#dfe5e6", "#9fb3b0", "#dfe5e6"), 8, across=True)
    for k in range(6):
        c.line([(x + 8 + k * 11, 184), (x + 8 + k * 11, 268)], "#7c8a90", 2)
    c.text((x + 35, 226), "HF-30", 15, "#14252b", True, "mm")


def _still_panel(c: Canvas) -> None:
    products.purifier(c, 110, 296, 200)
    c.rect((210, 112, 620, 232), "#27343b", 26)
    for i, name in enumerate(("Power", "Mode", "Timer", "Filter")):
        c.circle(266 + i * 99, 158, 27, "#36464e")
        c.text((266 + i * 99, 210), name, 20, "#ffffff", True, "mm")


def _reset(c: Canvas, progress: float) -> None:
    seconds = progress * 28
    held = 6 <= seconds < 15
    if held:
        c.circle(365, 158, 27, "#f0b04c")
        c.circle(464, 158, 27, "#f0b04c")
        c.text(
            (415, 266),
            f"{min(7, int((seconds - 6) * 7 / 8))} of 7 seconds",
            26,
            "#14252b",
            True,
            "mm",
        )
    elif 15 <= seconds < 22:
        if int(seconds) % 2 == 0:
            _ring(c, 110, 96, 200, "#ffffff")
        c.text((415, 266), "White, three times", 26, "#14252b", True, "mm")
    elif seconds >= 22:
        c.text((415, 266), "Wait 20 seconds", 26, "#14252b", True, "mm")
    else:
        c.text((415, 266), "Mode + Timer", 26, "#14252b", True, "mm")


def _still_sensor(c: Canvas) -> None:
    c.rect((60, 96, 580, 290), ("#e9eced", "#ffffff", "#dde2e4"), 20, across=True)
    c.rect((220, 150, 420, 240), "#2b3338", 16)
    c.circle(320, 195, 30, ("#6f8fa8", "#1d2b33"))
    c.circle(310, 185, 8, "#ffffff", 0.8)
    c.polygon([(220, 150), (420, 150), (410, 112), (230, 112)], ("#cfd6d9", "#b9c4c2"))


def _wipe(c: Canvas, progress: float) -> None:
    x = 270 + 100 * (0.5 - 0.5 * math.cos(progress * 24))
    c.line([(x, 198), (x + 150, 278)], "#e9dcb8", 8)
    c.ellipse((x - 22, 182, x + 22, 212), ("#ffffff", "#dfe6e4"))


def _still_phone(c: Canvas) -> None:
    products.purifier(c, 190, 296, 204)
    c.rect((390, 90, 500, 296), "#14252b", 16)
    c.rect((398, 102, 492, 284), ("#eaf3f1", "#cfe6e2"), 8)
    c.text((445, 128), "Add device", 15, "#14252b", True, "mm")
    c.rect((412, 246, 478, 270), "#1f6f68", 12)
    c.text((445, 258), "Next", 14, "#ffffff", True, "mm")


def _waves(c: Canvas, progress: float) -> None:
    for k in range(3):
        if int(progress * 26) % 4 > k:
            r = 22 + k * 22
            c.arc((262 - r, 186 - r, 262 + r, 186 + r), -45, 45, "#2f9be8", 6)
    c.circle(445, 190, 34, "#ffffff")
    c.arc((411, 156, 479, 224), -90, -90 + 360 * progress, "#1f6f68", 7)


def _still_night(c: Canvas) -> None:
    rng = np.random.default_rng(2)
    for _ in range(70):
        c.circle(rng.uniform(0, 640), rng.uniform(80, 240), rng.uniform(0.5, 1.6), "#ffffff", 0.8)
    c.circle(540, 130, 28, "#fdf3d0")
    c.rect((0, 296, 640, 360), "#dfe6e3")
    products.purifier(c, 320, 290, 190)


def _glow(c: Canvas, progress: float) -> None:
    _ring(c, 320, 100, 190, "#2f9be8" if int(progress * 16) % 2 else "#bfe0fb")


SCENES = (
    Scene(
        0,
        "Breeze 300 in three minutes",
        "A film by Hazelwick",
        ("#b9d5d0", "#e3efec"),
        _still_device,
        _breathe,
    ),
    Scene(12, "Unboxing", "Scissors, not a knife", ("#f3e6d8", "#e9d6c0"), _still_carton, _unbox),
    Scene(
        36,
        "Choosing a place",
        "Leave 30 cm on every side",
        ("#dfe6e3", "#d3dedb"),
        _still_room,
        _distances,
    ),
    Scene(
        60,
        "Fitting the filter",
        "Date on the strap",
        ("#dcebf5", "#c6dcea"),
        _still_cover,
        _push_filter,
    ),
    Scene(
        84,
        "Factory reset",
        "Mode and Timer, 7 seconds",
        ("#fbeed6", "#f3ddb2"),
        _still_panel,
        _reset,
    ),
    Scene(
        112,
        "Cleaning the sensor",
        "Dry cotton swab, every two months",
        ("#d9efe4", "#bfe0d0"),
        _still_sensor,
        _wipe,
    ),
    Scene(
        138,
        "Pairing your phone",
        "Hold Timer for 3 seconds",
        ("#e6e3f3", "#cfcae8"),
        _still_phone,
        _waves,
    ),
    Scene(164, "Good night", "hazelwick.example", ("#131a2b", "#3b4468"), _still_night, _glow),
)
"""In order; each ends where the next starts."""
