"""FORMATS: datasets from and to files, by the command line."""
