"""The agents' desk under /desk: server-rendered pages, live by server-sent events. Copy lives in templates/desk."""
