"""Register reads to intervals: deltas under explicit rules, their quality, gaps and revisions."""
