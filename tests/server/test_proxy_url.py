"""A proxy is read from a URL strictly, has one form, and shows its password nowhere."""

from __future__ import annotations

import copy
import pickle
import traceback
from pathlib import Path

import pytest

from sendkit import Server, errors
from sendkit._accounts.account import Account
from sendkit._accounts.config import config_file
from sendkit._cli import main
from sendkit._plan.named import account_named
from sendkit.settings import Proxy

SECRET = "hunter-twenty-two"
URL = f"socks5://joe:{SECRET}@proxy.example.net:1080"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("socks5://proxy.example.net:1080", "socks5://proxy.example.net:1080"),
        ("socks5h://Proxy.Example.NET.:1080", "socks5://proxy.example.net:1080"),
        ("SOCKS4://192.0.2.1:1080/", "socks4a://192.0.2.1:1080"),
        ("socks4a://joe@proxy:1", "socks4a://proxy:1"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("http://bücher.example:3128", "http://xn--bcher-kva.example:3128"),
    ],
)
def test_a_proxy_has_one_form(url: str, told: str) -> None:
    assert str(Proxy.parse(url)) == told


def test_what_is_special_in_a_login_is_percent_encoded() -> None:
    proxy = Proxy.parse("http://joe%40example.com:p%40ss%3A%2F%C3%B1@proxy.example.net:3128")
    assert proxy.username == "joe@example.com"
    assert proxy.password is not None
    assert proxy.password.get_secret_value() == "p@ss:/ñ"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "proxy.example.net:1080",
        f"https://joe:{SECRET}@proxy.example.net:443",
        f"ftp://joe:{SECRET}@proxy.example.net:1080",
        f"socks5://joe:{SECRET}@proxy.example.net",
        f"socks5://joe:{SECRET}@proxy.example.net:",
        f"socks5://joe:{SECRET}@proxy.example.net:0",
        f"socks5://joe:{SECRET}@proxy.example.net:99999",
        f"socks5://joe:{SECRET}@proxy.example.net:port",
        f"socks5://joe:{SECRET}@:1080",
        f"socks5://joe:{SECRET}@-x-:1080",
        f"socks5://joe:{SECRET}@proxy.example.net:1080/path",
        f"socks5://joe:{SECRET}@proxy.example.net:1080?x=1",
        f"socks5://joe:{SECRET}@proxy.example.net:1080#x",
        f"socks5://joe:{SECRET} @proxy.example.net:1080",
        f" socks5://joe:{SECRET}@proxy.example.net:1080",
        f"socks5://joe:{SECRET}\n@proxy.example.net:1080",
        f"socks5://joe:{SECRET}%00@proxy.example.net:1080",
        f"socks5://joe:{SECRET}%FF@proxy.example.net:1080",
        f"socks5://joe:{SECRET}/@proxy.example.net:1080",
        f"socks5://joe:{SECRET}%C3%B1@proxy.example.net:1080",
        f"socks5://joe:{SECRET}{'x' * 255}@proxy.example.net:1080",
        f"socks5://:{SECRET}@proxy.example.net:1080",
        f"socks4a://joe:{SECRET}@proxy.example.net:1080",
        f"http://j%3Aoe:{SECRET}@proxy.example.net:1080",
        f"socks5://joe:{SECRET}@[::1:1080",
    ],
)
def test_what_is_no_proxy_is_refused_with_a_hint_and_without_the_secret(url: str) -> None:
    with pytest.raises(errors.ConfigurationError) as failure:
        Server("smtp.example.com", proxy=url)
    assert failure.value.hint
    assert SECRET not in str(failure.value) + repr(failure.value)
    frames = [frame for frame, _ in traceback.walk_tb(failure.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("sendkit")]
    assert ours
    assert not any(SECRET in repr(frame.f_locals) for frame in ours)


def test_the_password_stands_in_no_text_of_a_server() -> None:
    server = Server("smtp.example.com", proxy=URL)
    shown = [
        repr(server),
        str(server),
        server.model_dump_json(),
        repr(server.proxy),
        str(server.proxy),
        str(vars(server)),
    ]
    assert not any(SECRET in text for text in shown)
    assert server.model_copy(update={"port": 2525}).proxy == server.proxy


def test_a_proxy_is_pickled_by_value_unless_it_has_a_password() -> None:
    proxy = Proxy.parse("socks5://joe@proxy.example.net:1080")
    assert pickle.loads(pickle.dumps(proxy)) == proxy
    with pytest.raises(TypeError, match="SENDKIT_PROXY"):
        pickle.dumps(Server("smtp.example.com", proxy=URL))
    assert copy.deepcopy(Proxy.parse(URL)) == Proxy.parse(URL)


class TestWhereThePasswordMayStand:
    """In the environment and in code; a URL, a file and a command line end up where others read them."""

    def test_in_the_environment(self) -> None:
        server = Account.from_env({"SENDKIT_HOST": "smtp.example.com", "SENDKIT_PROXY": URL}).server
        assert server.proxy == Proxy.parse(URL)

    def test_not_in_a_url(self) -> None:
        with pytest.raises(errors.ConfigurationError, match="proxy of the server's URL: a password") as failure:
            Account.from_url(f"smtp://smtp.example.com?proxy={URL}")
        assert SECRET not in f"{failure.value}"
        assert "SENDKIT_PROXY" in (failure.value.hint or "")

    def test_not_in_the_file_of_accounts(self) -> None:
        path: Path = config_file()
        path.parent.mkdir(parents=True)
        path.write_text(f'[accounts.work]\nhost = "smtp.example.com"\nproxy = "{URL}"\n', encoding="utf-8")
        with pytest.raises(errors.ConfigurationError, match="a password in the proxy's URL") as failure:
            account_named("work")
        assert SECRET not in f"{failure.value}"

    def test_not_on_a_command_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        sent = ["--from", "a@example.com", "-t", "b@example.com", "-s", "x", "--text", "x"]
        assert main(["send", "--host", "smtp.example.com", "--proxy", URL, *sent]) == 78
        shown = capsys.readouterr()
        assert "--proxy: a password in the proxy's URL is refused here" in shown.err
        assert SECRET not in shown.out + shown.err
