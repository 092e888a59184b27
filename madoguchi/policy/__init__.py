"""The shop's policy as pure decisions: facts in, decision out. No clock, no database, no engine."""
