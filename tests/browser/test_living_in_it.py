"""A person's first days by clicking: let in, keeps a package, shares a notebook, and shares it no more."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from support import wheels
from support.clicking import launch, new_notebook, open_tool, run_in_notebook, search, sign_in, stop
from support.installation import Installation

PASSWORD = "correct horse battery"
DOI = "https://doi.org/10.5072/ALONGSIDE.AUTZEN"
INSTALL = f"%pip install --no-index {wheels.WHEEL}"
INSTALLED = re.compile("installed keepsake|already satisfied: keepsake|keepsake is already installed")
IMPORT = "import keepsake; print('it is', 'there', keepsake.main())"
#: what JupyterLab's upload button does
UPLOAD = """([name, content]) => fetch(`/api/contents/${name}`, {
  method: 'PUT',
  headers: {'X-XSRFToken': (document.cookie.match(/_xsrf=([^;]*)/) || [])[1]},
  body: JSON.stringify({type: 'file', format: 'base64', name, content}),
}).then(answer => answer.status)"""
STATUS = "() => fetch('/api/contents').then(answer => answer.status)"
OUT_WITHIN_S = 1.0


def test_a_new_person_is_let_in_keeps_a_package_and_shares_the_notebook_until_revoking_it(
    place: Installation, visit: Callable[[], Page], tmp_path: Path
) -> None:
    page = visit()
    register(page, place, "nia")
    approve(visit(), place, "nia")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()

    search(page, DOI)
    run = launch(page, "JupyterLab")
    lab = open_tool(page, run)
    wheel = base64.b64encode(wheels.keepsake(tmp_path).read_bytes()).decode()
    assert lab.evaluate(UPLOAD, [wheels.WHEEL, wheel]) == 201
    new_notebook(lab)
    run_in_notebook(lab, INSTALL, INSTALLED)
    page.bring_to_front()
    stop(page)
    lab.close()
    page.get_by_role("button", name="Start").first.click()
    again = open_tool(page, run)
    new_notebook(again)
    run_in_notebook(again, IMPORT, "it is there")
    again.close()

    place.person("omar").close()
    page.bring_to_front()
    shared = page.get_by_role("region", name="Shared with")
    shared.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("omar")
    dialog.get_by_role("button", name="Share").click()
    expect(shared.get_by_text("omar")).to_be_visible()
    friend = visit()
    sign_in(friend, place, "omar")
    friend.goto(f"{place.url}/runs/{run}")
    theirs = open_tool(friend, run)
    assert theirs.evaluate(STATUS) == 200

    page.bring_to_front()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        shared.get_by_role("button", name="Revoke: omar").click()
    revoked = time.monotonic()
    while theirs.evaluate(STATUS) != 401:
        assert time.monotonic() - revoked < OUT_WITHIN_S, "omar is still in"


def register(page: Page, place: Installation, name: str) -> None:
    """Ask for an account, and stand before the door with it."""
    page.goto(f"{place.url}/sign-in")
    page.get_by_role("link", name="Register").click()
    expect(page.get_by_role("heading", name="Register")).to_be_visible()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)


def approve(admin: Page, place: Installation, name: str) -> None:
    sign_in(admin, place)
    admin.goto(f"{place.url}/admin/people")
    admin.get_by_role("button", name=f"Approve {name}").click()
    expect(admin.get_by_role("button", name=f"Approve {name}")).to_be_hidden()
