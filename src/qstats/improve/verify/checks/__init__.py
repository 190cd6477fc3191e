"""The checks an auditor would make before believing the number; each is a small function from the case to a `Check`."""
