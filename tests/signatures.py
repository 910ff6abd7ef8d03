"""The constructors of both mailers with every option in its place, as checkers and editors see them.

`python -m tests.signatures` writes `signatures.py` and `signatures_apart.py` of `sendkit/_plan` from `MailerSettings`
and the constructors themselves; `tests/plan/test_signatures.py` holds them together.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import sendkit
from sendkit import AsyncMailer, Mailer
from sendkit._plan import options
from sendkit._plan.options import OPTIONS, MailerSettings

FILE = Path(options.__file__).with_name("signatures.py")  # of the package that is imported, a wheel's too
_OURS = "lint.isort.known-first-party = ['sendkit']"  # also beside an installed wheel, where ruff sees no folder of it
_SETTINGS = Path(__file__).parents[1]  # where ruff finds them
FURTHER = FILE.with_name("signatures_apart.py")
_SHARED = ("from_url", "from_env", "for_provider", "from_config")
_HEAD = '''"""The constructors of both mailers with every option in its place. Written by `python -m tests.signatures`.

For type checkers, editors and readers alone; `takes_settings` shows the same at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dns.asyncresolver import Resolver

    from sendkit._credentials import Credentials, Secret
    from sendkit._credentials.explicit import CredentialsCall
    from sendkit._delivery.observers import AnyObserver
    from sendkit._delivery.policy import RetryPolicy
    from sendkit._plan.targets import ServerLike
    from sendkit._seam.transport import Transport
    from sendkit._server.security import Security
    from sendkit._sync import Mailer
    from sendkit.signing import DKIM
'''


def texts() -> dict[Path, str]:
    """What the files hold, as ruff formats them."""
    shared = [_method("__init__", Mailer.__init__, "None", kind="self", doc=False)]
    shared += [_method(name, getattr(Mailer, name), "Self") for name in _SHARED]
    both = _class("Signatures", "What both mailers are made by.", shared)
    one = _class("Discovery", "What the synchronous one has besides.", [_method("discover", Mailer.discover, "Self")])
    asked = _method("discover", AsyncMailer.discover, "Self", head="async def")
    other = _class("AsyncDiscovery", "What the asynchronous one has besides.", [asked])
    opened = _method("open", sendkit.open, "Mailer", kind="")
    return {
        FILE: _formatted(_HEAD + both),
        FURTHER: _formatted(f"{_HEAD}{one}{other}\n\n{opened}"),
    }


def _class(name: str, told: str, methods: list[str]) -> str:
    inside = "".join(f"\n{_indented(method, 8)}" for method in methods)
    return f'\n\nclass {name}:\n    """{told}"""\n\n    if TYPE_CHECKING:\n{inside}'


def _method(
    name: str, made: Callable[..., object], returns: str, *, kind: str = "cls", head: str = "def", doc: bool = True
) -> str:
    declared = inspect.get_annotations(MailerSettings)
    parameters = [kind] if kind else []
    star = False
    for one in inspect.signature(made).parameters.values():
        if one.name in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and not star:
            parameters, star = [*parameters, "*"], True
        option = get_args(declared[one.name])[0].__forward_arg__ if one.name in OPTIONS else str(one.annotation)
        default = "" if one.default is one.empty else f" = {one.default!r}"
        parameters.append(f"{one.name}: {option}{default}")
    decorated = "@classmethod\n" if kind == "cls" else ""
    told = f'\n    """{_escaped(inspect.cleandoc(made.__doc__ or ""))}\n    """' if doc else ""
    noqa = "  # noqa: A001 - read as sendkit.open" if name == "open" else ""
    listed = "".join(f"\n    {parameter}," for parameter in parameters)
    body = "..." if kind else "raise NotImplementedError  # it is `_send.open` that is called"
    return f"{decorated}{head} {name}({noqa}{listed}\n) -> {returns}:{told}\n    {body}\n"


def _escaped(told: str) -> str:
    return told.replace("\n", "\n    ").replace("\n    \n", "\n\n")


def _indented(lines: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in lines.splitlines())


def _formatted(source: str) -> str:
    for command in (("check", "--fix", "--quiet", "--exit-zero", "--config", _OURS), ("format",)):
        call = [sys.executable, "-m", "ruff", *command, "-", "--stdin-filename", str(_SETTINGS / FILE.name)]
        source = subprocess.run(call, input=source, text=True, capture_output=True, check=True).stdout
    return source


if __name__ == "__main__":
    for path, written in texts().items():
        path.write_text(written, encoding="utf-8")
