"""The main job by clicking: from a DOI to a notebook beside the data, and back to it the next day."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from support.clicking import launch, new_notebook, open_tool, origin, run_in_notebook, search, sign_in, stop
from support.installation import Installation

DOI = "https://doi.org/10.5072/ALONGSIDE.AUTZEN"
POINTS = "110000"
#: reads the mounted file in JupyterLab's own kernel and says how many points it holds
CELL = "import laspy; print('points:', len(laspy.read('data/autzen_trim.laz').points))"
#: what a person's own program could try from the notebook's origin
WRITE_TO_DATA = """
fetch('/api/contents/data/autzen_trim.laz', {
  method: 'PUT',
  headers: {'X-XSRFToken': (document.cookie.match(/_xsrf=([^;]*)/) || [])[1]},
  body: JSON.stringify({type: 'file', format: 'text', content: 'overwritten'}),
}).then(answer => answer.status)
"""


def test_a_person_with_a_doi_works_beside_the_data_and_finds_the_notebook_again(
    place: Installation, visit: Callable[[], Page]
) -> None:
    page = visit()
    sign_in(page, place)
    search(page, DOI)
    run = launch(page, "JupyterLab")
    lab = open_tool(page, run)
    write_a_notebook(lab)

    stranger = visit()
    for path in ("/lab", "/api/contents", "/files/data/autzen_trim.laz"):
        answer = stranger.goto(origin(lab) + path)
        assert answer is not None
        assert answer.status == 401
    expect(stranger.get_by_text("JupyterLab")).to_have_count(0)

    page.bring_to_front()
    stop(page)
    lab.close()

    page.get_by_role("button", name="Start").first.click()
    again = open_tool(page, run)
    notebook = again.evaluate("fetch('/api/contents/Untitled.ipynb').then(answer => answer.text())")
    assert f"points: {POINTS}" in notebook, "the notebook with its output is still there"


def test_a_dataset_attached_to_a_running_notebook_appears_in_it_and_cannot_be_written(
    place: Installation, visit: Callable[[], Page]
) -> None:
    page = visit()
    sign_in(page, place)
    search(page, "LAS 1.3")
    run = launch(page, "JupyterLab")
    lab = open_tool(page, run)

    page.bring_to_front()
    page.get_by_role("button", name="Attach data").click()
    page.get_by_role("combobox", name="Dataset").or_(page.get_by_label("Dataset", exact=True)).first.fill(DOI)
    page.get_by_role("option", name=re.compile("trimmed")).click()
    page.get_by_role("dialog").get_by_role("button", name="Attach", exact=True).click()
    mode = "mounted, read-only" if os.geteuid() == 0 else "copied, writable"
    line = (
        page.get_by_role("list", name="Datasets of this run")
        .get_by_role("listitem")
        .filter(has_text="trimmed")
    )
    expect(line.get_by_text(mode)).to_be_visible()

    lab.bring_to_front()
    entry = lab.evaluate("fetch('/api/contents/data?content=1').then(answer => answer.json())")
    assert "autzen_trim.laz" in [file["name"] for file in entry["content"]], "no restart was needed"
    if os.geteuid() == 0:
        refused = lab.evaluate(WRITE_TO_DATA)
        assert refused >= 400, "a mounted dataset is read-only"


def test_the_same_person_runs_a_task_over_the_same_file_and_sees_its_picture(
    place: Installation, visit: Callable[[], Page]
) -> None:
    page = visit()
    sign_in(page, place)
    search(page, DOI)
    launch(page, "Point-cloud summary")
    expect(page.get_by_text("Ended", exact=True).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("statistics.json").first).to_be_visible()
    picture = page.get_by_role("img", name=re.compile("height")).first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 100


def write_a_notebook(lab: Page) -> None:
    """New notebook → one cell → run → its output → saved; by the menu and the keyboard, as people do."""
    new_notebook(lab)
    run_in_notebook(lab, CELL, f"points: {POINTS}")
    lab.keyboard.press("Control+s")
    # JupyterLab asks once for a name; the one it proposes is kept.
    rename = lab.get_by_role("button", name=re.compile("Rename"))
    rename.or_(lab.locator(".jp-NotebookPanel:not(.jp-mod-dirty)")).first.wait_for()
    if rename.count():
        rename.click()
    lab.wait_for_function(
        """async () => (await (await fetch('/api/contents/Untitled.ipynb')).text()).includes('points: 1')""",
        polling=500,
    )
