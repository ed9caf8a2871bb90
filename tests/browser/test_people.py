"""Coming in, as people do it: asking for an account, being approved; being a guest and coming back."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from support.installation import Installation

PASSWORD = "correct horse battery"


def test_who_registers_waits_is_approved_and_comes_in(place: Installation, visit: Callable[[], Page]) -> None:
    page = visit()
    page.goto(f"{place.url}/sign-in")
    page.get_by_role("link", name="Register").click()
    expect(page.get_by_role("heading", name="Register")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("eve")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Waiting for approval")).to_be_visible()
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("eve")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Not yet")).to_be_visible()

    admin = visit()
    admin.goto(place.client.admin.sign_in_link("admin").url)
    expect(admin.get_by_role("heading", name="Datasets")).to_be_visible()
    admin.goto(f"{place.url}/admin/people")
    admin.get_by_role("button", name="Approve eve").click()
    expect(admin.get_by_role("button", name="Approve eve")).to_be_hidden()
    expect(admin.get_by_role("table", name="What was done")).to_contain_text("approved")

    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_a_guest_comes_back_by_the_return_link_from_another_browser(
    place: Installation, visit: Callable[[], Page]
) -> None:
    page = visit()
    page.goto(f"{place.url}/sign-in")
    page.get_by_role("button", name="Continue as a guest").click()
    expect(page.get_by_text("You are a guest")).to_be_visible()
    name = page.evaluate("fetch('/api/v1/me').then(r => r.json()).then(me => me.account.name)")
    link = page.evaluate("fetch('/api/v1/me/return-link').then(r => r.json()).then(link => link.url)")
    elsewhere = visit()
    elsewhere.goto(link)
    expect(elsewhere.get_by_text("You are a guest")).to_be_visible()
    assert elsewhere.evaluate("fetch('/api/v1/me').then(r => r.json()).then(me => me.account.name)") == name
    assert "#" not in elsewhere.url, "the secret leaves the address"
