"""How large a report is, and how long a browser takes to open it: python benchmarks/page.py runs/mainline/report.html.

Needs Chromium. Prints the median of some openings: until the page can be read and scrolled, and until its pictures over
training are drawn; with times of an empty page beside them, as the browser itself needs some.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

OPENINGS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="a report's HTML file")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser [%(default)s]")
    arguments = parser.parse_args()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--disable-gpu"])
        empty = Path(folder) / "empty.html"
        empty.write_text("<!DOCTYPE html><title>empty</title>")
        nothing, _ = opening(browser, empty)
        loaded, drawn = opening(browser, arguments.page)
        browser.close()
    print(f"{arguments.page}: {arguments.page.stat().st_size / 1e6:.1f} MB")
    print(f"loaded after {loaded:.2f} s (an empty page: {nothing:.2f} s)")
    if drawn is not None:
        print(f"first picture over training drawn after {drawn:.2f} s")


def opening(browser: Browser, path: Path) -> tuple[float, float | None]:
    """Return the median seconds until ``path`` is loaded, and until its first moving picture is drawn, if any."""
    loaded, drawn = [], []
    for _ in range(OPENINGS):
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        start = time.perf_counter()
        page.goto(path.resolve().as_uri())
        loaded.append(time.perf_counter() - start)
        if page.locator(".chart").count():
            start = time.perf_counter()
            page.locator(".chart").first.scroll_into_view_if_needed()
            while not page.evaluate("document.querySelector('.chart').dataset.step"):
                page.wait_for_timeout(5)
            drawn.append(time.perf_counter() - start + loaded[-1])
        page.close()
    return statistics.median(loaded), statistics.median(drawn) if drawn else None


if __name__ == "__main__":
    main()
