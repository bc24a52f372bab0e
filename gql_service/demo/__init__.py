"""THE DEMO: real handwritten digits, and the main job played once over HTTP."""
