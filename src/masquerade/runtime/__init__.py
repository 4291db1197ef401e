"""ONNX Runtime: sessions, providers, threads and graph passes. Nobody else imports it."""
