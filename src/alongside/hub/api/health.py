"""Doors for those who watch: /healthz for load balancers, /metrics for Prometheus; and the request log."""

from __future__ import annotations

import os
import time

import structlog
from apiflask import APIBlueprint, APIFlask
from flask import Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from alongside import __version__
from alongside.errors import Problem
from alongside.hub import status
from alongside.hub.api.guard import admit, hub

log = structlog.get_logger("alongside.hub")
#: seconds; a hub that answers in more than a second has a problem
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """Counts of this process; gauges about the installation are read when somebody asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        #: one hub process of several answers a scrape: the label keeps their counts apart
        self._process = str(os.getpid())
        self._seconds = Histogram(
            "alongside_request_seconds",
            "Time to answer a request.",
            ("process", "method", "door"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._answers = Counter(
            "alongside_requests",
            "Requests answered.",
            ("process", "method", "door", "status"),
            registry=self.registry,
        )
        self._runs = Gauge("alongside_runs", "Runs by state.", ("state",), registry=self.registry)
        self._runners = Gauge("alongside_runners", "Runners by state.", ("state",), registry=self.registry)
        self._dispatcher = Gauge(
            "alongside_dispatcher_alive", "Whether a dispatcher leads.", registry=self.registry
        )
        Gauge("alongside_info", "Version.", ("version",), registry=self.registry).labels(__version__).set(1)

    def answered(self, method: str, door: str, code: int, seconds: float) -> None:
        self._seconds.labels(self._process, method, door).observe(seconds)
        self._answers.labels(self._process, method, door, str(code)).inc()

    def text(self) -> bytes:
        with hub().database.read() as tx:
            by_state = status.runs_by_state(tx)
            counts = status.runner_counts(tx)
            alive = status.dispatcher(tx, hub().clock()).alive
        self._runs.clear()
        for state, number in by_state.items():
            self._runs.labels(state).set(number)
        self._runners.labels("online").set(counts.online)
        self._runners.labels("offline").set(counts.offline)
        self._dispatcher.set(alive)
        return generate_latest(self.registry)


def install(app: APIFlask) -> None:
    """Count and log every request of `app`, and answer /healthz and /metrics."""
    metrics = Metrics()
    doors = APIBlueprint("health", __name__, enable_openapi=False)

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        door = request.url_rule.rule if request.url_rule else "none"
        metrics.answered(request.method, door, response.status_code, seconds)
        log.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
            account=g.caller.account.name if "caller" in g else None,
        )
        return response

    @doors.get("/metrics")
    def get_metrics() -> Response:
        # Through an edge, everybody could ask; a Prometheus beside the hub asks it directly.
        if "X-Forwarded-For" in request.headers:
            admit("admin")
        return Response(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")

    @doors.get("/healthz")
    def get_health() -> Response:
        """200 when the database answers; it says nothing about the dispatcher, which /status does."""
        try:
            with hub().database.read() as tx:
                status.dispatcher(tx, hub().clock())
        except Problem as problem:
            return Response(f"{problem.detail}\n", 503, content_type="text/plain; charset=utf-8")
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    app.before_request(begin)
    app.after_request(end)
    app.register_blueprint(doors)
