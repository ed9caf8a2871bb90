"""Shells, commands, ssh and forwarded ports of the runs that are held here.

`door` takes what the site's edge lets in, `relay` joins it with a program, `ssh` speaks that protocol.
"""
