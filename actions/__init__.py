"""Custom actions: from what the talk brought to one service call, and from its result to a reply's name and values."""
