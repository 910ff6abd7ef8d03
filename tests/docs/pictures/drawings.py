"""The drawings: the life of a message, the states of the outbox, the floors of the house."""

from __future__ import annotations

from collections.abc import Iterator

from sendkit import Phase
from sendkit.outbox import RecipientState
from tests.docs.pictures.svg import BAD, DOUBT, FAINT, GOOD, INK, LATER, Box, arrow, page, text
from tests.floors import rooms

_SAID = {
    Phase.CONNECT: "connect",
    Phase.GREETING: "greeting",
    Phase.EHLO: "EHLO",
    Phase.STARTTLS: "STARTTLS",
    Phase.AUTH: "AUTH",
    Phase.MAIL: "MAIL",
    Phase.RCPT: "RCPT",
    Phase.BODY: "content",
    Phase.END_OF_DATA: "end of data",
}
_COLOURS = {
    RecipientState.ACCEPTED: GOOD,
    RecipientState.REJECTED: BAD,
    RecipientState.EXPIRED: BAD,
    RecipientState.IN_DOUBT: DOUBT,
    RecipientState.WAITING: LATER,
}


def life() -> str:
    """The phases of a session, and what is known when it ends in each."""
    step, width = 104, 92
    boxes = [Box(16 + step * number, 30, words, width=width) for number, words in enumerate(_SAID.values())]
    parts = [box.drawn() for box in boxes]
    parts += [arrow((one.x + width, 48), (one.x + step, 48)) for one in boxes[:-1]]
    last = boxes[-1]
    parts.append(arrow((last.x + width, 48), (last.x + width + 40, 48), "250"))
    accepted = Box(last.x + width + 44, 30, "accepted", width=width, colour=GOOD)
    parts.append(accepted.drawn())
    known, unknown = last.x - 12, last.x + width + 34
    parts += _span(16, known, LATER, "it ends here: nothing was taken; tried again, or rejected (5yz)")
    parts += _span(known + 8, unknown, DOUBT, "here: in doubt")
    return page(accepted.x + width + 16, 140, "The life of a message, and what is known when it ends", parts)


def _span(start: float, end: float, colour: str, words: str) -> Iterator[str]:
    yield f"<path d='M{start:g} 84v8H{end:g}v-8' fill='none' stroke='{colour}' stroke-width='1.5'/>"
    yield text((start + end) / 2, 114, words, anchor="middle", colour=colour, size=13)


def outbox() -> str:
    """What may become of a recipient of a letter."""
    places = {
        RecipientState.WAITING: (30, 110),
        RecipientState.SENDING: (250, 110),
        RecipientState.ACCEPTED: (520, 30),
        RecipientState.REJECTED: (520, 90),
        RecipientState.IN_DOUBT: (520, 170),
        RecipientState.FORGOTTEN: (760, 170),
        RecipientState.EXPIRED: (250, 30),
        RecipientState.CANCELLED: (30, 30),
        RecipientState.DIVERTED: (760, 30),
    }
    boxes = {
        state: Box(x, y, state.replace("_", " "), colour=_COLOURS.get(state, INK)) for state, (x, y) in places.items()
    }
    parts = [box.drawn() for box in boxes.values()]
    parts += [
        arrow((150, 122), (250, 122), "mark"),
        arrow((250, 138), (150, 138)),
        text(200, 156, "refused for now", anchor="middle", colour=FAINT, size=12),
        arrow((370, 120), (520, 52), "250"),
        arrow((370, 128), (520, 112), "5yz"),
        arrow((370, 136), (520, 184)),
        text(430, 182, "no answer", anchor="middle", colour=FAINT, size=12),
        arrow((640, 188), (760, 188), "forget"),
        "<path d='M580 206V236H90V146' fill='none' stroke='#6b7680' marker-end='url(#head)'/>",
        text(335, 230, "retry: a person or a policy says so", anchor="middle", colour=FAINT, size=12),
        arrow((150, 112), (250, 62), "after 5 days"),
        arrow((90, 110), (90, 66), "cancel"),
        text(760, 84, "diverted: a setting for tests took it", colour=FAINT, size=12),
    ]
    return page(1000, 256, "The states of a recipient of the outbox", parts)


def floors() -> str:
    """The floors of the house, the ground floor at the bottom."""
    of = list(reversed(list(enumerate(rooms()))))
    parts = [
        part
        for row, (number, names) in enumerate(of)
        for part in (
            text(16, 36 + row * 30, str(number), colour=FAINT, size=12),
            *(
                Box(44 + beside * 150, 16 + row * 30, name, width=142, height=26).drawn()
                for beside, name in enumerate(names)
            ),
        )
    ]
    widest = max(len(names) for _, names in of)
    return page(44 + widest * 150 + 16, 32 + len(of) * 30, "The floors: a room imports only rooms below it", parts)
