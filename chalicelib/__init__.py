"""Everything that runs on Lambda, and nothing else."""

__version__ = "2.0.0"
