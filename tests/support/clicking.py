"""What people click, by the names they see: of the web app, and of JupyterLab."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from support.installation import Installation

CELL_RUNS_MAX = 6


def sign_in(page: Page, place: Installation, account: str = "admin") -> None:
    page.goto(place.client.admin.sign_in_link(account).url)
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def search(page: Page, text: str) -> None:
    page.get_by_label("Search datasets").fill(text)
    expect(page.get_by_role("list", name="Datasets").get_by_role("listitem")).to_have_count(1)


def launch(page: Page, tool: str) -> str:
    """Click Launch beside the dataset found, choose the tool; the id of the run whose page opens."""
    page.get_by_role("button", name=re.compile("^Launch")).first.click()
    page.get_by_role("radio", name=re.compile(tool)).check(force=True)
    page.get_by_role("button", name=re.compile(rf"^Launch ({tool}|another)")).click()
    page.wait_for_url("**/runs/*")
    return urlsplit(page.url).path.rpartition("/")[2]


def open_tool(page: Page, run: str) -> Page:
    """Wait until the tool is ready and open it in its new tab."""
    with page.expect_popup(timeout=100_000) as opened:
        page.get_by_role("button", name=re.compile("^Open .* in a new tab$")).first.click(timeout=90_000)
    tool = opened.value
    tool.wait_for_url(re.compile(rf"^http://{run}\.localhost"))
    return tool


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").first.click()
    confirm = page.get_by_role("dialog").get_by_role("button", name=re.compile("Stop"))
    if confirm.count():
        confirm.click()
    expect(page.get_by_text("Stopped", exact=True).first).to_be_visible()


def new_notebook(lab: Page) -> None:
    """The first card of JupyterLab's launcher: a Python notebook."""
    lab.goto(f"{origin(lab)}/lab?reset")
    lab.locator(".jp-LauncherCard[data-category='Notebook']").first.click()


def run_in_notebook(lab: Page, code: str, shows: str | re.Pattern[str]) -> None:
    """Type `code` into the last cell, and run it until `shows` stands below it."""
    cell = lab.locator(".jp-Notebook .jp-CodeCell .cm-content").last
    cell.click()
    lab.keyboard.press("Control+a")
    lab.keyboard.type(code)
    # Until the kernel's connection is up JupyterLab drops what is run, and a person runs it again.
    output = lab.locator(".jp-OutputArea-output", has_text=shows)
    for _ in range(CELL_RUNS_MAX):
        cell.click()
        lab.keyboard.press("Control+Enter")
        with suppress(PlaywrightTimeout):
            output.first.wait_for(timeout=10_000)
            break
    expect(output.first).to_be_visible()


def origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"
