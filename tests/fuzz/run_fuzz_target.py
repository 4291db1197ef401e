"""One target under libFuzzer, for tools/fuzz: TARGET FOLDER [options of libFuzzer].

The folder is the corpus that is worked on. Without atheris, which is built for few systems, it says
so and ends with 3.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable

from document_mutator import bent

INSTRUMENTED = ["masquerade", "json", "tomllib", "zipfile", "python_multipart", "PIL"]


def _mutator(by_bytes: Callable[[bytes, int], bytes]) -> Callable[[bytes, int, int], bytes]:
    """Bends documents half of the time, and bytes otherwise."""

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        choose = random.Random(seed)
        document = bent(data, choose) if choose.random() < 0.5 else None
        return by_bytes(data, most) if document is None else document[:most]

    return mutated


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
    words = [sys.argv[0], *limits, *options]
    atheris.Setup(words, target.attack, custom_mutator=_mutator(lambda *how: atheris.Mutate(*how)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
