"""BYTES: the contract of a store of objects, and the stores that keep it."""
