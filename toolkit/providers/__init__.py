"""Adapters: one class a service or engine, one file a class."""
