"""A log anyone can check: every entry of the books in one Merkle tree, its heads signed, proofs for those who do not trust us."""
