"""An internet on this machine: names, addresses, and the ports that the addresses lead to.

As PYTHONPATH, this folder gives it to other processes (sitecustomize.py).
"""
