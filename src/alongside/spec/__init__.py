"""The words: values, protocols and pure rules. No IO, no clock, no framework."""
