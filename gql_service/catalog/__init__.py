"""THE NOUNS: a row class and its reads, one noun per file."""
