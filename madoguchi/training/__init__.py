"""The trainers' work: what a model is made of, training it, and finding the one in service."""
