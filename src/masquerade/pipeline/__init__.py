"""Channels, scheduler and meter: how jobs travel through the stages."""
