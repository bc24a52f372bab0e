"""How fast the service is, beside the bare database doing the same work: `python -m bench`."""
