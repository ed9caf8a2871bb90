"""The hand: a process per open folder that does file operations as the folder's owner, and nothing else.

Standard library and words only: it is started often, and small enough to be read whole.
"""
