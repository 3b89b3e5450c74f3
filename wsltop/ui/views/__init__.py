"""View models: frozen, made from the session by pure functions, shown by the panels as they are."""
