"""Everything that runs on Lambda, and nothing else."""

__version__ = "1.0.0"
