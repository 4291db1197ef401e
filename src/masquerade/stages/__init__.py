"""The steps of a frame, one verb a module; each maps a FrameJob to a FrameJob."""
