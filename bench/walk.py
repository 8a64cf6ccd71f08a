"""A person's way through the app in a real browser: each click, file and text, with what it took."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Position

PATIENCE_MS = 180_000
# When something in the page was added, taken away or written anew since the click.
_WATCH = """
() => {
  window.moved = null;
  const begun = performance.now();
  const seen = new MutationObserver(() => {
    window.moved = (performance.now() - begun) / 1000;
    seen.disconnect();
  });
  seen.observe(document.querySelector('[data-testid=stAppViewContainer]'),
               {subtree: true, childList: true, characterData: true});
}
"""


class Walk:
    """The steps so far and what each took.

    Attributes
    ----------
    steps : list of dict
        ``click``, ``file`` or ``text`` with what it was; ``moved_s`` until something moved (clicks), ``done_s`` until
        the step was done, ``since_first_click_s``.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.begun = time.monotonic()
        self.steps: list[dict[str, Any]] = []

    def click(self, what: str, where: Locator, until: Callable[[], object], *, at: Position | None = None) -> None:
        """Click, wait until the step is done, and note when something moved."""
        where.wait_for(timeout=PATIENCE_MS)
        self.page.evaluate(_WATCH)
        clicked = time.monotonic()
        where.click(position=at)
        until()
        done = time.monotonic()
        self.page.wait_for_function("() => window.moved !== null")
        moved_s = self.page.evaluate("window.moved")
        self._note("click", what, done - clicked, moved_s=round(moved_s, 2))

    def give(self, what: str, where: Locator, path: Path, until: Callable[[], object]) -> None:
        """Choose a file and wait until the step is done."""
        begun = time.monotonic()
        where.set_input_files(path)
        until()
        self._note("file", what, time.monotonic() - begun)

    def write(self, what: str, key: str, text: str) -> None:
        """Fill in a text."""
        begun = time.monotonic()
        box = self.page.locator(f".st-key-{key}").locator("input, textarea").first
        box.fill(text, timeout=PATIENCE_MS)
        box.blur()
        self._note("text", what, time.monotonic() - begun)

    def save(self, what: str, where: Locator, path: Path) -> None:
        """Click for a download and keep it; what moves is the file."""
        begun = time.monotonic()
        with self.page.expect_download(timeout=PATIENCE_MS) as waiting:
            where.click(timeout=PATIENCE_MS)
        waiting.value.save_as(path)
        seconds = time.monotonic() - begun
        self._note("click", what, seconds, moved_s=round(seconds, 2))

    def _note(self, kind: str, what: str, seconds: float, **more: float) -> None:
        now = time.monotonic() - self.begun
        self.steps.append({kind: what, **more, "done_s": round(seconds, 2), "since_first_click_s": round(now, 2)})

    def count(self, kind: str) -> int:
        """Return how many steps were of a kind: ``click``, ``file`` or ``text``."""
        return sum(kind in step for step in self.steps)

    def slowest_to_move_s(self) -> float:
        """Return the longest time from a click until something moved."""
        return max(step["moved_s"] for step in self.steps if "moved_s" in step)

    def keyed(self, key: str) -> Locator:
        """Return the button of a widget with a key."""
        return self.page.locator(f".st-key-{key} button:visible").first

    def to_page(self, name: str) -> Locator:
        """Return the link to a page in the sidebar."""
        return self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True)

    def shown(self, where: Locator) -> Callable[[], None]:
        """Return how to wait for something to be seen."""
        return lambda: where.first.wait_for(timeout=PATIENCE_MS)
