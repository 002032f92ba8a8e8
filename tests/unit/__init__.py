"""The modules of chalicelib and infra, one by one."""
