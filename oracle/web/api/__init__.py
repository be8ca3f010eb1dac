"""The HTTP API `/v1`: what partners call; every route is declared once, and the declaration checks and documents it."""
