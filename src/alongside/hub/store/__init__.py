"""The only SQL and the only log files; returns spec values, never rows."""
