"""The pictures of the README and the tutorial, taken of a real installation: `make pictures`."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from support import demonstration  # noqa: E402
from support.installation import Installation  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    demo = demonstration.prepared()
    with (
        tempfile.TemporaryDirectory(prefix="alongside-pictures-") as folder,
        Installation(Path(folder), runner=demonstration.runner_settings(demo)) as place,
        sync_playwright() as playwright,
    ):
        Path(folder).chmod(0o755)
        demonstration.publish(demo, place.client)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(viewport=SIZE, locale="en-GB").new_page()
        page.goto(place.client.admin.sign_in_link("admin").url)
        take_all(page)
        browser.close()


def take_all(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Launch a tool on")).first.click()
    page.get_by_role("radio", name=re.compile("JupyterLab")).check(force=True)
    launch = page.get_by_role("button", name="Launch JupyterLab")
    launch.wait_for()
    page.wait_for_timeout(1_000)
    page.screenshot(path=IMAGES / "launch.png")
    launch.click()
    with page.expect_popup(timeout=60_000) as opened:
        page.get_by_role("button", name=re.compile("^Open")).or_(
            page.get_by_role("link", name=re.compile("^Open"))
        ).first.click(timeout=60_000)
    page.wait_for_timeout(500)
    page.screenshot(path=IMAGES / "run.png")
    lab = opened.value
    lab.set_viewport_size(SIZE)
    lab.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    lab.get_by_text("Kernel status: Idle").first.wait_for(state="attached", timeout=60_000)
    # Idle is said a moment before JupyterLab sends anything to the kernel.
    lab.wait_for_timeout(4_000)
    lab.locator(".jp-Notebook .jp-Cell").first.click()
    for _ in range(lab.locator(".jp-Notebook .jp-Cell").count()):
        lab.keyboard.press("Shift+Enter")
    plot = lab.locator(".jp-OutputArea-output img").first
    plot.wait_for(timeout=60_000)
    plot.scroll_into_view_if_needed()
    lab.wait_for_timeout(1_000)
    lab.screenshot(path=IMAGES / "notebook.png")


if __name__ == "__main__":
    main()
