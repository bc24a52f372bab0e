"""LONG WORK: what was asked for, how far it is, how it ended. Knows no dataset."""
