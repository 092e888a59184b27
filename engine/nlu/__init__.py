"""Rasa graph components that understand Japanese; import each from its own module."""
