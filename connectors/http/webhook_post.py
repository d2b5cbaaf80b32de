"""One POST to an address that an agency gave: never to a private one, never further than asked, never for long."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import httpx

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
GONE = 410
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses of any kind in disguise

Outcome = Literal["told", "failed", "refused-address", "gone"]


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool = False) -> Outcome:
    """Send it and look at the status; the answer's body is not read, redirects are not followed, proxies not used.

    The name is resolved once, and the address that was looked at is the one connected to: a name that changes its
    address in between gets nowhere.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _address(host, port, allow_private=allow_private)
    if address is None:
        return "refused-address"
    shown = f"[{address}]" if ":" in address else address
    target = httpx.URL(url).copy_with(host=shown)
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    sent = {**headers, "host": parts.netloc.rpartition("@")[2], "user-agent": "masa-webhook"}
    try:
        with (
            httpx.Client(timeout=timeout, trust_env=False, follow_redirects=False) as client,
            client.stream("POST", target, content=body, headers=sent, extensions={"sni_hostname": host}) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL):
        return "failed"
    if status == GONE:
        return "gone"
    return "told" if 200 <= status < 300 else "failed"


def _address(host: str, port: int, *, allow_private: bool) -> str | None:
    """One address of the host; None when it has none, or has any that is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return None
    addresses = [str(each[4][0]) for each in found]
    if not allow_private and not all(is_public(address) for address in addresses):
        return None
    return addresses[0] if addresses else None


def is_public(address: str) -> bool:
    """Whether it is an address of the public internet. IPv6 forms of private IPv4 addresses are not."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found in NAT64:
            return False
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast
