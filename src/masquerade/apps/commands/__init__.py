"""One module per command; each has ``run(args, console)`` and returns what ``--json`` prints."""
