"""
R2's part of S3 on a real socket: it stores objects for those who sign with a token of an emulator.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import attrs
import pytest
import trustme

from cftokens.sync.emulator import Emulator

_AUTHORIZATION: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<scope>\d{8}/auto/s3/aws4_request), "
    r"SignedHeaders=(?P<signed>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@attrs.frozen
class Signed:
    """
    A request, of which a signature is made.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def problem(self, secrets: Mapping[str, str]) -> tuple[int, str] | None:
        """
        Return the status and S3's code if the signature is not one of a known key.
        """
        content = self.headers["x-amz-content-sha256"]
        if content.startswith("STREAMING-"):
            return 501, "NotImplemented"
        match = _AUTHORIZATION.fullmatch(self.headers["authorization"])
        if match is None:
            return 400, "AuthorizationHeaderMalformed"
        if match["key"] not in secrets:
            return 401, "Unauthorized"
        if content not in ("UNSIGNED-PAYLOAD", hashlib.sha256(self.body).hexdigest()):
            return 400, "XAmzContentSHA256Mismatch"
        signature = self._signature(secrets[match["key"]], match["scope"], match["signed"])
        return None if hmac.compare_digest(signature, match["signature"]) else (403, "SignatureDoesNotMatch")

    def _signature(self, secret: str, scope: str, signed: str) -> str:
        path, _, query = self.path.partition("?")
        headers = [f"{name}:{' '.join(self.headers[name].split())}\n" for name in signed.split(";")]
        content = self.headers["x-amz-content-sha256"]
        canonical = [self.method, path, "&".join(sorted(query.split("&"))), "".join(headers), signed, content]
        digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
        key = f"AWS4{secret}".encode()
        for part in scope.split("/"):
            key = _hmac(key, part)
        return _hmac(key, "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, digest])).hex()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Bucket(ThreadingHTTPServer):
    """
    One bucket, which the tokens of an emulator may write that are in force and name it.
    """

    daemon_threads = True

    def __init__(self, emulator: Emulator, name: str) -> None:
        self._emulator = emulator._wrapped
        self._name = name
        self.objects: dict[str, bytes] = {}
        self.answers: list[tuple[int, str]] = []
        """The statuses of what was answered, and S3's codes, or what was done."""

        self.refusals = 0
        """How many requests are still refused as if their token were too new."""

        super().__init__(("127.0.0.1", 0), _Handler)

    def secrets(self) -> dict[str, str]:
        """
        Return the secrets of the keys that may write. The emulator keeps the same hash of a value.
        """
        tokens, now = self._emulator._operations.tokens.all, self._emulator._operations._now()
        resource = f"com.cloudflare.edge.r2.bucket.{self._emulator.account_id}_default_{self._name}"
        return {
            token.id: token.digest.hex()
            for token in tokens
            if token.in_force(now) and any(resource in policy.resources for policy in token.fields.policies)
        }

    def answer(self, request: Signed) -> tuple[int, str]:
        """
        Store an object, or say what is wrong.
        """
        problem = request.problem(self.secrets())
        if problem is None and self.refusals > 0:
            self.refusals -= 1
            problem = (401, "Unauthorized")
        if problem is None:
            self.objects[request.path] = request.body
        self.answers.append(problem or (200, "stored"))
        return self.answers[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        assert isinstance(self.server, Bucket)
        status, code = self.server.answer(Signed("PUT", self.path, headers, body))
        content = b"" if status == 200 else f"<Error><Code>{code}</Code></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 -- the name is http.server's
        """
        Print nothing.
        """


@contextmanager
def serving(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, authority_file: str) -> Iterator[None]:
    """
    Serve a bucket where R2's endpoint of its account is, with a certificate that boto3 trusts.
    """
    host = f"{bucket._emulator.account_id}.r2.cloudflarestorage.com"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(authority_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    bucket.socket = context.wrap_socket(bucket.socket, server_side=True)
    looked_up = socket.getaddrinfo

    def resolve(name: Any, port: Any, *more: Any, **options: Any) -> Any:
        where = ("127.0.0.1", bucket.server_port) if name == host else (name, port)
        return looked_up(*where, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("AWS_CA_BUNDLE", authority_file)
    thread = Thread(target=bucket.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        bucket.shutdown()
        thread.join()
        bucket.server_close()
