"""Closes connections of other protocols: any program of this computer, even a web page, can reach the port.

HTTP, TLS, SSH and SMTP are known. The first line of a connection decides: a browser cannot send anything in front of
its request. No instrument of these has a command that begins so, and no TSP statement does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from labmtj.virtual.server.exchange import LinkDropped

_REQUEST = re.compile(
    rb"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PRI) +[/*h]|[A-Za-z0-9!#$%&'*+.^_`|~-]+ [^ ]+ HTTP/[0-9]"
)
"""a method that browsers know and a target; or any method, target and version"""
_TLS_HANDSHAKE = b"\x16\x03"
_GREETING = re.compile(rb"SSH-|(?i:EHLO|HELO)( +[\w\[]|\r?$)")
"""of a client of SSH, and of SMTP"""
Cut = Callable[[bytearray], Iterator[bytes]]


def looks_like_web(line: bytes) -> bool:
    """Return whether a connection that begins so is no instrument's; of a line that is not whole, as far as it goes."""
    begun = line.lstrip(b"\r\n")
    return begun.startswith(_TLS_HANDSHAKE) or any(each.match(begun) for each in (_REQUEST, _GREETING))


def no_web(cut: Cut) -> Cut:
    """Return a `cut` of an `Intake` that drops the link if its first line looks like the web's."""
    passed = False

    def checked(buffer: bytearray) -> Iterator[bytes]:
        nonlocal passed
        if not passed:
            first = bytes(buffer).lstrip(b"\r\n")
            if looks_like_web(first.partition(b"\n")[0]):
                raise LinkDropped
            passed = b"\n" in first
        return cut(buffer)

    return checked
