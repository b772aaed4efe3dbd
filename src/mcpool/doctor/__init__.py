"""What is wrong, and which line or command mends it: decided from plain facts, which `mcpool doctor` gathers."""
