"""Virtual chargers, sun, storage and drivers of the demo, on the real protocols."""
