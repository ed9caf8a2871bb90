"""The door to how this installation is."""

from __future__ import annotations

from apiflask import APIBlueprint

from alongside.hub import status
from alongside.hub.api.guard import caller, door, hub
from alongside.hub.doors import Tx

doors = APIBlueprint("status", __name__, tag="Status")


@door(doors, "GET", "/status", answers={200: status.Status})
def get_status(tx: Tx) -> status.Status:
    """Version, sites, runners, queue, and whether the dispatcher is there."""
    return status.of(tx, caller(), hub().config.hub, hub().clock())
