"""A site's front: one origin per run, with no Python in the path of the bytes."""
