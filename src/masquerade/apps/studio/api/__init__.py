"""The studio's HTTP and WebSocket interface, version 1: one router a module."""
