"""Waiting on this machine while a broker is away."""
