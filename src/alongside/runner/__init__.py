"""The runner: takes work, stages data, drives executors. It dials out, never in."""
