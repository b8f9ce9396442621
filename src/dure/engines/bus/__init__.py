"""The bus: NATS JetStream with its MQTT listener; our own child process or an external cluster."""
