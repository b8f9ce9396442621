"""Where every Wh came from: a double-entry ledger in whole Wh, chained by digests."""
