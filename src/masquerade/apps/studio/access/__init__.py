"""Who may speak to the studio, from where, how often, and what browsers may do with its pages."""
