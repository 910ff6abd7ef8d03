"""How long `sendkit send` takes from its start to its first octet on the wire: `python -m benchmarks.cold_start`.

Beside the shortest program that could send mail at all, `python -c "import smtplib, ssl"`, in turns with it: CPU time
of the whole process, which is ended as soon as it has spoken. Prints a table, and ends with 1 if it takes too long.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.interpreter import environment

_ROOT = Path(__file__).resolve().parent.parent
_ROUNDS = 15
_MOST = 4.0
_LIMIT = 60.0
_YARDSTICK = "import smtplib, ssl"


def measure(rounds: int = _ROUNDS) -> tuple[float, float, float]:
    """The median of the ratios, and of the seconds of either side."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_LIMIT)
        _first_octet(listener)  # writes the bytecode
        pairs = [(_first_octet(listener), _yardstick()) for _ in range(rounds)]
    ours, theirs = (median(side) for side in zip(*pairs, strict=True))
    return median(one / other for one, other in pairs), ours, theirs


def main() -> int:
    """Measure, print, and judge."""
    ratio, ours, theirs = measure()
    print("### cold start: CPU time to the first octet on the wire\n")
    print(f"| program | ms | against | ms | ratio | wanted |\n{'|---' * 6}|")
    wanted = f"{_MOST:g} at most: " + ("yes" if ratio <= _MOST else "**no**")
    print(f"| `sendkit send …` | {ours * 1000:.0f} | `{_YARDSTICK}` | {theirs * 1000:.0f} | {ratio:.2f} | {wanted} |")
    return int(ratio > _MOST)


def _first_octet(listener: socket.socket) -> float:
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    login = ["--host", host, "--user", "ana@example.com", "--retries", "0"]
    letter = ["-f", "ana@example.com", "-t", "luis@example.com", "-s", "a subject", "--text", "a text"]
    before = _cpu()
    client = subprocess.Popen(
        [sys.executable, "-m", "sendkit", "send", *login, *letter],
        cwd=_ROOT,
        env=environment(SENDKIT_PASSWORD="a secret"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with client:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(_LIMIT)
            connection.sendall(b"220 a server\r\n")
            assert connection.recv(1) == b"E"
            client.kill()
    return _cpu() - before


def _yardstick() -> float:
    before = _cpu()
    subprocess.run([sys.executable, "-c", _YARDSTICK], check=True, env=environment())
    return _cpu() - before


def _cpu() -> float:
    """Seconds of CPU of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
