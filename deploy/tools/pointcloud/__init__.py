"""The point-cloud summary task."""
