"""What happens at the desk: each service is one or a few short transactions, its first argument the `Desk`."""
