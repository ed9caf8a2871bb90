"""What administrators do: people, tags, sites and runners."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alongside import values
from alongside.client.answers import Link, NewRegistrationToken
from alongside.client.errors import CallFailed
from alongside.client.transport import Transport, loaded, segment
from alongside.spec.accounts import Account, AccountClass, Group, Limits, Tag
from alongside.spec.admission import AuditEntry
from alongside.spec.images import ImagePull
from alongside.spec.sites import ResourceClass, Runner, Site

LOOK_S = 0.5


class Admin:
    def __init__(self, transport: Transport) -> None:
        self._hub = transport

    def accounts(self) -> Iterator[Account]:
        return (loaded(Account, item) for item in self._hub.pages("/accounts"))

    def account(self, name: str) -> Account:
        """By id or name."""
        return _named(self.accounts(), name) or loaded(Account, self._hub.get(f"/accounts/{segment(name)}"))

    def add_account(self, name: str, role: str, **more: Any) -> Account:
        """`more`: display_name, email, password, limits."""
        given = {key: value for key, value in more.items() if value is not None}
        return loaded(Account, self._hub.post("/accounts", {"name": name, "role": role, **given}))

    def change_account(self, name: str, changes: Mapping[str, Any]) -> Account:
        return loaded(Account, self._change(f"/accounts/{self.account(name).id}", changes))

    def sign_in_link(self, name: str) -> Link:
        return loaded(Link, self._hub.post(f"/accounts/{self.account(name).id}/sign-in-link"))

    def waiting(self) -> Iterator[Account]:
        """Those who ask for an account."""
        return (loaded(Account, item) for item in self._hub.pages("/accounts", standing="waiting"))

    def approve(self, name: str) -> Account:
        return loaded(Account, self._hub.post(f"/accounts/{self.account(name).id}/approve"))

    def refuse(self, name: str) -> Account:
        return loaded(Account, self._hub.post(f"/accounts/{self.account(name).id}/refuse"))

    def invite(self, *, group: str | None = None, **more: Any) -> str:
        """A link that admits, shown this once. `more`: email, uses, days, note, account_class."""
        given = {key: value for key, value in more.items() if value is not None}
        if group is not None:
            given["group"] = self.group(group).id
        return str(self._hub.post("/invitations", given)["url"])

    def audit(self, limit: int = 100) -> list[AuditEntry]:
        """What was done to accounts, newest first."""
        return [loaded(AuditEntry, item) for item in self._hub.get("/audit", limit=limit)["items"]]

    def groups(self) -> Iterator[Group]:
        return (loaded(Group, item) for item in self._hub.pages("/groups"))

    def group(self, name: str) -> Group:
        return _named(self.groups(), name) or loaded(Group, self._hub.get(f"/groups/{segment(name)}"))

    def add_group(self, name: str) -> Group:
        return loaded(Group, self._hub.post("/groups", {"name": name}))

    def delete_group(self, name: str) -> None:
        self._hub.call("DELETE", f"/groups/{self.group(name).id}")

    def add_member(self, group: str, account: str, *, manager: bool | None = None) -> None:
        """Put a person into a group; `manager` None leaves what a member is as it is."""
        path = f"/groups/{self.group(group).id}/members/{self.account(account).id}"
        self._hub.call("PUT", path, body={"manager": manager})

    def remove_member(self, group: str, account: str) -> None:
        self._hub.call("DELETE", f"/groups/{self.group(group).id}/members/{self.account(account).id}")

    def tags(self) -> Iterator[Tag]:
        return (loaded(Tag, item) for item in self._hub.pages("/tags"))

    def tag(self, name: str) -> Tag:
        return _named(self.tags(), name) or loaded(Tag, self._hub.get(f"/tags/{segment(name)}"))

    def add_tag(self, name: str, description: str = "") -> Tag:
        return loaded(Tag, self._hub.post("/tags", {"name": name, "description": description}))

    def delete_tag(self, name: str) -> None:
        self._hub.call("DELETE", f"/tags/{self.tag(name).id}")

    def grant_tag(self, name: str, *, account: str | None = None, group: str | None = None) -> None:
        """Let an account or a group see what carries the tag."""
        self._hub.call("PUT", self._holder(name, account, group))

    def withdraw_tag(self, name: str, *, account: str | None = None, group: str | None = None) -> None:
        self._hub.call("DELETE", self._holder(name, account, group))

    def put_tag(self, name: str, kind: str, thing: str) -> None:
        """From now on only those granted the tag see this dataset, tool or site."""
        self._hub.call("PUT", f"/tags/{self.tag(name).id}/things/{segment(kind)}/{segment(thing)}")

    def take_tag(self, name: str, kind: str, thing: str) -> None:
        self._hub.call("DELETE", f"/tags/{self.tag(name).id}/things/{segment(kind)}/{segment(thing)}")

    def sites(self) -> Iterator[Site]:
        return (loaded(Site, item) for item in self._hub.pages("/sites"))

    def site(self, name: str) -> Site:
        return loaded(Site, self._hub.get(f"/sites/{segment(name)}"))

    def add_site(self, name: str, **more: Any) -> Site:
        """`more`: title, description, edge_url."""
        given = {key: value for key, value in more.items() if value is not None}
        return loaded(Site, self._hub.post("/sites", {"name": name, **given}))

    def registration_token(self, site: str, **more: Any) -> NewRegistrationToken:
        """A token with which one or more runners can join the site. `more`: name, days."""
        given = {key: value for key, value in more.items() if value is not None}
        path = f"/sites/{segment(site)}/registration-tokens"
        return loaded(NewRegistrationToken, self._hub.post(path, given))

    def images(self, site: str) -> Iterator[ImagePull]:
        """What a site was asked to fetch lately, per image and runner, newest first."""
        return (loaded(ImagePull, item) for item in self._hub.pages(f"/sites/{segment(site)}/images"))

    def pull(self, site: str, *, image: str | None = None, tool: str | None = None) -> list[ImagePull]:
        """Have an image, or those of a tool, at each runner of a site before the first launch."""
        given = {key: value for key, value in {"image": image, "tool": tool}.items() if value is not None}
        answer = self._hub.post(f"/sites/{segment(site)}/images", given)
        return [loaded(ImagePull, item) for item in answer["items"]]

    def pulled(
        self, site: str, wanted: Sequence[ImagePull], told: Callable[[ImagePull], None] = lambda pull: None
    ) -> list[ImagePull]:
        """Wait until nothing of what was asked for is under way any more."""
        ids = {item.id for item in wanted}
        while True:
            found = [item for item in self.images(site) if item.id in ids]
            for item in found:
                told(item)
            if not any(item.state in ("queued", "running") for item in found):
                return found
            time.sleep(LOOK_S)

    def runners(self) -> Iterator[Runner]:
        return (loaded(Runner, item) for item in self._hub.pages("/runners"))

    def runner(self, name: str) -> Runner:
        """By its id, or by its name where only one site has a runner of that name."""
        named = [runner for runner in self.runners() if name in (runner.id, runner.name)]
        if len(named) > 1:
            places = ", ".join(f"{runner.id} at {runner.site}" for runner in named)
            raise CallFailed(f"{len(named)} runners are named {name!r}: {places}", hint="give the id")
        return named[0] if named else loaded(Runner, self._hub.get(f"/runners/{segment(name)}"))

    def drain(self, name: str, draining: bool = True) -> Runner:
        """Give a runner no new work; what it holds goes on."""
        return loaded(Runner, self._change(f"/runners/{self.runner(name).id}", {"draining": draining}))

    def label(self, name: str, labels: Sequence[str]) -> Runner:
        """Make these the labels that a runner carries beside its own."""
        changes = {"added_labels": list(labels)}
        return loaded(Runner, self._change(f"/runners/{self.runner(name).id}", changes))

    def resource_classes(self, site: str) -> Iterator[ResourceClass]:
        """The sizes of machine that a site offers."""
        return (loaded(ResourceClass, item) for item in self._hub.pages(f"/sites/{segment(site)}/classes"))

    def add_resource_class(
        self, site: str, name: str, *, cpus: float, memory_gb: float, **more: Any
    ) -> ResourceClass:
        """`more`: gpus, disk_gb, title, description, lifetime_s, labels, groups, account_classes, …"""
        given = {key: value for key, value in more.items() if value is not None}
        body = {"name": name, "cpus": cpus, "memory_gb": memory_gb, **given}
        return loaded(ResourceClass, self._hub.post(f"/sites/{segment(site)}/classes", body))

    def change_resource_class(self, site: str, name: str, changes: Mapping[str, Any]) -> ResourceClass:
        path = f"/sites/{segment(site)}/classes/{segment(name)}"
        return loaded(ResourceClass, self._change(path, changes))

    def delete_resource_class(self, site: str, name: str) -> None:
        self._hub.call("DELETE", f"/sites/{segment(site)}/classes/{segment(name)}")

    def account_classes(self) -> Iterator[AccountClass]:
        return (loaded(AccountClass, item) for item in self._hub.pages("/account-classes"))

    def put_account_class(self, name: str, title: str, limits: Limits) -> AccountClass:
        """Make a class of accounts, or change its limits."""
        body = {"title": title, "limits": values.dump(limits)}
        return loaded(AccountClass, self._hub.call("PUT", f"/account-classes/{segment(name)}", body=body))

    def delete_account_class(self, name: str) -> None:
        self._hub.call("DELETE", f"/account-classes/{segment(name)}")

    def delete_runner(self, name: str) -> None:
        self._hub.call("DELETE", f"/runners/{self.runner(name).id}")

    def _holder(self, tag: str, account: str | None, group: str | None) -> str:
        path = f"/tags/{self.tag(tag).id}"
        if account:
            return f"{path}/accounts/{self.account(account).id}"
        if group:
            return f"{path}/groups/{self.group(group).id}"
        raise ValueError("name an account or a group")

    def _change(self, path: str, changes: Mapping[str, Any]) -> Any:
        return self._hub.call("PATCH", path, body=dict(changes))


def _named(items: Iterator[Any], name: str) -> Any:
    return next((item for item in items if name in (item.id, item.name)), None)
