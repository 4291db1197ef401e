"""The farm: long videos and many of them, cut into segments, on one machine or many."""
