"""Rules that find entities in normalised text; plain Python without Rasa."""
