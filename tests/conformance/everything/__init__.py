"""A server that offers everything that the official conformance suite looks for, in both protocol eras."""
