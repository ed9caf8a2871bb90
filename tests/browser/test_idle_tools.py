"""Two JupyterLabs, real ones: in one a kernel works and nobody looks, of the other only a tab is open."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Page, expect

from alongside.spec.runs import Run, RunRequest
from support.installation import Installation

#: long enough to be opened on a machine that is busy with other things
IDLE_S = 20.0
LAB = Path(__file__).resolve().parents[2] / "deploy" / "tools" / "jupyterlab.yaml"
#: a kernel that is given something to do, over the connection that a notebook would use
WORK = """async () => {
  const xsrf = (document.cookie.match(/_xsrf=([^;]*)/) || [])[1];
  const made = await fetch('/api/kernels', {method: 'POST', headers: {'X-XSRFToken': xsrf}, body: '{}'});
  const kernel = (await made.json()).id;
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/kernels/${kernel}/channels`);
  await new Promise((opened, failed) => { socket.onopen = opened; socket.onerror = failed; });
  const header = {msg_id: 'work', msg_type: 'execute_request', session: 'test', username: ''};
  const content = {code: 'import time; time.sleep(3600)', silent: false, allow_stdin: false};
  const message = {header, parent_header: {}, metadata: {}, channel: 'shell', content, buffers: []};
  socket.send(JSON.stringify(message));
  for (;;) {
    const kernels = await (await fetch('/api/kernels')).json();
    if (kernels.some(item => item.execution_state === 'busy')) return kernels.length;
    await new Promise(again => setTimeout(again, 250));
  }
}"""


def test_a_busy_kernel_goes_on_and_an_open_tab_that_nobody_uses_is_paused_after_a_warning(
    place: Installation, visit: Callable[[], Page]
) -> None:
    spec: dict[str, Any] = yaml.safe_load(LAB.read_text())
    place.client.tools.publish({**spec, "name": "watched-lab", "title": "Watched lab", "idle_s": IDLE_S})
    # One after the other: neither may idle while the other is opened on a slow machine.
    busy = place.client.runs.launch(RunRequest("watched-lab", title="busy"))
    working = opened(place, visit, busy)
    assert working.evaluate(WORK) == 1
    working.close()
    before = warnings(place, busy)
    idle = place.client.runs.launch(RunRequest("watched-lab", title="idle"))
    tab = opened(place, visit, idle)
    expect(tab.locator("#jp-main-dock-panel")).to_be_visible()

    paused = place.until(lambda: ended(place, idle), "the idle one is paused", within_s=200)
    assert paused is not None
    assert (paused.state, paused.reason_code) == ("paused", "idle")
    assert "nothing happened in it" in paused.reason
    assert warnings(place, idle), "its owner was told before"
    assert place.client.runs.show(busy.id).ready
    assert warnings(place, busy) == before, "it works, and nobody is asked to keep it"
    assert not tab.is_closed(), "the tab was open all the time"

    page = visit()
    page.goto(place.client.admin.sign_in_link("admin").url)
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    page.goto(f"{place.url}/runs/{idle.id}")
    expect(page.get_by_text(re.compile("nothing happened in it")).first).to_be_visible()
    place.client.runs.stop(busy.id)


def opened(place: Installation, visit: Callable[[], Page], run: Run) -> Page:
    """The tool in a browser of its own, as soon as it is ready."""
    place.word(run.id, "Ready", within_s=120)
    page = visit()
    page.goto(place.client.runs.access(run.id).ticket_url)
    page.wait_for_url(re.compile(rf"^http://{run.id}\.localhost"))
    return page


def ended(place: Installation, run: Run) -> Run | None:
    found = place.client.runs.show(run.id)
    return None if found.state == "running" else found


def warnings(place: Installation, run: Run) -> list[str]:
    events = place.client.runs.events(run.id)
    return [event.message for event in events if event.kind == "idle" and "it pauses in" in event.message]
