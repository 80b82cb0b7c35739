"""What every controller shares: queue, workers, leadership, watches, metrics, conditions."""
