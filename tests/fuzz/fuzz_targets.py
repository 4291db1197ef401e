"""Every target by its name."""

from __future__ import annotations

from fuzz_documents import DOCUMENTS
from fuzz_farm import FARM
from fuzz_media import MEDIA
from fuzz_registers import REGISTERS
from fuzz_signed import SIGNED
from fuzz_studio import STUDIO
from fuzz_target import FuzzTarget

TARGETS: dict[str, FuzzTarget] = {
    target.name: target for target in (*DOCUMENTS, *FARM, *MEDIA, *REGISTERS, *SIGNED, *STUDIO)
}
