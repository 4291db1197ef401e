"""Takes Deep-Live-Cam's command lines in a checkout of masquerade.

    python run.py --execution-provider cuda --max-memory 8 -s me.jpg -t film.mp4 -o swapped.mp4

Without -t the camera is swapped live. ``python run.py --help`` lists the options.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

if __name__ == "__main__":
    try:
        from masquerade.apps.deep_live_cam import run_script
    except ImportError as error:
        sys.exit(f"{error.name} is not installed; run: pip install -e '.[cpu]'")
    run_script()
