"""The first minute as a moving picture: from an empty home to predictions as Excel, with the seconds that it took.

    python -m tests.browser.moving docs/images/first_minute.gif

Each act is two pictures: what is clicked, and what comes of it. What is waited for is shown shorter than it is; the
clock in the corner says how long it was. A walk that other work on the machine slowed down has none.
"""

import io
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page, expect

from tests.browser.driver import Tab, new_tab, run_browser, run_server
from tests.browser.test_journey import keyed

_SIZE = (1200, 750)
_SHOWN = (960, 600)
_BAR = 40
_ACCENT, _MARK = (13, 110, 110), (224, 119, 22)
_MAX_BYTES = 2_000_000
_MOST_LIVE = 8
_CLOCK_UP_TO_S = 150
_FOUND = re.compile(r"\b\d+ of \d+\b|\b0\.\d{4}\b")  # models that are finished, and the best metric so far
_TRAIN_TIMEOUT_MS = 400_000
_CLICK_MS, _RESULT_MS, _LIVE_MS, _END_MS = 1_100, 1_900, 900, 4_000


@dataclass
class Film:
    """Pictures of a tab, each with words below it and the time since the first one."""

    page: Page
    begun: float = field(default_factory=time.monotonic)
    pictures: list[Image.Image] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)

    def take(self, words: str, duration_ms: int, at: Locator | None = None) -> None:
        """Take a picture; a frame shows what is clicked next."""
        with Image.open(io.BytesIO(self.page.screenshot())) as shot:
            picture = shot.convert("RGB").resize(_SHOWN, Image.Resampling.LANCZOS)
        box = at.bounding_box() if at is not None else None
        if box is not None:
            _mark(picture, box)
        self.pictures.append(picture)
        self.words.append(words)
        self.seconds.append(time.monotonic() - self.begun)
        self.durations.append(duration_ms)

    def click(self, words: str, target: Locator) -> None:
        """Take a picture of what is clicked, then click it."""
        expect(target).to_be_enabled(timeout=60_000)
        target.scroll_into_view_if_needed()
        self.take(words, _CLICK_MS, target)
        target.click()

    def save(self, path: Path) -> int:
        """Write the moving picture, with fewer colours when it is too large; return its size in bytes."""
        has_clock = self.seconds[-1] <= _CLOCK_UP_TO_S
        taken = zip(self.pictures, self.words, self.seconds, strict=True)
        framed = [_caption(picture, words, seconds if has_clock else None) for picture, words, seconds in taken]
        for colours in (128, 64, 48, 32, 24, 16):
            few = [picture.quantize(colours, dither=Image.Dither.NONE) for picture in framed]
            few[0].save(path, save_all=True, append_images=few[1:], duration=self.durations, loop=0, optimize=True)
            if path.stat().st_size < _MAX_BYTES:
                return path.stat().st_size
        raise ValueError(f"{path.name} is larger than {_MAX_BYTES:,} bytes")


def main(path: Path) -> None:
    """Walk through the first minute and keep it."""
    with (
        tempfile.TemporaryDirectory(prefix="bellwether-moving-") as name,
        run_browser() as browser,
        run_server(Path(name) / "home", BELLWETHER_H2O_MEMORY="2g") as server,
    ):
        tab = new_tab(browser, server, width=_SIZE[0], height=_SIZE[1])
        film = walk(tab)
        print(f"{len(film.pictures)} pictures, {film.save(path):,} bytes", *tab.errors, sep="\n")


def walk(tab: Tab) -> Film:
    """Take in the sample, train on it, see why, score the other file."""
    page = tab.open("/")
    film = Film(page)
    film.click("An empty home: try it with sample data", keyed(page, "home_sample").locator("button:visible").first)
    page.wait_for_url("**/train*", timeout=60_000)
    tab.settle()
    start = keyed(page, "train_start").locator("button:visible").first
    film.click("The target is chosen already: start", start)
    _live(tab, film)
    page = tab.open("/explain")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=_TRAIN_TIMEOUT_MS)
    tab.settle()
    page.wait_for_timeout(1_500)  # figures fade in
    film.take("Explain: what the best model relies on", _RESULT_MS)
    page = tab.open("/predict")
    film.click("Predict: a file of other customers", keyed(page, "predict_sample").locator("button:visible").first)
    film.click("It fits: predict", keyed(page, "predict_start").locator("button:visible").first)
    download = keyed(page, "predict_download").locator("button:visible").first
    expect(download).to_be_visible(timeout=120_000)
    tab.settle()
    download.scroll_into_view_if_needed()
    page.wait_for_timeout(1_500)
    film.take("The same rows with predictions, to download as Excel", _END_MS, download)
    return film


def _live(tab: Tab, film: Film) -> None:
    """Take a picture whenever another model is there, until the run has ended."""
    page, cancel = tab.page, keyed(tab.page, "train_cancel")
    expect(cancel).to_be_visible(timeout=60_000)
    seen: list[str] = []
    while cancel.count():
        found = _FOUND.findall(page.locator("[data-testid=stMain]").inner_text())
        if found != seen and len(film.pictures) < _MOST_LIVE:
            film.take("Models appear while they are built", _LIVE_MS)
            seen = found
        page.wait_for_timeout(1_000)
    tab.settle()
    page.wait_for_timeout(1_000)
    film.take("The best one leads, and can score at once", _RESULT_MS)


def _mark(picture: Image.Image, box: dict[str, float]) -> None:
    scale, margin = _SHOWN[0] / _SIZE[0], 5
    left, top = box["x"] * scale - margin, box["y"] * scale - margin
    right, bottom = left + box["width"] * scale + 2 * margin, top + box["height"] * scale + 2 * margin
    ImageDraw.Draw(picture).rounded_rectangle((left, top, right, bottom), radius=10, outline=_MARK, width=3)


def _caption(picture: Image.Image, words: str, seconds: float | None) -> Image.Image:
    """Return a picture with words below it, and the time since the first one."""
    framed = Image.new("RGB", (_SHOWN[0], _SHOWN[1] + _BAR), _ACCENT)
    framed.paste(picture, (0, 0))
    draw, font, middle = ImageDraw.Draw(framed), ImageFont.load_default(18), _SHOWN[1] + _BAR / 2
    draw.text((16, middle), words, fill="white", font=font, anchor="lm")
    if seconds is not None:
        clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        draw.text((_SHOWN[0] - 16, middle), clock, fill="white", font=font, anchor="rm")
    return framed


if __name__ == "__main__":
    main(Path(sys.argv[1]))
