"""The main job by clicking: from a DOI to a notebook beside the data, and back to it the next day."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from support.installation import Installation

DOI = "https://doi.org/10.5072/ALONGSIDE.AUTZEN"
POINTS = "110000"
#: reads the mounted file in JupyterLab's own kernel and says how many points it holds
CELL = "import laspy; print('points:', len(laspy.read('data/autzen_trim.laz').points))"


def sign_in(page: Page, place: Installation, account: str = "admin") -> None:
    page.goto(place.client.admin.sign_in_link(account).url)
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def search(page: Page, text: str) -> None:
    page.get_by_label("Search datasets").fill(text)
    expect(page.get_by_role("list", name="Datasets").get_by_role("listitem")).to_have_count(1)


def test_a_person_with_a_doi_works_beside_the_data_and_finds_the_notebook_again(
    place: Installation, visit: Callable[[], Page]
) -> None:
    page = visit()
    sign_in(page, place)
    search(page, DOI)
    page.get_by_role("button", name=re.compile("^Launch")).first.click()
    page.get_by_role("radio", name=re.compile("JupyterLab")).check(force=True)
    page.get_by_role("button", name="Launch JupyterLab").click()
    page.wait_for_url("**/runs/*")
    run = urlsplit(page.url).path.rpartition("/")[2]

    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open").or_(page.get_by_role("button", name="Open")).first.click(
            timeout=90_000
        )
    lab = opened.value
    lab.wait_for_url(re.compile(rf"^http://{run}\.localhost"))
    write_a_notebook(lab)

    stranger = visit()
    for path in ("/lab", "/api/contents", "/files/data/autzen_trim.laz"):
        answer = stranger.goto(origin(lab) + path)
        assert answer is not None
        assert answer.status == 401
    expect(stranger.get_by_text("JupyterLab")).to_have_count(0)

    page.bring_to_front()
    page.get_by_role("button", name="Stop").first.click()
    confirm = page.get_by_role("dialog").get_by_role("button", name=re.compile("Stop"))
    if confirm.count():
        confirm.click()
    expect(page.get_by_text("Stopped", exact=True).first).to_be_visible(timeout=30_000)
    lab.close()

    page.get_by_role("button", name="Start").first.click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open").or_(page.get_by_role("button", name="Open")).first.click(
            timeout=90_000
        )
    again = opened.value
    again.wait_for_url(re.compile(rf"^http://{run}\.localhost"))
    notebook = again.evaluate("fetch('/api/contents/Untitled.ipynb').then(answer => answer.text())")
    assert f"points: {POINTS}" in notebook, "the notebook with its output is still there"


def write_a_notebook(lab: Page) -> None:
    """New notebook → one cell → run → its output → saved; by the menu and the keyboard, as people do."""
    lab.goto(f"{origin(lab)}/lab?reset")
    lab.locator(".jp-LauncherCard[data-category='Notebook']").first.click(timeout=60_000)
    cell = lab.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    cell.click()
    lab.keyboard.type(CELL)
    lab.keyboard.press("Shift+Enter")
    expect(lab.locator(".jp-OutputArea-output", has_text=f"points: {POINTS}")).to_be_visible(timeout=60_000)
    lab.keyboard.press("Control+s")
    # JupyterLab asks once for a name; the one it proposes is kept.
    rename = lab.get_by_role("button", name=re.compile("Rename"))
    rename.or_(lab.locator(".jp-NotebookPanel:not(.jp-mod-dirty)")).first.wait_for()
    if rename.count():
        rename.click()
    lab.wait_for_function(
        """async () => (await (await fetch('/api/contents/Untitled.ipynb')).text()).includes('points: 1')""",
        timeout=20_000,
        polling=500,
    )


def origin(page: Page) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"
