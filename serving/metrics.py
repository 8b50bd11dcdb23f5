"""Metrics for Prometheus: requests by path and status, seconds, texts that wait."""

from __future__ import annotations

import os

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from serving.models import Models

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where several workers keep their counts together


class Metrics:
    """What is counted in one worker; with several, their files are added up."""

    def __init__(self, models: Models) -> None:
        self.models = models
        self.registry = CollectorRegistry()
        self.requests = Counter("rnn_requests", "Requests", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "rnn_request_seconds", "Seconds to the end of the answer", ["path"], buckets=SECONDS, registry=self.registry
        )
        self.texts = Counter("rnn_texts", "Texts that were answered", ["model"], registry=self.registry)
        self.waiting = Gauge(
            "rnn_waiting_texts", "Texts that wait or are being answered", ["model"], registry=self.registry,
            multiprocess_mode="livesum",
        )  # fmt: skip

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(path, status).inc()
        self.seconds.labels(path).observe(seconds)

    def count(self, model: str, number: int) -> None:
        """Count texts that were answered."""
        self.texts.labels(model).inc(number)

    def page(self) -> tuple[bytes, str]:
        """All of it in the format of Prometheus, and the name of the format."""
        for name, served in self.models.by_id.items():
            self.waiting.labels(name).set(served.num_waiting)
        registry = self.registry
        if os.environ.get(FOLDER):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)
        return generate_latest(registry), CONTENT_TYPE_LATEST
