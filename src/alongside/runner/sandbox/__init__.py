"""The bubblewrap sandbox of the process executor.

`command` says what a sandbox looks like; `keeper` runs outside it and outlives the runner;
`inside` runs in it as its first process; `mounts` puts datasets into it.
"""
