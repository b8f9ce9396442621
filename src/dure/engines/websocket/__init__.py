"""WebSockets: a listener for many thousand stations in one process."""
