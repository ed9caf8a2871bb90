"""Following a run on its way: one line that moves on a terminal, lines elsewhere."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from alongside.cli import screen
from alongside.client import Client
from alongside.client.answers import Progress as Step
from alongside.client.errors import RunFailed


def follow_progress(client: Client, run: str) -> Step:
    """Show each step until the run is ready or has ended.

    Raises:
        RunFailed: with the reason the page shows too.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    step = Step()
    said = ""
    with Progress(*columns, console=screen.err, transient=True, disable=not screen.err.is_terminal) as bar:
        shown = bar.add_task("Waiting", total=100)
        for step in client.runs.progress(run):
            text = _told(step)
            bar.update(shown, completed=step.progress, description=text.replace("[", r"\["))
            if not screen.err.is_terminal and text != said:
                screen.say(text)
            said = text
    if step.failed:
        found = client.runs.show(run)
        raise RunFailed(f"the run failed: {found.reason or step.message or found.state}", run)
    return step


def _told(step: Step) -> str:
    word = step.word or step.state or ""
    return word if step.message == word else f"{word}: {step.message}".strip(": ")
