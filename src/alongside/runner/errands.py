"""Errands: what the hub asks of this site that is not about one run.

An errand is a file until the hub has heard its last news, so what was under way when the runner was
killed is begun again: a handler does the same once or twice. Which kinds there are is given when the
runner is put together.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import structlog

from alongside import values
from alongside.errors import Problem
from alongside.runner.disk import is_full, read_json, write_json
from alongside.runner.tasks import Background
from alongside.spec.errands import NEWS_MAX
from alongside.spec.wire import Errand, ErrandNews

#: (per cent or None, message): may be called often, from the event loop, and returns at once
Tell = Callable[[float | None, str], None]
#: carries an errand out and answers what there is to say about it
Handler = Callable[[Errand, Tell], Awaitable[dict[str, Any]]]

#: between news of how far one is
TELL_EVERY_S = 1.0
#: the hub gives up what it hears nothing of
STILL_S = 60.0
#: errands of one kind under way at once; the others wait
AT_ONCE = 2

log = structlog.get_logger()


class ErrandFailed(Exception):
    """It cannot be done, now or later; the hub gets both values as they are."""

    def __init__(self, reason_code: str, reason: str, answer: dict[str, Any] | None = None) -> None:
        self.reason_code = reason_code
        self.reason = reason
        #: what there is all the same
        self.answer = answer or {}
        super().__init__(reason)


@dataclass
class _Kept:
    errand: Errand
    #: the newest of it; None until it has begun
    news: ErrandNews | None = None
    heard: int = 0
    told: float = float("-inf")
    file: Path = field(default_factory=Path)

    @property
    def is_over(self) -> bool:
        return self.news is not None and self.news.state != "running"


class Errands:
    def __init__(self, work_dir: Path, handlers: dict[str, Handler], speak: Callable[[], None]) -> None:
        self._folder = work_dir / "errands"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._handlers = handlers
        self._speak = speak
        self._kept: dict[str, _Kept] = {}
        self._places = {kind: asyncio.Semaphore(AT_ONCE) for kind in handlers}
        self._background = Background()

    def resume(self) -> None:
        """Go on with what an earlier runner left."""
        for file in sorted(self._folder.glob("*.json")):
            content = read_json(file)
            if content is None or file.stem in self._kept:
                continue
            news = content["news"] and values.load(ErrandNews, content["news"])
            self._begin(_Kept(values.load(Errand, content["errand"]), news, file=file))

    def accept(self, errand: Errand) -> None:
        """Make it durable and begin with it; one that is here already goes on as it is."""
        if errand.id in self._kept:
            return
        kept = _Kept(errand, file=self._folder / f"{errand.id}.json")
        self._write(kept)
        self._begin(kept)

    def news(self) -> tuple[ErrandNews, ...]:
        """What the hub has not heard yet."""
        found = [
            kept.news
            for kept in self._kept.values()
            if kept.news is not None and kept.news.number > kept.heard
        ]
        return tuple(found[:NEWS_MAX])

    def believe(self, heard: dict[str, int]) -> None:
        for errand, number in heard.items():
            kept = self._kept.get(errand)
            if kept is None:
                continue
            kept.heard = max(kept.heard, number)
            if kept.is_over and kept.news is not None and kept.heard >= kept.news.number:
                self._kept.pop(errand)
                kept.file.unlink(missing_ok=True)
        if self.news():
            self._speak()

    async def let_go(self) -> None:
        await self._background.end()

    def _begin(self, kept: _Kept) -> None:
        self._kept[kept.errand.id] = kept
        if not kept.is_over:
            self._background.begin(self._see_through(kept))
        self._speak()

    async def _see_through(self, kept: _Kept) -> None:
        self._say(kept, "running")
        work = asyncio.create_task(self._do(kept))
        try:
            while not (await asyncio.wait({work}, timeout=STILL_S))[0]:
                self._say(kept, "running")
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _do(self, kept: _Kept) -> None:
        errand = kept.errand

        def tell(percent: float | None, message: str) -> None:
            now = asyncio.get_running_loop().time()
            if kept.is_over or now - kept.told < TELL_EVERY_S:
                return
            kept.told = now
            self._say(kept, "running", progress=percent, message=message)

        handler = self._handlers.get(errand.kind)
        try:
            if handler is None:
                raise ErrandFailed(
                    "unknown_kind", f"this runner knows no errands of the kind {errand.kind!r}"
                )
            async with self._places[errand.kind]:
                answer = await handler(errand, tell)
        except ErrandFailed as failure:
            self._say(
                kept,
                "executor_error",
                reason_code=failure.reason_code,
                reason=failure.reason,
                answer=failure.answer,
            )
        except Problem as problem:
            self._say(kept, "executor_error", reason_code=problem.code[:32], reason=problem.detail)
        except OSError as error:
            if not is_full(error):
                log.exception("errand failed", errand=errand.id, kind=errand.kind)
            code = "disk_full" if is_full(error) else "internal"
            self._say(kept, "system_error", reason_code=code, reason=error.strerror or str(error))
        except Exception as error:
            log.exception("errand failed", errand=errand.id, kind=errand.kind)
            reason = f"the runner failed: {type(error).__name__}: {error}"
            self._say(kept, "system_error", reason_code="internal", reason=reason)
        else:
            self._say(kept, "complete", progress=100.0, answer=answer)

    def _say(
        self,
        kept: _Kept,
        state: Literal["running", "complete", "executor_error", "system_error"],
        *,
        progress: float | None = None,
        **members: Any,
    ) -> None:
        last = kept.news or ErrandNews(kept.errand.id, 0, "running")
        kept.news = replace(
            last,
            number=last.number + 1,
            state=state,
            progress=last.progress if progress is None else progress,
            **members,
        )
        self._write(kept)
        self._speak()

    def _write(self, kept: _Kept) -> None:
        """On a full disk news are told all the same, and an errand is begun again after a restart."""
        news = kept.news and values.dump(kept.news)
        try:
            write_json(kept.file, {"errand": values.dump(kept.errand), "news": news})
        except OSError as error:
            if not is_full(error) or kept.news is None:
                raise
            log.error("no room for an errand's news", errand=kept.errand.id)
