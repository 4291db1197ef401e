"""How often clients may ask: a bucket of permissions for each, and one for all together."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from masquerade.apps.studio.config import Limits

__all__ = ["Bucket", "Rates"]

_MOST_CLIENTS = 4096
_STRANGERS_SHARE = 0.2


class Bucket:
    """Permissions that come at a steady rate and gather up to a number.

    Args:
        rate_per_s: how many come each second.
        burst: how many gather at most; it begins full.
        now_s: the time at the start.

    >>> bucket = Bucket(1.0, 2, 0.0)
    >>> bucket.wait_s(0.0), bucket.wait_s(0.0), bucket.wait_s(0.5), bucket.wait_s(1.0)
    (0.0, 0.0, 0.5, 0.0)
    """

    __slots__ = ("_burst", "_filled_s", "_rate_per_s", "_there")

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        self._rate_per_s, self._burst = rate_per_s, burst
        self._there, self._filled_s = burst, now_s

    def wait_s(self, now_s: float) -> float:
        """Take one permission: 0 if it was there, else the seconds until there is one."""
        passed_s = max(0.0, now_s - self._filled_s)
        self._there = min(self._burst, self._there + passed_s * self._rate_per_s)
        self._filled_s = now_s
        if self._there >= 1:
            self._there -= 1
            return 0.0
        return (1 - self._there) / self._rate_per_s


class Rates:
    """Who may ask now.

    Clients without the token have buckets of their own, a fifth as large, so that they take
    nothing from those that have it, even from the same machine.

    Args:
        limits: how often.
        clock: seconds, monotonic.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._all = {True: self._shared(1.0), False: self._shared(_STRANGERS_SHARE)}
        self._clients: OrderedDict[tuple[bool, str], Bucket] = OrderedDict()

    def wait_s(self, client: str, *, known: bool) -> float:
        """Take one permission for ``client``: 0 if there was one, else how long to wait.

        Args:
            client: its address.
            known: whether it showed the token.
        """
        now_s = self._clock()
        own_s = self._bucket(network_of(client), known, now_s).wait_s(now_s)
        return own_s or self._all[known].wait_s(now_s)

    def _bucket(self, client: str, known: bool, now_s: float) -> Bucket:
        found = self._clients.get((known, client))
        if found is None:
            share = 1.0 if known else _STRANGERS_SHARE
            limits = self._limits
            found = Bucket(limits.requests_per_s * share, limits.request_burst * share, now_s)
            self._clients[known, client] = found
            if len(self._clients) > _MOST_CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end((known, client))
        return found

    def _shared(self, share: float) -> Bucket:
        limits = self._limits
        return Bucket(
            limits.all_requests_per_s * share, limits.all_request_burst * share, self._clock()
        )


def network_of(client: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2")
    ('192.0.2.7', '2001:db8::')
    """
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
