"""Everything that the benchmark needs and the machine need not have, in a folder of its own: benchmarks/.cache.

A virtual environment with sendkit's dependencies and the peers from the Python package index, nodemailer from npm, and
certificates of an own authority. Nothing is installed twice; delete the folder to begin afresh.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "benchmarks" / ".cache"
_PEERS = ("redmail", "yagmail", "emails", "trustme", "pytest", "psycopg[binary]>=3.2,<4", "procrastinate>=3.10,<4")
_NODE_PEER = "nodemailer"
_CERTIFICATES = """
import sys, trustme
authority = trustme.CA()
certificate = authority.issue_cert("127.0.0.1", "localhost")
authority.cert_pem.write_to_path(sys.argv[1] + "/ca.pem")
certificate.private_key_pem.write_to_path(sys.argv[1] + "/key.pem")
certificate.cert_chain_pems[0].write_to_path(sys.argv[1] + "/cert.pem")
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is there: a Python with all peers, node (None: not on this machine), npm's modules, and certificates."""

    python: Path
    node: str | None
    modules: Path
    certificates: Path
    missing: str | None = None


def install() -> Installation:
    """Install what is missing; `missing` says in words what could not be installed. Raises CalledProcessError."""
    CACHE.mkdir(exist_ok=True)
    python = _environment()
    certificates = CACHE / "certificates"
    if not (certificates / "cert.pem").exists():
        certificates.mkdir(exist_ok=True)
        subprocess.run([python, "-c", _CERTIFICATES, certificates], check=True)
    node = shutil.which("node")
    missing = "node is not on this machine" if node is None else _node_peer(CACHE / "npm")
    return Installation(python, node, CACHE / "npm" / "node_modules", certificates, missing)


def _environment() -> Path:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = "\n".join([*project["dependencies"], *project["optional-dependencies"]["proxy"], *_PEERS])
    folder, stamp = CACHE / "venv", CACHE / "venv" / "requirements.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing the peers into benchmarks/.cache (once)", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *wanted.splitlines()], check=True)
        stamp.write_text(wanted)
    return python


def _node_peer(folder: Path) -> str | None:
    if (folder / "node_modules" / _NODE_PEER).exists():
        return None
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not on this machine"
    folder.mkdir(exist_ok=True)
    quietly = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run([npm, "install", *quietly, "--prefix", folder, _NODE_PEER], check=False)
    return None if done.returncode == 0 else "npm could not install nodemailer"
