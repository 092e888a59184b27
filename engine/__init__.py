"""The engine: Japanese understanding and dialogue on Rasa Open Source and GiNZA."""
