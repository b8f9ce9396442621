"""Policies rolled over a site's recorded past, step by step with only then-known data, and what they would have cost."""
