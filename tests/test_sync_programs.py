"""Programs of their own with a synchronous mailer: they end, whatever they forget, and go on behind a fork."""

from __future__ import annotations

import os

import pytest

from tests.preloaded import STRICT, started

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def run(program: str) -> str:
    """What a program prints, with warnings as errors."""
    with started(STRICT, program) as child:
        output, errors = child.communicate(timeout=300)
    assert (child.returncode, errors) == (0, "")
    return output.strip()


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    program = """
from sendkit import Mailer, MemoryTransport, Message
mailer = Mailer(transport=MemoryTransport())
print(mailer.send(Message(sender="ana@example.com", to="luis@example.com")).ok)
"""
    assert run(program) == "True"


@forks
def test_after_a_fork_both_sides_go_on() -> None:
    program = """
import os, warnings
from sendkit import Mailer, MemoryTransport, Message
warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads at a fork; that is what is tried here
transport = MemoryTransport()
mailer = Mailer(transport=transport)
send = lambda: mailer.send(Message(sender="ana@example.com", to="luis@example.com")).ok
send()
child = os.fork()
if child == 0:
    send()
    mailer.close()
    os._exit(len(transport.sent))
_, status = os.waitpid(child, 0)
send()
print(os.waitstatus_to_exitcode(status), len(transport.sent))
"""
    assert run(program) == "2 2"


@forks
def test_a_fork_in_the_middle_of_many_waits_for_nothing_of_the_other_side() -> None:
    program = """
import asyncio, os, signal, warnings
from sendkit import Mailer, MemoryTransport, Message
warnings.simplefilter("ignore", DeprecationWarning)  # as above
class Slow(MemoryTransport):
    async def deliver(self, letter, log):
        if "slow" in letter.message_id:
            await asyncio.Event().wait()
        await super().deliver(letter, log)
mailer = Mailer(transport=Slow(), max_connections=3)
send = lambda name: Message(sender="ana@example.com", to="luis@example.com", message_id=f"<{name}@example.com>")
for result in mailer.send_many(map(send, ["a", "slow1", "slow2"])):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        mailer.send(send("b"))
        mailer.close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)
"""
    assert run(program) == "0"
