"""The data of a stage's tables: exports and imports, and the data of one person."""
