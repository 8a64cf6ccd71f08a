"""Models in use: outcomes against promises, alerts, training again."""
