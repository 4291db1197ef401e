"""Still pictures: read with all that belongs to them, written back with nothing else changed."""

from __future__ import annotations

from masquerade.media.image_read import read_image
from masquerade.media.image_write import PICTURE_EXTENSIONS, write_image
from masquerade.media.picture import Picture

__all__ = ["PICTURE_EXTENSIONS", "Picture", "read_image", "write_image"]
