"""What ``masquerade bench`` and ``masquerade tune`` measure on this machine."""
