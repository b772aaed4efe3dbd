"""Places where processes and files live: this machine, and executors reached over a WebSocket."""
