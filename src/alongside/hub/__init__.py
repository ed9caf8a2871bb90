"""The hub: doors that answer, doors that wait, and the rooms behind them."""
