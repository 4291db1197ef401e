"""``python -m masquerade``."""

from __future__ import annotations

from masquerade.apps.cli import run_program

if __name__ == "__main__":
    run_program()
