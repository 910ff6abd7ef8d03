"""The faults by name: what each looks like on the wire, and what it amounts to for a client.

Knows: the verbs of the scripted server. Must not know: which of them a client should survive (`truth` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .truth import B, Kind, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.servers.scripted_faults import WireRule, WireScript

DRIP = 0.3
PLACES: Mapping[Place, Callable[[WireScript], WireRule]] = {
    Place.GREETING: lambda script: script.on_connect(),
    Place.EHLO: lambda script: script.on_ehlo(),
    Place.STARTTLS: lambda script: script.on_starttls(),
    Place.HANDSHAKE: lambda script: script.on_tls(),
    Place.EHLO_IN_TLS: lambda script: script.on_ehlo_in_tls(),
    Place.AUTH: lambda script: script.on_auth(),
    Place.RSET: lambda script: script.on_rset(),
    Place.MAIL: lambda script: script.on_mail(),
    Place.RCPT_B: lambda script: script.on_rcpt(B),
    Place.DATA: lambda script: script.on_data(),
    Place.BODY: lambda script: script.on_body(),
    Place.END: lambda script: script.after_data(),
    Place.QUIT: lambda script: script.on_quit(),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong; `put(rule, times)` writes it into the script. `reset`: the connection ends by RST."""

    name: str
    kind: Kind
    put: Callable[[WireRule, int | None], object]
    reset: bool = False


def _reply(text: str, kind: Kind) -> Fault:
    return Fault(text[:3], kind, lambda rule, times: rule.reply(text, times=times))


FAULTS = (
    _reply("451 4.3.0 later", Kind.LATER),
    _reply("450 4.7.1 slow down", Kind.LATER),
    _reply("554 5.3.0 never", Kind.NEVER),
    _reply("552 5.2.2 full", Kind.NEVER),
    _reply("421 4.3.2 closing", Kind.CLOSING),
    _reply("530 5.7.0 log in", Kind.LOGIN),
    _reply("538 5.7.11 encrypt", Kind.LOGIN),
    _reply("503 5.5.1 bad sequence", Kind.MISFIT),
    _reply("500 5.5.1 what", Kind.MISFIT),
    _reply("354 go ahead", Kind.UNEXPECTED),
    _reply("252 perhaps", Kind.UNEXPECTED),
    Fault("fin", Kind.LOST, lambda rule, times: rule.drop(times=times)),
    Fault("rst", Kind.LOST, lambda rule, times: rule.drop(rst=True, times=times), reset=True),
    Fault("silence", Kind.SILENT, lambda rule, times: rule.silence(times=times)),
    Fault("drip", Kind.SILENT, lambda rule, times: rule.drip(interval=DRIP, times=times)),
    Fault("garbage", Kind.MALFORMED, lambda rule, times: rule.garbage(times=times)),
    Fault("mixed codes", Kind.LOOSE, lambda rule, times: rule.mixed_codes(times=times)),
    Fault("endless line", Kind.MALFORMED, lambda rule, times: rule.endless_line(times=times)),
    Fault("endless reply", Kind.MALFORMED, lambda rule, times: rule.endless_reply(times=times)),
    Fault("long reply", Kind.MALFORMED, lambda rule, times: rule.long_reply(70_000, times=times)),
    Fault("stray 250", Kind.STRAY_YES, lambda rule, times: rule.stray(b"250 2.0.0 stray\r\n", times=times)),
    Fault("stray 550", Kind.STRAY_NO, lambda rule, times: rule.stray(b"550 5.0.0 stray\r\n", times=times)),
    Fault("answer+fin", Kind.GONE, lambda rule, times: rule.answer_and_drop(times=times)),
    Fault("answer+rst", Kind.GONE, lambda rule, times: rule.answer_and_drop(rst=True, times=times), reset=True),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
