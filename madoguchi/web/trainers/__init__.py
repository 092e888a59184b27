"""The trainers' room: pages for the people who teach the desk, mounted at /desk/train."""
