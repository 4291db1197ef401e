"""Networks that stand in for the published ones: same inputs and outputs, weights of our own.

``full_cost`` builds them at the cost of the originals, ``functional`` tiny ones that do a task.
"""
