"""The doors: HTTP in front of the services. Knows the services and `rasa.py`; nothing knows it."""
