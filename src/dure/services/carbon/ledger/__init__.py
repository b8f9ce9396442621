"""Double entry in whole grams and won: accounts, immutable transfers, pending and posted, and what is taken once only."""
