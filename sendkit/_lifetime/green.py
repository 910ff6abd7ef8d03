"""Green threads in the place of real ones: gevent and eventlet share one system thread, where one loop at most can run.

An event loop there stops every other greenlet, or ends in another's run. So nothing begins where threads are patched.
"""

from __future__ import annotations

import sys

from sendkit.errors import ConfigurationError


def refuse_green_threads() -> None:
    """Raise ConfigurationError where the threads of this process are greenlets."""
    if (library := _patched_by()) is not None:
        raise ConfigurationError(
            f"sendkit.Mailer does not work where {library} has patched threads",
            hint="send in a worker with real threads or processes (gunicorn: gthread; celery: --pool=threads or "
            "prefork), or leave threads, select and sockets unpatched",
        )


def _patched_by() -> str | None:
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        return "gevent"
    return "eventlet" if eventlet is not None and eventlet.is_monkey_patched("thread") else None
