"""Experiments: several recipes that differ in one thing, over several seeds, beside a source's own table."""
