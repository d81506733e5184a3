"""Pages in a real browser, and what they say and ask for there."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page, sync_playwright

PATIENCE = 600
"""Seconds after which something hangs: a busy machine is slow."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """Return the path of a browser that is installed, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Return a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--disable-gpu"])
        yield browser
        browser.close()


def until(page: Page | Frame, condition: str) -> None:
    """Wait until a JavaScript condition holds: Playwright's own way needs eval, which the page's policy forbids."""
    latest = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        if time.monotonic() > latest:
            raise AssertionError(f"{PATIENCE} seconds have passed, and it does not hold that {condition}")
        page.wait_for_timeout(20)


@dataclass
class Opened:
    """A page that is open."""

    page: Page
    said: list[str] = field(default_factory=list)
    """Console messages, errors and dialogs."""
    requests: list[str] = field(default_factory=list)

    @property
    def charts(self) -> list[str]:
        """The ids of the pictures over training."""
        return self.page.eval_on_selector_all(".chart", "all => all.map(one => one.id)")

    def steps(self) -> dict[str, str]:
        """Scroll to each picture over training, wait until it shows what the slider says, and return that step."""
        wanted = self.page.evaluate(
            "JSON.parse(document.getElementById('replay-data').textContent)"
            ".steps[document.querySelector('#replay input').value]"
        )
        for chart in self.charts:
            self.page.locator(f"#{chart}").scroll_into_view_if_needed()
            until(self.page, f"document.getElementById('{chart}').dataset.step == {wanted}")
        return self.page.eval_on_selector_all(
            ".chart", "all => Object.fromEntries(all.map(one => [one.id, one.dataset.step]))"
        )

    def slide(self, frame: int) -> None:
        """Move the slider."""
        self.page.locator("#replay input").fill(str(frame))


@contextmanager
def opened(browser: Browser, what: Path | str, *, width: int = 1000, **options: object) -> Iterator[Opened]:
    """Open a file, or a text as a page, in a window so wide; options are Playwright's of a context."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)  # pyright: ignore
    page = context.new_page()
    found = Opened(page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: (found.said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: found.requests.append(request.url))
    if isinstance(what, Path):
        page.goto(what.resolve().as_uri())
    else:
        page.set_content(what)
    yield found
    context.close()
