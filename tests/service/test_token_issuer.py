"""The keys of a token issuer are fetched by a deadline and without redirects; roles are read from one path only."""

import os
import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from service.auth import download, issuer_documents, tokens
from service.auth.grants import NotAuthenticated
from tests.service.test_auth import Provider, issuer, provided

SECONDS = 2.0


@pytest.fixture
def provider():
    with provided() as provider:
        yield provider


@contextmanager
def listening(answer):
    """The address of a server that answers each connection with `answer(connection)`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=respond, args=(connection,), daemon=True).start()

        def respond(connection):
            with connection:
                try:
                    connection.recv(65_536)
                    answer(connection)
                except OSError:  # the client has gone
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def drips(beginning):
    """An answer that sends `beginning`, and then for ever a byte every 0.1 s: no wait for a byte is long."""

    def answer(connection):
        connection.sendall(beginning)
        while True:
            connection.sendall(b"x")
            time.sleep(0.1)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"


@pytest.mark.long("waits for a limit")
@pytest.mark.parametrize(
    "answer",
    [drips(HEAD + b"{"), drips(b"HTTP/1.1 200 OK\r\nX-Long: "), drips(b""), lambda _: time.sleep(30)],
    ids=["body", "header", "status", "silence"],
)
def test_a_document_that_does_not_come_in_time_is_given_up_and_its_process_is_ended(answer):
    with listening(answer) as address:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            issuer_documents.fetch(address + "/keys", began + SECONDS)
        assert SECONDS <= time.monotonic() - began < SECONDS + 1.5
        assert not [each for each in psutil.Process().children() if address in " ".join(each.cmdline())]


def test_discovery_and_keys_have_one_deadline_together(tmp_path, monkeypatch):
    """The discovery document takes most of the time, and the keys would take as much again."""
    monkeypatch.setattr(tokens, "FETCH_SECONDS", SECONDS)

    class Slow(Provider):
        def jwks(self):
            time.sleep(SECONDS)
            return super().jwks()

    slow = Slow()
    try:
        authenticator = issuer(slow, tmp_path)
        began = time.monotonic()
        with pytest.raises(NotAuthenticated) as refused:
            authenticator.authenticate(slow.token())
        assert refused.value.kind == "issuer-unavailable"
        assert time.monotonic() - began < SECONDS + 1.5
    finally:
        slow.server.shutdown()
        slow.server.server_close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(provider, tmp_path, status):
    def redirects(connection):
        location = f"Location: {provider.issuer}/keys\r\n"
        connection.sendall(f"HTTP/1.1 {status} Elsewhere\r\n{location}Content-Length: 0\r\n\r\n".encode())

    with listening(redirects) as address, capture_logs() as lines:
        authenticator = issuer(provider, tmp_path, jwks_uri=f"{address}/keys")
        with pytest.raises(NotAuthenticated) as refused:
            authenticator.authenticate(provider.token())
    assert refused.value.kind == "issuer-unavailable"
    assert provider.fetched == 0, "the address of the redirect was not asked"
    [line] = [line for line in lines if line["event"] == "the issuer's keys cannot be fetched"]
    assert str(status) in line["reason"]


def test_a_document_is_read_up_to_a_size(provider):
    size = download.MAX_BYTES

    def large(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 10 * size)

    with listening(large) as address, pytest.raises(ValueError, match="more than"):
        issuer_documents.fetch(address, time.monotonic() + 5)
    with pytest.raises(ValueError, match="passwd"):
        issuer_documents.fetch("file:///etc/passwd", time.monotonic() + 5)


def test_the_process_that_fetches_is_given_no_secret(tmp_path, monkeypatch):
    """It runs in an environment that has the proxy and the certificates of the operator, but no secret."""
    monkeypatch.setenv("SUYUAN_SECRET", "top-secret-1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:top-secret-2@h/d")
    monkeypatch.setenv("PGPASSWORD", "top-secret-3")
    seen = []

    def look(connection):
        [child] = [each for each in psutil.Process().children() if download.__file__ in each.cmdline()]
        seen.append(Path(f"/proc/{child.pid}/environ").read_bytes())
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"keys": []}')

    with listening(look) as address:
        assert issuer_documents.fetch(address, time.monotonic() + 5) == {"keys": []}
    assert seen
    assert b"top-secret" not in seen[0]
    assert f"PATH={os.environ['PATH']}".encode() in seen[0]


def test_a_claim_that_has_the_name_of_the_path_gives_no_role(provider, tmp_path):
    authenticator = issuer(provider, tmp_path, roles_claim="realm_access.roles", name_claim="who.name")
    faked = {"realm_access.roles": ["payer"], "who.name": "minister"}
    assert authenticator.authenticate(provider.token(who={"name": "zhou"}, **faked)).grants == ()
    given = authenticator.authenticate(provider.token(**faked, who={"name": "zhou"}, realm_access={"roles": ["clerk"]}))
    assert (given.name, [sorted(each.scopes) for each in given.grants]) == ("oidc:zhou", [["read"]])
    with pytest.raises(NotAuthenticated):
        authenticator.authenticate(provider.token(**faked))


def test_a_claim_with_dots_in_its_name_is_reached_by_a_list_of_names_only(provider, tmp_path):
    name = "https://sso.example.gov/roles"
    authenticator = issuer(provider, tmp_path, roles_claim=[name])
    assert len(authenticator.authenticate(provider.token(**{name: ["clerk"]})).grants) == 1
    nested = {"https://sso": {"example": {"gov/roles": ["clerk"]}}}
    assert authenticator.authenticate(provider.token(**nested)).grants == ()
