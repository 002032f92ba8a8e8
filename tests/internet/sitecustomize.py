"""Imported by Python at its start, through PYTHONPATH: the internet of the variable INTERNET."""

import importlib
import json
import os

# The folder is in PYTHONPATH; there is no package `tests`.
internet = importlib.import_module("fake_dns").Internet(**json.loads(os.environ["INTERNET"]))
used = internet.used()
used.__enter__()
