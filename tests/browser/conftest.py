"""A real Chromium in front of a whole installation with the demonstration in it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from support import demonstration
from support.installation import Installation

ROOT = Path(__file__).resolve().parents[2]
#: how long a page may take on a machine that runs everything at once
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: where a failed test leaves what the page looked like
PICTURES = ROOT / ".cache" / "pictures"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    demo = demonstration.prepared()
    with Installation(
        tmp_path_factory.mktemp("browser"),
        # room for a tool of each test: they stay until the end
        runner={
            **demonstration.runner_settings(demo),
            "executors": ("alongside.runner.executors.process",),
            "memory_gb": 16.0,
        },
        dispatcher={"lease_ttl_s": 15.0, "sync_every_s": 1.0},
        accounts={"registration": "approval", "sign_in": ("password", "open")},
        # tools that say how long they may be idle; of others it is hours
        culling={"look_s": 2.0, "warn_s": 6.0},
    ) as place:
        demonstration.publish(demo, place.client)
        yield place


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs Debian's chromium")
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[], Page]]:
    """Opens a browser of its own (no cookies); when the test fails, tells what its pages showed."""
    contexts: list[BrowserContext] = []

    def open_browser() -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context.new_page()

    yield open_browser
    failed = getattr(request.node, "failed_call", False)
    for number, context in enumerate(contexts):
        for index, page in enumerate(context.pages):
            if failed:
                PICTURES.mkdir(parents=True, exist_ok=True)
                with suppress(Error):
                    sys.stdout.write(f"\n── {page.url}\n{page.inner_text('body', timeout=5_000)[:2_000]}\n")
                    page.screenshot(path=PICTURES / f"{request.node.name}-{number}-{index}.png")
        context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if report.when == "call":
        item.failed_call = report.failed  # type: ignore[attr-defined]
    return report
