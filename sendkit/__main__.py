"""`python -m sendkit`: the same as the command `sendkit`."""

from __future__ import annotations

import sys

from sendkit._cli import main

if __name__ == "__main__":
    sys.exit(main())
