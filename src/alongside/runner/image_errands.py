"""What the hub asks about images: to be here before the first launch needs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alongside.runner.errands import ErrandFailed, Tell
from alongside.runner.executors import Executor, HasImages
from alongside.runner.jobs import CannotStart
from alongside.spec.wire import Errand


class ImageErrands:
    def __init__(self, executors: Mapping[str, Executor]) -> None:
        self._executors = executors

    async def pull(self, errand: Errand, tell: Tell) -> dict[str, Any]:
        """An image that is here is done at once; the engine goes on with what was fetched of it before.

        Raises:
            ErrandFailed
        """
        executor = next((item for item in self._executors.values() if isinstance(item, HasImages)), None)
        if executor is None:
            raise ErrandFailed("image_missing", "this runner has no executor with images")
        try:
            await executor.fetch(errand.body["image"], tell)
        except CannotStart as refusal:
            raise ErrandFailed(refusal.reason_code, refusal.reason) from None
        return {}
