"""Free TCP ports on the loopback interface for the servers of the local stack."""

from __future__ import annotations

import random
import socket

from connectors.errors import StartFailed

LOOPBACK = "127.0.0.1"  # nothing of the local stack listens on any other interface
# Below the kernel's ephemeral range: a client that keeps reconnecting to a stopped server's port from an ephemeral port
# could otherwise connect to itself and keep the server from getting its port back.
PORTS = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """`count` different ports, at random so that two stacks starting at once do not choose the same."""
    free: list[int] = []
    for port in random.SystemRandom().sample(PORTS, k=len(PORTS)):
        if is_free(port):
            free.append(port)
        if len(free) == count:
            return free
    raise StartFailed(f"no {count} free ports between {PORTS.start} and {PORTS.stop} on {LOOPBACK}")
