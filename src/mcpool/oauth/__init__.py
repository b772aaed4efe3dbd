"""Signing in to servers on the network: who has which tokens, where they are kept, and how they are renewed."""
