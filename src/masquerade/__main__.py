"""``python -m masquerade``."""

from __future__ import annotations

import sys

from masquerade.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
