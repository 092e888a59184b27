"""A small real SMTP server on the loopback interface, which a test tells how to answer."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default


@dataclass
class Post:
    """What the server got, and its answers by command."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    got: list[Message] = field(default_factory=list)
    logins: int = 0


@contextmanager
def post_office(**answers: str) -> Iterator[Post]:
    """Run a server for the length of a block."""
    post = Post(answers=answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 test")
            while line := self.rfile.readline().decode().strip():
                verb = line.split(" ")[0].upper()
                post.logins += verb == "AUTH"
                if verb == "QUIT":
                    self.say("221 bye")
                    return
                if verb == "DATA" and "DATA" not in post.answers:
                    self.say("354 go on")
                    self.take()
                else:
                    self.say(post.answers.get(verb, "250 ok"))

        def take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            answer = post.answers.get("END", "250 taken")
            if answer.startswith("250"):
                post.got.append(message_from_bytes(b"".join(lines), policy=default))
            if answer == "silence":
                self.connection.close()
                return
            self.say(answer)

        def say(self, words: str) -> None:
            self.wfile.write(f"{words}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        post.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield post
        finally:
            server.shutdown()
