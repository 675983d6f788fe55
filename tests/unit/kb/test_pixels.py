"""Sizes and pixels against qwen_vl_utils, Pillow and torchvision."""

from __future__ import annotations

import itertools
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
import torch
from made_contents import BROKEN, encoded, png
from PIL import Image
from qwen_vl_utils import vision_process
from qwen_vl_utils.vision_process import fetch_image, smart_resize
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as torchvision

from kb.content import Picture
from kb.errors import InferenceError
from kb.pixels import CELL_PX, Grid, PixelBudget, read_clip, read_picture

BUDGET = PixelBudget()
SIDES_PX = (1, 2, 15, 16, 31, 32, 33, 47, 48, 49, 63, 64, 80, 100, 255, 500, 719, 1080, 1280, 1440,
            2161, 4000, 9999)  # fmt: skip


def size_px(grid: Grid) -> tuple[int, int]:
    """As smart_resize gives it: height, width."""
    return grid.n_rows * CELL_PX, grid.n_columns * CELL_PX


def stored(data: bytes, width_px: int = 64, height_px: int = 64) -> Picture:
    return Picture(width_px, height_px, lambda: data)


def sizes() -> list[tuple[int, int]]:
    random = np.random.default_rng(0)
    fixed = [pair for pair in itertools.product(SIDES_PX, SIDES_PX) if max(pair) / min(pair) <= 200]
    drawn = random.integers(8, 6000, (2000, 2)).tolist()
    return fixed + [(width, height) for width, height in drawn if max(width, height) / min(
        width, height) <= 200]  # fmt: skip


