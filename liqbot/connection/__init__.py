"""The one door to the unified client: connections, endpoints, rate limits, and what its errors mean."""
