"""Labels, metadata and consent."""