class TestSizes:
    def test_a_picture_is_as_large_as_published(self) -> None:
        for width_px, height_px in sizes():
            expected = smart_resize(height_px, width_px, CELL_PX, 4096, 1_843_200)
            if 0 in expected:  # see the next test
                continue
            grid = BUDGET.picture(width_px, height_px)
            assert size_px(grid) == expected, (width_px, height_px)
            assert grid.n_steps == 1

    def test_a_long_strip_keeps_a_row(self) -> None:
        assert smart_resize(50, 9990, CELL_PX, 4096, 50_000)[0] == 0
        grid = PixelBudget(max_px=50_000).picture(9990, 50)
        assert (grid.n_rows, grid.n_columns) == (1, 98)

    def test_a_picture_keeps_to_the_budget(self) -> None:
        for width_px, height_px in sizes():
            width, height = BUDGET.picture(width_px, height_px).size_px
            assert width * height <= BUDGET.max_px
            assert width * height >= BUDGET.min_px

    @pytest.mark.parametrize("n_frames", [1, 2, 3, 5, 16, 31, 64, 200])
    def test_a_clip_is_as_large_as_published(self, n_frames: int) -> None:
        """By the arithmetic of ``fetch_video``; its own call is below."""
        n_even = n_frames + n_frames % 2
        min_px, total_px = 128 * CELL_PX**2, 7_864_320
        max_px = max(min(768 * CELL_PX**2, total_px / n_even * 2), int(min_px * 1.05))
        for width_px, height_px in sizes():
            grid = BUDGET.clip(width_px, height_px, n_frames)
            assert grid.n_steps == n_even // 2
            expected = smart_resize(height_px, width_px, CELL_PX, min_px, max_px)
            if 0 not in expected:
                assert size_px(grid) == expected, (width_px, height_px)

    @pytest.mark.parametrize("n_frames", [2, 6, 64])
    @pytest.mark.parametrize("size", [(64, 48), (150, 77), (640, 360), (1280, 90)])
    def test_fetch_video_agrees(
        self, n_frames: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        frames = torch.zeros(n_frames, 3, size[1], size[0], dtype=torch.uint8)
        monkeypatch.setattr(vision_process, "get_video_reader_backend", lambda: "made")
        monkeypatch.setitem(
            vision_process.VIDEO_READER_BACKENDS, "made", lambda _: (frames, {}, 1.0)
        )
        given = {"video": "a.mp4", "total_pixels": 7_864_320}
        found = vision_process.fetch_video(given, image_patch_size=16)
        assert isinstance(found, torch.Tensor)
        grid = BUDGET.clip(*size, n_frames)
        assert (2 * grid.n_steps, *size_px(grid)) == (len(found), *found.shape[-2:])

    @pytest.mark.parametrize("size", [(6401, 32), (32, 6401), (1, 201), (100_000, 1)])
    def test_an_extreme_shape_is_refused_with_its_numbers(self, size: tuple[int, int]) -> None:
        with pytest.raises(ValueError, match="aspect ratio"):
            smart_resize(size[1], size[0], CELL_PX, 4096, 1_843_200)
        for refused in (lambda: BUDGET.picture(*size), lambda: BUDGET.clip(*size, 2)):
            with pytest.raises(InferenceError, match=rf"{size[0]} x {size[1]} px.*Cut it"):
                refused()

    def test_the_longest_shape_that_is_read(self) -> None:
        assert BUDGET.picture(6400, 32).n_rows == 1


class TestPicture:
    @pytest.mark.parametrize("size", [(64, 64), (333, 77), (40, 40), (2000, 1100), (97, 410)])
    def test_pixels_are_the_published_ones(self, size: tuple[int, int]) -> None:
        image = encoded(*size)
        grid = BUDGET.picture(*size)
        expected = fetch_image(
            {"image": Image.open(BytesIO(image.data)), "min_pixels": 4096, "max_pixels": 1_843_200},
            image_patch_size=16,
        )
        np.testing.assert_array_equal(read_picture(Picture.of(image), grid)[0], expected)

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
    def test_every_mode_becomes_what_it_was_published_as(self, mode: str) -> None:
        image = Image.open(BytesIO(encoded(70, 50, seed=3).data))
        if mode == "RGBA":
            image.putalpha(Image.linear_gradient("L").resize(image.size))
        elif mode == "I;16":
            image = Image.fromarray(np.arange(3500, dtype=np.uint16).reshape(50, 70) * 18)
        else:
            image = image.convert(mode)
        buffer = BytesIO()
        image.save(buffer, "TIFF" if mode == "CMYK" else "PNG")
        found = read_picture(stored(buffer.getvalue(), 70, 50), Grid(1, 2, 2))[0]
        reopened = Image.open(BytesIO(buffer.getvalue()))
        assert reopened.mode == mode
        expected = fetch_image(
            {"image": reopened, "min_pixels": 4096, "max_pixels": 4096}, image_patch_size=16
        )
        assert found.shape == (64, 64, 3)
        np.testing.assert_array_equal(found, expected)

    def test_reading_leaves_the_filters_of_warnings_alone(self) -> None:
        # They are the process's, and pictures are read on threads.
        before = list(warnings.filters)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: read_picture(stored(encoded().data), Grid(1, 2, 2)), range(99)))
        assert list(warnings.filters) == before

    def test_what_is_clear_is_white(self) -> None:
        clear = stored(png(Image.new("RGBA", (64, 64), (200, 0, 0, 0))))
        assert (read_picture(clear, Grid(1, 2, 2)) == 255).all()

    @pytest.mark.filterwarnings("ignore:Palette images with Transparency")
    def test_a_palette_with_transparency(self) -> None:
        image = Image.new("P", (64, 64), 0)
        image.putpalette([10, 20, 30, 40, 50, 60])
        buffer = BytesIO()
        image.save(buffer, "PNG", transparency=b"\x00\x80")
        found = read_picture(stored(buffer.getvalue()), Grid(1, 2, 2))
        assert found[0, 0, 0].tolist() == [10, 20, 30]

    def test_the_size_of_the_file_may_differ_from_what_was_told(self) -> None:
        wrong = Picture(64, 64, lambda: encoded(90, 33).data)
        assert read_picture(wrong, BUDGET.picture(64, 64)).shape == (1, 64, 64, 3)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"GIF89a",
            b"not a picture at all",
            BROKEN.data,
            encoded(64, 64).data[:2000],
            encoded(64, 64).data[:40],
        ],
        ids=["empty", "gif head", "words", "png head", "half", "no pixels"],
    )
    def test_broken_bytes_are_named(self, data: bytes) -> None:
        for read in (
            lambda: read_picture(stored(data), Grid(1, 2, 2)),
            lambda: read_clip([stored(data)], Grid(1, 2, 2)),
        ):
            with pytest.raises(InferenceError, match=r"could not be decoded.*Save it anew") as e:
                read()
            assert e.value.__cause__ is not None

    @pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
    def test_damaged_bytes_are_read_or_named(self, format: str) -> None:
        random = np.random.default_rng(5)
        smooth = np.kron(random.integers(0, 256, (8, 8, 3)), np.ones((6, 6, 1))).astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(smooth).save(buffer, format)
        for _ in range(150):
            data = bytearray(buffer.getvalue())
            for place in random.integers(0, len(data), 4):
                data[place] = random.integers(0, 256)
            # Any other error would end a whole batch.
            with suppress(InferenceError):
                assert read_picture(stored(bytes(data)), Grid(1, 2, 2)).shape == (1, 64, 64, 3)

    def test_a_missing_file_is_named(self) -> None:
        def read() -> bytes:
            raise FileNotFoundError(2, "No such file", "ab.png")

        with pytest.raises(InferenceError, match=r"ab\.png.*kb doctor --repair"):
            read_picture(Picture(64, 64, read), Grid(1, 2, 2))


class TestClip:
    @pytest.mark.parametrize(
        ("size", "grid"),
        [
            ((64, 48), Grid(2, 3, 4)),
            ((200, 120), Grid(2, 2, 3)),
            ((128, 96), Grid(2, 3, 4)),
            ((31, 90), Grid(2, 9, 4)),
        ],
    )
    def test_pixels_are_the_published_ones(self, size: tuple[int, int], grid: Grid) -> None:
        images = [encoded(*size, seed=i) for i in range(4)]
        tensor = torch.stack(
            [
                torch.from_numpy(np.array(Image.open(BytesIO(image.data)))).permute(2, 0, 1)
                for image in images
            ]
        )
        expected = torchvision.resize(
            tensor, list(size_px(grid)), InterpolationMode.BICUBIC, antialias=True
        )
        found = read_clip([Picture.of(image) for image in images], grid)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected.permute(0, 2, 3, 1).numpy())

    def test_an_odd_last_frame_is_shown_twice(self) -> None:
        found = read_clip([Picture.of(encoded(64, 64, seed=i)) for i in range(3)], Grid(2, 2, 2))
        assert found.shape == (4, 64, 64, 3)
        np.testing.assert_array_equal(found[2], found[3])
        assert (found[1] != found[2]).any()

    def test_frames_of_other_sizes_take_the_first_ones_size(self) -> None:
        found = read_clip([Picture.of(encoded(64, 64)), Picture.of(encoded(90, 30))], Grid(1, 2, 2))
        assert found.shape == (2, 64, 64, 3)
