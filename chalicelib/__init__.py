"""Everything that runs on Lambda, and nothing else."""

__version__ = "0.1.0"
