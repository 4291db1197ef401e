"""Work that is queued, survives a restart, and is done by processes of its own."""
