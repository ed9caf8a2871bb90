"""How a run becomes processes. Executors do not know each other."""
