"""What docs/observing.md shows is what a real run exports, and its recipes run."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import structlog
from prometheus_client import REGISTRY

from sendkit import DeliveryResult, Mailer, MemoryTransport, RetryPolicy
from sendkit.testing import LocalServer
from tests.accounts import LUIS, message
from tests.docs.pages import page
from tests.observers.telling import Telemetry, metrics_text, trace_text

PAGE = page("observing.md")


def blocks(section: str) -> list[str]:
    return [block.text for block in PAGE.blocks if block.section == section]


def greylist(server: LocalServer) -> None:
    server.on_rcpt().reply("450 4.2.0 luis@example.com is greylisted", times=1)


def reject(server: LocalServer) -> None:
    server.on_rcpt().reply("550 5.1.1 luis@example.com is no user here")


def lose(server: LocalServer) -> None:
    server.after_data().drop()


def exported(fault: Callable[[LocalServer], None]) -> str:
    """The trace and the metrics of one message, as if the server were `smtp.example.com`."""
    telemetry = Telemetry()
    with LocalServer() as server:
        fault(server)
        account = {"username": server.username, "password": server.password}
        at_once = RetryPolicy(wait=lambda _: 0.0)
        with Mailer(server.server, **account, retry=at_once, observers=[telemetry.observer]) as mailer:
            mailer.send(message(), check=False)
        text = f"{trace_text(telemetry)}\n\n{metrics_text(telemetry)}\n"
        text = text.replace(f"server.port = {server.port}", "server.port = 587")
    text = text.replace("server.address = 127.0.0.1", "server.address = smtp.example.com")
    text = text.replace("peer.address = 127.0.0.1", "peer.address = 192.0.2.25")
    return re.sub(r"<[0-9a-f]{32}@", "<5f3a…@", text)


@pytest.mark.parametrize(
    ("section", "fault"),
    [("A greylisted message", greylist), ("A rejected message", reject), ("A message in doubt", lose)],
)
def test_the_page_shows_what_is_exported(section: str, fault: Callable[[LocalServer], None]) -> None:
    assert blocks(section) == [exported(fault)]


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test of this process may run the same block, and a name can be registered once."""
    monkeypatch.setattr(REGISTRY, "_names_to_collectors", {})
    monkeypatch.setattr(REGISTRY, "_collector_to_names", {})


def observed(section: str, name: str) -> DeliveryResult:
    (source,) = blocks(section)
    names: dict[str, type] = {}
    exec(compile(source, section, "exec"), names)
    transport = MemoryTransport()
    transport.on_rcpt().reply("550 5.1.1 no such user")
    with Mailer(transport=transport, observers=[names[name]()]) as mailer:
        return mailer.send(message(), check=False)


def test_the_recipe_for_prometheus_counts() -> None:
    observed("Prometheus", "PrometheusObserver")
    assert REGISTRY.get_sample_value("sendkit_recipients_total", {"outcome": "rejected"}) == 1
    assert REGISTRY.get_sample_value("sendkit_attempt_seconds_count", {"server": "memory"}) == 1


def test_the_recipe_for_structlog_logs_counts_and_no_address() -> None:
    with structlog.testing.capture_logs() as logged:
        result = observed("structlog", "LogObserver")
    (entry,) = logged
    assert (entry["log_level"], entry["rejected"], entry["message_id"]) == ("warning", 1, result.message_id)
    assert LUIS not in str(entry)
