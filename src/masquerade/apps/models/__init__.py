"""What ``masquerade models`` does: lists, facts, transfers, questions about licences."""
