"""OCPP 1.6J, 2.0.1 and 2.1: frames, the official schemas, errors. Pure."""
