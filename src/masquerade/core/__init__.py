"""The nouns that every room shares: frames, faces, errors, protocols, settings."""
