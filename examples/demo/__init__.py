"""The demo's traffic: three sites, their visitors, their bots, and what goes wrong."""
