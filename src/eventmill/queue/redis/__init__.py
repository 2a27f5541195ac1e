"""Redis Streams as a queue."""
