"""The options of networks: which ones, how their faces look, and where they run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from masquerade.apps.arguments import add_settings
from masquerade.apps.execution_arguments import add_execution, execution_from

if TYPE_CHECKING:
    from masquerade.apps.parsing import Parser

__all__ = ["add_detector", "add_execution", "add_networks", "add_upscaler", "execution_from"]


def add_networks(parser: Parser) -> None:
    """Add which networks swap and enhance, how their faces look, and where they run."""
    which = parser.add_argument_group("networks")
    add_settings(which, ["model", "enhancer", "landmarker", "masker", "refresh", "effect"])
    look = parser.add_argument_group("how a network's face looks")
    add_settings(
        look, ["swap_size", "identity_weight", "enhancer_weight", "enhancer_blend", "color"]
    )
    add_settings(look, ["mask", "mask_blur", "mask_padding", "mouth_mask", "blend"])
    add_settings(look, ["alignment", "crop_scale", "crop_shift_x", "crop_shift_y"])
    add_execution(parser)


def add_upscaler(parser: Parser) -> None:
    """Add which network enhances whole pictures, and in what tiles; of files alone."""
    add_settings(parser.add_argument_group("the whole picture"), ["enhance_frame", "tile"])


def add_detector(group: argparse._ArgumentGroup) -> None:
    """Add which detector searches, and how large a picture it sees."""
    add_settings(group, ["detector", "detect_size"])
