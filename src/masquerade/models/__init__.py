"""Networks as typed callables: detector, landmarker, embedder, and adapters of brought ones."""
