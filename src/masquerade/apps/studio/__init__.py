"""The studio: live swaps, files and the library in a browser, on this machine or from another."""
