"""How a server is written: host and port in one word (RFC 3986 section 3.2.2 for IPv6)."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=64)
def server_name(host: str, port: int | None) -> str:
    """`host:port`, with brackets around an IPv6 address; the host alone where there is no port."""
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
