"""One way of calling a tool per file: each offers `opened()`, a context manager that yields its caller."""
