"""Through real proxies to a real Postfix: what was sent arrives, and what a proxy refuses is told by its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sendkit import Mailer, Message, RetryPolicy, Server
from tests.servers.authority import Certificate
from tests.servers.proxies import dante, microsocks, ssh, tinyproxy

if TYPE_CHECKING:
    from sendkit import DeliveryResult
    from tests.servers.postfix import Postfix

ANA, LUIS = "ana@example.test", "luis@example.test"
LOGIN = ("joe", "s3cret-of-joe")


def _url(way: str, folder: Path, port: int) -> AbstractContextManager[str]:
    """The URL of a proxy that is started for this test; `way` is its scheme and program."""

    @contextmanager
    def started() -> Iterator[str]:
        scheme, _, program = way.partition(" ")
        login = LOGIN if "login" in program else None
        who = f"{LOGIN[0]}:{LOGIN[1]}@" if login else ""
        if program.startswith("microsocks"):
            made = microsocks(login=login)
        elif program.startswith("tinyproxy"):
            made = tinyproxy(folder, login=login, ports=(port,))
        else:
            made = ssh(folder) if program == "ssh" else dante(folder)
        with made as at:
            yield f"{scheme}://{who}127.0.0.1:{at}"

    return started()


def send(postfix: Postfix, proxy: str, **place: object) -> DeliveryResult:
    server = Server("localhost", postfix.starttls_port, ca_file=postfix.ca_file, proxy=proxy)
    with Mailer(
        server.model_copy(update=place), username=ANA, password=postfix.users[ANA], retry=RetryPolicy(max_attempts=1)
    ) as mailer:
        return mailer.send(Message(sender=ANA, to=LUIS, subject="through", text="x"), check=False)


WAYS = ("socks5 microsocks", "socks5 microsocks login", "socks5 dante", "socks5 ssh", "socks4a ssh",
        "http tinyproxy", "http tinyproxy login")  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_what_goes_through_a_proxy_arrives(way: str, postfix: Postfix, tmp_path: Path) -> None:
    with _url(way, tmp_path, postfix.starttls_port) as proxy:
        assert send(postfix, proxy).ok
        server = Server("localhost", postfix.starttls_port, ca_file=postfix.ca_file, proxy=proxy)
        with Mailer(server, username=ANA, password=postfix.users[ANA]) as mailer:
            diagnosis = mailer.diagnose(to=LUIS)
    assert [message["Subject"] for message in postfix.mailbox(LUIS)] == ["through"]
    assert diagnosis.ok
    assert f"through the proxy {proxy.replace(':'.join(LOGIN) + '@', '')}" in diagnosis.model_dump_json()
    assert LOGIN[1] not in diagnosis.model_dump_json()


def test_a_rule_a_wrong_login_and_a_closed_port_have_their_reasons(
    postfix: Postfix, tmp_path: Path, closed_port: int
) -> None:
    with microsocks(login=LOGIN) as port:
        assert why(send(postfix, f"socks5://joe:wrong@127.0.0.1:{port}")) == "proxy_login"
        assert why(send(postfix, f"socks5://127.0.0.1:{port}")) == "proxy_login"
        proxy = f"socks5://{LOGIN[0]}:{LOGIN[1]}@127.0.0.1:{port}"
        assert why(send(postfix, proxy, port=closed_port)) == "proxy_cannot_connect"
        assert why(send(postfix, proxy, host="no-such-host.invalid")) == "proxy_cannot_connect"
    with dante(tmp_path, allowed=False) as port:
        assert why(send(postfix, f"socks5://127.0.0.1:{port}")) == "proxy_refused"
        assert why(send(postfix, f"socks4a://127.0.0.1:{port}")) == "proxy_cannot_connect"  # it has one code for all
    with tinyproxy(tmp_path, login=LOGIN, ports=(443,)) as port:
        assert why(send(postfix, f"http://127.0.0.1:{port}")) == "proxy_login"
        assert why(send(postfix, f"http://{LOGIN[0]}:{LOGIN[1]}@127.0.0.1:{port}")) == "proxy_refused"
    assert postfix.mailbox(LUIS) == []


def test_the_certificate_must_be_the_servers_whatever_the_proxy_is_called(postfix: Postfix) -> None:
    with microsocks() as port:
        wrong = postfix.bad_certificate_ports[Certificate.WRONG_HOST]
        assert why(send(postfix, f"socks5://localhost:{port}", port=wrong)) == "name_mismatch"


def why(result: DeliveryResult) -> str | None:
    [told] = result.recipients.values()
    return told.why
