"""Files by clicking: a round trip through a home, and an output that becomes a dataset and is launched on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Page, expect

from alongside.cli.up import demo
from support.installation import Installation, task

#: leaves a small table in its outputs
LEAVE = """
import os, pathlib, sys
sys.stdin.read()
out = pathlib.Path(os.environ["ALONGSIDE_OUTPUT"]) / "march"
out.mkdir()
(out / "table.csv").write_text("x,y\\n1,2\\n")
"""


def sign_in(page: Page, place: Installation) -> None:
    page.goto(place.client.admin.sign_in_link("admin").url)
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def choose(page: Page, name: str) -> None:
    page.get_by_role("checkbox", name=f"Choose {name}", exact=True).check()


def test_a_file_goes_round_through_a_home(
    place: Installation, visit: Callable[[], Page], tmp_path: Path
) -> None:
    with_a_home(place)
    source = tmp_path / "notes.txt"
    source.write_text("first line\n")
    page = visit()
    sign_in(page, place)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Files").first.click()
    expect(page.get_by_role("table", name="Files")).to_be_visible()

    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload").click()
    chooser.value.set_files(source)
    look = page.get_by_role("button", name="Look at notes.txt")
    expect(look).to_be_visible()
    look.click()
    expect(page.get_by_label("Text", exact=True)).to_have_text("first line\n", use_inner_text=True)

    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Text of notes.txt").fill("second line\n")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("Text", exact=True)).to_contain_text("second line")

    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="New folder").click()
    page.get_by_role("dialog").get_by_label("Name").fill("kept")
    page.get_by_role("dialog").get_by_role("button", name="Make").click()
    expect(page.get_by_role("link", name="kept", exact=True)).to_be_visible()
    choose(page, "notes.txt")
    page.get_by_role("toolbar").get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_label("New path").fill("kept/moved.txt")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(look).to_have_count(0)
    page.get_by_role("link", name="kept", exact=True).click()
    moved = page.get_by_role("button", name="Look at moved.txt")
    expect(moved).to_be_visible()

    choose(page, "moved.txt")
    page.get_by_role("toolbar").get_by_role("button", name="Delete").click()
    expect(moved).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(moved).to_be_visible()

    choose(page, "moved.txt")
    with page.expect_download() as saved:
        page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    assert saved.value.suggested_filename == "moved.txt"
    assert Path(saved.value.path()).read_text() == "second line\n"


def test_an_output_is_saved_as_a_dataset_and_launched_on(
    place: Installation, visit: Callable[[], Page]
) -> None:
    spec = task("leave", LEAVE)
    place.publish(replace(spec, components=(replace(spec.components[0], environment=demo.ENVIRONMENT),)))
    run = place.client.runs.wait(place.client.launch("leave").id, timeout_s=90)
    page = visit()
    sign_in(page, place)
    page.goto(f"{place.url}/runs/{run.id}")
    page.get_by_role("link", name="Open in Files").click()
    expect(
        page.get_by_role("table", name="Files").get_by_role("link", name="march", exact=True)
    ).to_be_visible()
    choose(page, "march")
    page.get_by_role("toolbar").get_by_role("button", name="Save as dataset").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Lidar of March")
    dialog.get_by_role("button", name="Save", exact=True).click()
    dialog.get_by_role("link", name="Open the dataset").click()
    expect(page.get_by_role("heading", name="Lidar of March")).to_be_visible()
    expect(page.get_by_text("urn:uuid:").first).to_be_visible()

    page.get_by_role("button", name="Launch").first.click()
    page.get_by_role("radio", name="Terminal").check(force=True)
    page.get_by_role("button", name="Launch Terminal").click()
    page.wait_for_url("**/runs/*")
    launched = page.url.rpartition("/")[2]
    ready = place.word(launched, "Ready", "Failed", "Ended", within_s=90)
    assert ready.ready, ready.reason
    assert [(item.title, item.status) for item in ready.datasets] == [("Lidar of March", "mounted")]
    place.client.runs.delete(launched)


def with_a_home(place: Installation) -> None:
    """The administrator's, at the one site."""
    home = place.client.homes.make("local")
    place.until(lambda: not place.client.homes.show(home.id).busy, "the home is made")
