"""Live sessions: what a WebSocket says, and what becomes of it."""
