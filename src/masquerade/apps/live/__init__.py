"""What a person sees and does while a stream runs: window, status line, keys, metrics, log."""
