"""How much sun, storage and contract a site needs: perfect foresight beside what is achievable."""
