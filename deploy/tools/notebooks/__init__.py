"""The notebook server and its starter notebook."""
