"""Kafka as a queue."""
