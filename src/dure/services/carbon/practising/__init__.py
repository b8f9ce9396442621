"""Citizens' practices: catalogue, proofs, decisions, budgets, wallets, groups, challenges, withdrawal and erasure."""
