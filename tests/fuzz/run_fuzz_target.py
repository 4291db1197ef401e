"""One target under libFuzzer, for tools/fuzz: TARGET FOLDER [options of libFuzzer].

The folder is the corpus that is worked on. Without atheris, which is built for few systems, it says
so and ends with 3.
"""

from __future__ import annotations

import os
import sys

INSTRUMENTED = ["masquerade", "json", "tomllib", "zipfile", "python_multipart", "PIL"]


def main() -> None:
    name, *options = sys.argv[1:]
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed here\n")
        sys.exit(3)
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    with atheris.instrument_imports(include=INSTRUMENTED, enable_loader_override=False):
        from fuzz_targets import TARGETS
    import av.logging
    from fuzz_target import scratch

    os.environ["MASQUERADE_HOME"] = str(scratch() / "home")
    av.logging.set_level(None)
    target = TARGETS[name]
    target.seeds()  # whatever is made once, is made before the clock of an input runs
    limits = [f"-max_len={target.max_bytes}", f"-timeout={target.seconds}", "-rss_limit_mb=3000"]
    atheris.Setup([sys.argv[0], *limits, *options], target.attack)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
