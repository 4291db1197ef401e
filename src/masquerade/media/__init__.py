"""Pictures and videos in and out. PyAV lives here and nowhere else."""
