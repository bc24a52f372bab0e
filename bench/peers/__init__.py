"""Servers that are measured beside the service: each in a process of its own."""
