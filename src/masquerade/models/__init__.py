"""Networks as typed callables: detector, landmarker, embedder, blendshapes."""
