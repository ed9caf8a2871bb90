"""Images at sites ahead of the first launch: each runner with a Docker Engine is asked to fetch them.

What is known of an image at a runner is its last errand; errands are forgotten after a while, and so is this.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alongside.errors import Conflict, Fault, Invalid
from alongside.hub import errands, sites, tools
from alongside.hub.store.database import Tx
from alongside.spec.accounts import Caller
from alongside.spec.errands import AskedErrand
from alongside.spec.images import ImagePull
from alongside.spec.sites import Runner, Site

KIND = "image"
EXECUTOR = "docker"
NAME_PATTERN = r"^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$"


def pull(
    tx: Tx,
    caller: Caller,
    site_name: str,
    now: datetime,
    *,
    image: str | None = None,
    tool: str | None = None,
) -> list[ImagePull]:
    """Have an image, or all those of a tool, fetched by each runner of a site; one under way goes on.

    Raises:
        SiteUnknown, ToolUnknown, ToolVersionUnknown
        Invalid: not one of the two is given, or the tool has no image.
        Conflict: no runner there has a Docker Engine that answers.
    """
    site = sites.get(tx, site_name, caller)
    if (image is None) == (tool is None):
        raise Invalid([Fault("image", "give an image or a tool, not both")])
    wanted = [image] if image is not None else _images_of(tx, caller, tool or "")
    runners = [runner for runner in site.runners if _can_pull(runner)]
    if not runners:
        raise Conflict(f"no runner of {site.name} has a Docker Engine that answers")
    under_way = {
        (item.body["image"], item.runner): item for item in errands.each(tx, KIND, site.id, open_only=True)
    }
    asked: list[AskedErrand] = []
    for name in wanted:
        for runner in runners:
            known = under_way.get((name, runner.id))
            if known is None:
                errand_id = errands.ask(tx, runner.id, KIND, site.id, {"image": name}, None, now)
                known = errands.get(tx, caller, errand_id)
            asked.append(known)
    return _shown(site, asked)


def page(tx: Tx, caller: Caller, site_name: str, after: str | None, limit: int) -> list[ImagePull]:
    """What was asked for last of each image at each runner, newest first.

    Raises:
        SiteUnknown
    """
    site = sites.get(tx, site_name, caller)
    newest: dict[tuple[str, str], AskedErrand] = {}
    for item in errands.each(tx, KIND, site.id):
        newest.setdefault((item.body["image"], item.runner), item)
    found = [item for item in newest.values() if after is None or item.id < after]
    return _shown(site, found)[:limit]


def _images_of(tx: Tx, caller: Caller, tool: str) -> list[str]:
    spec = tools.find(tx, caller, tool).spec
    found = list(dict.fromkeys(component.image for component in spec.components if component.image))
    if not found:
        raise Invalid([Fault("tool", f"{spec.name} {spec.version} has no image: it runs as processes")])
    return found


def _can_pull(runner: Runner) -> bool:
    return runner.state != "offline" and any(
        executor.kind == EXECUTOR and executor.available for executor in runner.executors
    )


def _shown(site: Site, found: Iterable[AskedErrand]) -> list[ImagePull]:
    names = {runner.id: runner.name for runner in site.runners}
    return [
        ImagePull(
            id=item.id,
            site=site.name,
            runner=names[item.runner],
            image=item.body["image"],
            state=item.state,
            progress=item.progress,
            message=item.message if item.is_open else "",
            created_at=item.created_at,
            updated_at=item.updated_at,
            reason_code=item.reason_code,
            reason=item.reason,
        )
        for item in found
        if item.runner in names
    ]
