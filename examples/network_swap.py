"""Swap one picture with brought networks, or say in a sentence what is missing.

python examples/network_swap.py me.jpg holiday.jpg out.png
python examples/network_swap.py me.jpg holiday.jpg out.png inswapper_128 gfpgan_1.4

Without the networks the built-in swapper draws the face, so there is always a result.
"""

from __future__ import annotations

import sys

import cv2

from masquerade import Engine, Execution, MasqueradeError, RuntimeSetupError, Settings
from masquerade.core.errors import LicenceError

donor, target, output, *names = sys.argv[1:]
model, *enhancers = names or ["inswapper_128", "gfpgan_1.4"]
settings = Settings(model=model, enhancer=tuple(enhancers))
execution = Execution(providers=("auto",), max_memory_bytes=6 * 2**30)


def open_engine() -> Engine:
    """An engine with the networks; without them where one is missing or does not fit."""
    engine = None
    try:
        engine = Engine(donor, settings, execution=execution)
        engine.load()  # what is wrong with a network shows here, not with the first frame
    except (RuntimeSetupError, LicenceError) as error:
        if engine is not None:
            engine.close()
        print(f"{error}\nThe built-in swapper draws instead.")
        return Engine(donor)
    return engine


picture = cv2.imread(target)  # uint8 (H, W, 3) BGR, as the engine takes it
if picture is None:
    sys.exit(f"{target} is no picture.")
try:
    with open_engine() as engine:
        swapped, report = engine.swap_picture(picture)
        for notice in engine.notices:  # which provider was chosen, what was lowered
            print(notice)
except MasqueradeError as error:
    sys.exit(str(error))
cv2.imwrite(output, swapped)
print(
    f"{report.faces_swapped} faces, drawn by {', '.join(report.models) or 'the built-in swapper'}"
)
