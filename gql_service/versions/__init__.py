"""THE RULES: the one writer, clone, merge, what a version has seen, retention."""
