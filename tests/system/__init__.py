"""Races, faults, costs and the local server: what only the running whole can show."""
