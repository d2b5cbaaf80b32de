"""What can go wrong outside the exchange, named for what the caller does next.

Catch the class, take its move; the message says what happened and, where a person must act, what to do. A message never
holds a record's key, value or header: those may be about a child.
"""

from __future__ import annotations


class ConnectorFailure(Exception):  # noqa: N818 - subclasses are named for the caller's move, not for being errors
    """Something outside the process failed. `str()` is a sentence for an operator."""


class RetryLater(ConnectorFailure):
    """Nothing was done. The same call may be made again after a pause."""


class AbortAndReplan(ConnectorFailure):
    """The transaction cannot commit. Abort it, seek back to the last committed offsets and plan the batch anew."""


class RebuildClient(ConnectorFailure):
    """Whether the call took effect is unknown, or the client is unusable. Destroy the client, make a new one, and let
    initialisation settle what was left open (librdkafka#5423)."""


class ExitForSupervisor(ConnectorFailure):
    """Another process owns this identity, or the client is beyond repair. Exit non-zero; never go on."""


class RefuseRecord(ConnectorFailure):
    """The record itself is at fault (too large, for instance). Never retry it; reject it and keep its bytes."""


class NotPermitted(ConnectorFailure):
    """The broker or database refused this principal. Retrying is useless; an operator must grant it."""


class ChangeSettings(ConnectorFailure):
    """A setting is wrong or missing. Refuse to start, show the message."""


class InstallTool(ConnectorFailure):
    """A program that the local stack needs is absent. The message says how to install it and how to do without."""


class JavaMissing(InstallTool):
    """No Java 17 or newer."""


class MavenMissing(InstallTool):
    """No Maven, and the broker's jars are not in the cache yet."""


class StartFailed(ConnectorFailure):
    """A service that this process started stopped, or was not ready in time. The message names its log file."""


class NotReady(RetryLater):
    """A condition did not come true within its deadline."""
