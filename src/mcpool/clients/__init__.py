"""The configuration files of other clients: mcpool's entries written into them, and taken back."""
