"""A proxy before a real server that loses, delays or repeats one request."""

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOWS = ("request dropped", "reply dropped", "reply late", "sent twice")


class Proxy:
    """Forwards everything; the request number `at` (from 0, since `arm`) suffers `how`.

    Attributes:
        seen: method and path of each request since `arm`
    """

    def __init__(self, port, late_s):
        self.target, self.late_s, self.seen, self.at, self.how = port, late_s, [], None, None
        proxy, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with lock:
                    how = proxy.how if len(proxy.seen) == proxy.at else None
                    proxy.seen.append(f"{self.command} {self.path.partition('?')[0]}")
                self.close_connection = True
                if how == "request dropped":
                    return
                for _ in range(2 if how == "sent twice" else 1):
                    reply = self.send_on(body)
                if how == "reply late":
                    time.sleep(proxy.late_s)
                if how in ("reply dropped", "reply late"):
                    return
                status, headers, content = reply
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(content)

            def send_on(self, body):
                connection = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                reply = connection.getresponse()
                return reply.status, reply.getheaders(), reply.read()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward  # noqa: N815

            def log_message(self, *words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    def arm(self, at=None, how=None):
        """From here on the requests are counted, and one of them suffers."""
        self.seen, self.at, self.how = [], at, how
