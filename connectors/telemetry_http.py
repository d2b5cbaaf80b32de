"""What the HTTP door says about itself: its part of `connectors.telemetry.Telemetry`, to whose rules it keeps."""

from __future__ import annotations

import logging
import traceback

from connectors import metrics as defined
from connectors.telemetry_base import Occurrences


class HttpOccurrences(Occurrences):
    """One method an occurrence."""

    def http_answered(
        self, *, route: str, method: str, status: int, seconds: float, request_id: str, agency: str | None
    ) -> None:
        """`route` is a template; neither the path asked for, nor who asked, nor from where is kept."""
        self._add(defined.HTTP_REQUESTS, {(route, method, str(status)): 1})
        self._observe(defined.HTTP_SECONDS, (seconds,))
        milliseconds = round(seconds * 1000, 1)
        where = {"route": route, "method": method, "status": status, "ms": milliseconds}
        self._say(logging.INFO, "http.answered", **where, agency=agency, requestId=request_id)

    def http_refused(self, *, reason: str, route: str, request_id: str, agency: str | None) -> None:
        self._add(defined.HTTP_REFUSED, {(reason,): 1})
        self._say(logging.WARNING, "http.refused", reason=reason, route=route, agency=agency, requestId=request_id)

    def http_failed(self, error: BaseException, *, route: str, request_id: str) -> None:
        """A fault of ours. Its message could quote a request, so only the class and the frames are logged."""
        named = {"error": type(error).__name__, "frames": frames(error)}
        self._say(logging.ERROR, "http.failed", route=route, requestId=request_id, **named)

    def http_in_work(self, requests: int) -> None:
        self._set(defined.HTTP_IN_WORK, requests)

    def webhook_attempted(self, *, agency: str, result: str, attempt: int) -> None:
        self._add(defined.WEBHOOKS, {(result,): 1})
        level = logging.DEBUG if result == "told" else logging.WARNING
        self._say(level, "webhook.attempted", agency=agency, result=result, attempt=attempt)


def frames(error: BaseException) -> list[str]:
    """Where it was raised, outermost call first, without any value."""
    found = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in found]
