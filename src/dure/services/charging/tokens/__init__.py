"""Who may charge: tokens by their digests, groups, and the lists that stations keep."""
