"""The mutations, one noun per file."""
