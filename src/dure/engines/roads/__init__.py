"""Road maps: importers of OpenStreetMap extracts and of the Korean standard node-link, and the store that keeps their graphs."""
