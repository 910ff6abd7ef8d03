"""The interpreter that has loaded sendkit, and forks for each order: a program, and the streams that it is to have.

Its standard input is a socket, one datagram for each order; it ends, with all of its forks, when the other end closes.
Each order brings a conversation, over which go the number of the process and, at the end, its exit code. A process that
has ended stays a zombie until its conversation closes, so that its number is nobody else's before.
"""

from __future__ import annotations

import array
import gc
import json
import os
import select
import signal
import socket
import sys
from types import CodeType, ModuleType
from typing import Any, NamedTuple, NoReturn

MOST = 500_000  # octets of an order


class _Child(NamedTuple):
    pid: int
    conversation: socket.socket
    ended: int  # readable when the process has


class Interpreter:
    """Single-threaded: so are its forks when they begin."""

    def __init__(self) -> None:
        self._orders = socket.socket(fileno=os.dup(0))
        self._looks = select.poll()
        self._looks.register(self._orders, select.POLLIN)
        self._children: list[_Child] = []

    def serve(self) -> CodeType:
        """Return in each fork, with the program that it is to run."""
        while True:
            ready = {descriptor for descriptor, _ in self._looks.poll()}
            for child in [*self._children]:
                if child.ended in ready:
                    self._tell_the_end(child)
                elif child.conversation.fileno() in ready:
                    self._forget(child)
            if self._orders.fileno() in ready and (code := self._obey()):
                return code

    def _obey(self) -> CodeType | None:
        order, descriptors, *_ = socket.recv_fds(self._orders, MOST, 4)
        if not order:
            self._end()
        *streams, talks = descriptors
        conversation = socket.socket(fileno=talks)
        if (pid := os.fork()) == 0:
            conversation.close()
            self._close()
            return _become(*json.loads(order), streams=streams)
        for descriptor in streams:
            os.close(descriptor)
        child = _Child(pid, conversation, os.pidfd_open(pid))
        self._children.append(child)
        for each in (child.ended, conversation):
            self._looks.register(each, select.POLLIN)
        _say(child, pid)
        return None

    def _tell_the_end(self, child: _Child) -> None:
        self._looks.unregister(child.ended)
        ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        _say(child, ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _forget(self, child: _Child) -> None:
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        for each in (child.ended, child.conversation):
            try:
                self._looks.unregister(each)
            except KeyError:  # its end was told
                continue
        os.close(child.ended)
        child.conversation.close()
        self._children.remove(child)

    def _close(self) -> None:
        self._orders.close()
        for child in self._children:
            child.conversation.close()
            os.close(child.ended)

    def _end(self) -> NoReturn:
        for child in [*self._children]:
            self._forget(child)
        os._exit(0)


def _say(child: _Child, number: int) -> None:
    try:
        child.conversation.send(array.array("i", [number]))
    except OSError:  # nobody asks any more
        return


def _become(
    text: str, arguments: list[str], environment: dict[str, str], folder: str, *, streams: list[int]
) -> CodeType:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    return compile(text, "<string>", "exec")


def serve() -> tuple[CodeType, dict[str, Any]]:
    """Load what the first argument says, and serve.

    What is loaded stays to the end: no fork looks through it for garbage, which would copy every page of it.
    """
    exec(sys.argv[1], {})
    gc.collect()
    gc.freeze()
    code = Interpreter().serve()
    sys.modules["__main__"] = main = ModuleType("__main__")  # what a program leaves there is looked through
    return code, vars(main)
