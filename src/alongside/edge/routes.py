"""Which runs this edge serves, who may reach them, and when they were last used.

Every change is on disk and in memory before the proxy is told: a proxy that comes up later asks for
`doors()`, so there is one truth.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

import structlog

from alongside.edge.activity import Activity, Meter
from alongside.edge.proxy import Address, Door, Proxy
from alongside.edge.records import Route, RouteFiles, Secret
from alongside.edge.tickets import Ticket
from alongside.errors import Forbidden, RunUnknown, StateConflict, Unauthenticated, Unavailable

log = structlog.get_logger("edge")

SECRET_BYTES = 32
#: browsers and programs of one person on one run; the oldest makes room
SECRETS_PER_GRANTEE = 16
#: a renewal is written when it moves the end by this part of the lifetime
RENEWAL_STEP = 1 / 16
#: key of the slot that a run holds before anybody uses it, and of a revocation that means everybody
ANYBODY = ""


class Routes:
    """Operations on routes, one at a time; the caller names the time."""

    def __init__(
        self, files: RouteFiles, proxy: Proxy, meter: Meter, *, slots: int, secret_life_s: float
    ) -> None:
        self._files = files
        self._proxy = proxy
        self._meter = meter
        self._total = slots
        self._life_s = secret_life_s
        self._routes = {route.run: route for route in files.read()}
        self._turn = asyncio.Lock()
        used = {slot for route in self._routes.values() for slot in route.slots.values()}
        #: first freed, first used again: the longest rest for each
        self._free = deque(slot for slot in range(1, slots + 1) if slot not in used)

    async def start(self) -> None:
        """Drop what the settings no longer allow, and start the proxy with the rest."""
        for route in list(self._routes.values()):
            if any(slot > self._total for slot in route.slots.values()):
                self._keep(self._with_slots(replace(route, slots={})))
        await self._proxy.start(self.doors)
        await self._meter.begin(self._used_slots())

    def doors(self) -> Sequence[Door]:
        return [door for route in self._routes.values() for door in _doors(route)]

    def slots(self) -> tuple[int, int]:
        """How many are in use, and of how many."""
        return self._total - len(self._free), self._total

    def all(self) -> Iterable[Route]:
        return self._routes.values()

    def get(self, run: str) -> Route:
        """
        Raises:
            RunUnknown: no such route.
        """
        if run not in self._routes:
            raise RunUnknown(f"this edge has no route for run {run}")
        return self._routes[run]

    def holder(self, run: str, secret: str) -> Secret | None:
        """Who carries this secret, if it opens this run (even while the run is stopped)."""
        digest = _digest(secret)
        route = self._routes.get(run)
        return next((item for item in route.secrets if item.digest == digest), None) if route else None

    async def publish(self, run: str, address: Address, open_path: str) -> Route:
        """Send the run's visitors to this address from now on.

        Raises:
            Unavailable: every slot is in use.
        """
        async with self._turn:
            old = self._routes.get(run, Route(run))
            moved = bool(old.address) and old.address != str(address)
            route = self._with_slots(replace(old, address=str(address), open_path=open_path))
            self._keep(route)
            if moved:
                await self._proxy.drop(_doors(old))
                await self._proxy.close(old.slots.values())
            await self._meter.begin(set(route.slots.values()) - set(old.slots.values()))
            await self._proxy.add(_doors(route))
            return route

    async def withdraw(self, run: str, *, keep_secrets: bool) -> None:
        """Let nobody in any more and close what is open; secrets may be kept for the next start."""
        async with self._turn:
            old = self.get(run)
            if keep_secrets:
                self._keep(replace(old, address="", slots={}))
            else:
                self._forget(run)
            await self._proxy.drop(_doors(old))
            await self._proxy.close(old.slots.values())
            await self._meter.end(run, old.slots.values(), forget=not keep_secrets)

    async def grant(self, ticket: Ticket, now: float) -> tuple[str, float]:
        """A new secret for the person a ticket names, and when it ends.

        Raises:
            RunUnknown, StateConflict: the run is not here, or stopped.
            Unauthenticated: the person was shut out after the ticket was made.
            Unavailable: every slot is in use.
        """
        async with self._turn:
            old = self.check(ticket)
            secret = secrets.token_urlsafe(SECRET_BYTES)
            fresh = Secret(_digest(secret), ticket.grantee, now + self._life_s)
            theirs = [item for item in old.secrets if item.grantee == ticket.grantee]
            surplus = theirs[: max(0, len(theirs) + 1 - SECRETS_PER_GRANTEE)]
            kept = tuple(item for item in old.secrets if item not in surplus)
            route = self._with_slots(replace(old, secrets=(*kept, fresh)))
            self._keep(route)
            await self._proxy.drop(door for door in _doors(old) if door.digest in _digests(surplus))
            await self._meter.begin(set(route.slots.values()) - set(old.slots.values()))
            await self._proxy.add(door for door in _doors(route) if door.digest == fresh.digest)
            return secret, fresh.expires_at

    def check(self, ticket: Ticket) -> Route:
        """The route that a ticket opens; see `grant` for what is raised."""
        route = self.get(ticket.run)
        if not route.address:
            raise StateConflict("the run is stopped; start it first")
        shut_out = max(route.revoked.get(ticket.grantee, 0.0), route.revoked.get(ANYBODY, 0.0))
        if ticket.issued_at <= shut_out:
            raise Unauthenticated("this access was revoked")
        if not self._proxy.shares and any(item.grantee != ticket.grantee for item in self._everybody()):
            raise Forbidden(f"{self._proxy.name} serves a single account; install haproxy to share runs")
        return route

    async def revoke(self, run: str, grantee: str | None, now: float) -> int:
        """Shut a person out (None: everybody); how many connections that closed."""
        async with self._turn:
            old = self.get(run)
            gone = [item for item in old.secrets if grantee in (None, item.grantee)]
            return await self._remove(old, gone, revoked={**old.revoked, grantee or ANYBODY: now})

    async def observe(self, now: float) -> None:
        """Read the proxy's counters, renew the secrets of people at work, end those that are over."""
        async with self._turn:
            used = await self._meter.read(
                {slot: route.run for route in self._routes.values() for slot in route.slots.values()}, now
            )
            for route in list(self._routes.values()):
                at_work = {grantee for grantee, slot in route.slots.items() if slot in used}
                renewed = tuple(
                    replace(item, expires_at=now + self._life_s) if self._is_due(item, at_work, now) else item
                    for item in route.secrets
                )
                if renewed != route.secrets:
                    self._keep(route := replace(route, secrets=renewed))
                over = [item for item in route.secrets if item.expires_at <= now]
                if over:
                    await self._remove(route, over, revoked=route.revoked)

    def activity(self) -> dict[str, Activity]:
        return {run: self._meter.of(run) for run in self._routes}

    def people(self, run: str, now: float) -> dict[str, float]:
        """Who came into a run, and for how many seconds they have done nothing in it."""
        slots = {name: slot for name, slot in self._routes[run].slots.items() if name != ANYBODY}
        idle = {name: self._meter.idle_s(slot, now) for name, slot in slots.items()}
        return {name: round(idle_s, 1) for name, idle_s in idle.items() if idle_s is not None}

    async def _remove(self, old: Route, gone: Sequence[Secret], *, revoked: dict[str, float]) -> int:
        """Take secrets away; a grantee without any loses the open connections and the slot."""
        kept = tuple(item for item in old.secrets if item not in gone)
        route = self._with_slots(replace(old, secrets=kept, revoked=revoked))
        self._keep(route)
        shut = [old.slots[name] for name in _grantees(old) - _grantees(route) if name in old.slots]
        await self._proxy.drop(door for door in _doors(old) if door.digest in _digests(gone))
        closed = await self._proxy.close(shut)
        freed = set(old.slots.values()) - set(route.slots.values())
        await self._meter.end(old.run, freed, forget=False)
        return closed

    def _with_slots(self, route: Route) -> Route:
        """The route with one slot for each person who holds a secret, and at least one.

        One per person, because closing a slot's connections must not disturb the others.
        """
        if not route.address:
            return replace(route, slots={})
        wanted = sorted(_grantees(route)) or [ANYBODY]
        slots = {name: route.slots[name] for name in wanted if name in route.slots}
        spare = [slot for slot in route.slots.values() if slot not in slots.values()]
        missing = [name for name in wanted if name not in slots]
        if len(missing) > len(spare) + len(self._free):
            raise Unavailable(
                f"all {self._total} slots of this edge are in use; raise edge.slots or stop some runs"
            )
        supply = chain(spare, self._free)
        slots.update((name, next(supply)) for name in missing)
        return replace(route, slots=slots)

    def _is_due(self, item: Secret, at_work: set[str], now: float) -> bool:
        late = now + self._life_s - item.expires_at > self._life_s * RENEWAL_STEP
        return item.grantee in at_work and item.expires_at > now and late

    def _everybody(self) -> Iterable[Secret]:
        return (item for route in self._routes.values() for item in route.secrets)

    def _used_slots(self) -> set[int]:
        return {slot for route in self._routes.values() for slot in route.slots.values()}

    def _keep(self, route: Route) -> None:
        """Nothing changes in memory when the disk refuses."""
        self._files.write(route)
        old = self._routes.get(route.run, Route(route.run))
        self._routes[route.run] = route
        before, after = set(old.slots.values()), set(route.slots.values())
        self._free = deque(slot for slot in self._free if slot not in after)
        self._free.extend(sorted(before - after))

    def _forget(self, run: str) -> None:
        self._files.remove(run)
        self._free.extend(self._routes.pop(run).slots.values())


def _doors(route: Route) -> list[Door]:
    if not route.address:
        return []
    address = Address.parse(route.address)
    return [Door(route.run, item.digest, route.slots[item.grantee], address) for item in route.secrets]


def _grantees(route: Route) -> set[str]:
    return {item.grantee for item in route.secrets}


def _digests(items: Iterable[Secret]) -> set[str]:
    return {item.digest for item in items}


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
