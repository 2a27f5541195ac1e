"""RabbitMQ as a queue."""
