# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport against sockets on loopback: what travels, and what each way of getting no answer is called."""

from __future__ import annotations

import datetime
import importlib.util
import ipaddress
import itertools
import os
import socket
import socketserver
import ssl
import sys
import threading
import types
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from simulator.process import WAIT

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _transport
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

OK = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\ncf-ray: 8a1-EWR\r\n\r\n{}'


@contextmanager
def server(*answers: bytes | None, tls: ssl.SSLContext | None = None):
    """Answers one connection after the other with the bytes, or never (None); yields (port, what it was sent)."""
    received: list[bytes] = []
    open_connections = []

    def serve() -> None:
        for answer in answers:
            connection, _peer = listener.accept()
            with suppress(OSError):  # a client that refuses the certificate hangs up
                connection = tls.wrap_socket(connection, server_side=True) if tls else connection
                open_connections.append(connection)
                received.append(connection.recv(65536))
                if answer is not None:
                    connection.sendall(answer)
                    connection.close()

    with socket.create_server(('127.0.0.1', 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], received
    for connection in open_connections:
        connection.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'):
        monkeypatch.delenv(name, raising=False)


def get(url, **options):
    return RequestsTransport(options.pop('timeout', WAIT), **options)('GET', url, {'Authorization': 'Bearer t0ken'}, None)


def reason(url, **options):
    with pytest.raises(TransportError) as error:
        get(url, **options)
    return error.value.details['reason']


def test_status_headers_and_body_come_back_as_they_are():
    with server(b'HTTP/1.1 404 Not Found\r\nCF-Ray: 8a1\r\nContent-Length: 3\r\n\r\nnay') as (port, _received):
        answer = get(f'http://127.0.0.1:{port}/')
    assert (answer.status, answer.headers.get('cf-ray'), answer.body) == (404, '8a1', b'nay')


def test_a_redirect_is_not_followed():
    with server(OK) as (elsewhere, received):
        redirect = f'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n'.encode()
        with server(redirect) as (port, _received):
            assert get(f'http://127.0.0.1:{port}/').status == 302
        assert received == []


def test_netrc_does_not_replace_the_token(monkeypatch, tmp_path):
    netrc = tmp_path / 'netrc'
    netrc.write_text('machine 127.0.0.1 login somebody password else\n')
    monkeypatch.setenv('NETRC', str(netrc))
    with server(OK) as (port, received):
        get(f'http://127.0.0.1:{port}/')
    assert b'Authorization: Bearer t0ken' in received[0]


@pytest.mark.parametrize(('answer', 'expected'), [
    (b'', 'dropped'),
    (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":', 'dropped'),
    (b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ha', 'dropped'),
    (b'nonsense\r\n\r\n', 'dropped'),
    (None, 'timeout'),
], ids=['nothing', 'half', 'half a chunk', 'no http', 'never'])
def test_no_whole_answer_is_named(answer, expected):
    with server(answer) as (port, _received):
        assert reason(f'http://127.0.0.1:{port}/', timeout=WAIT if expected == 'dropped' else 0.3) == expected


HEAD, CONNECTED = b'HTTP/1.1 200 OK\r\n', b'HTTP/1.1 200 Connection established\r\n'


@pytest.fixture
def clock(monkeypatch):
    """The transport's clock, which stands still until a test moves it: clock.now."""
    clock = types.SimpleNamespace(now=0)
    monkeypatch.setattr(_transport, 'time', types.SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(_transport, 'MAX_BODY', 1_000_000)  # which ends those that do not notice that their time is up
    return clock


class Drip(socketserver.BaseRequestHandler):
    """Answers with some bytes at once, and with others one by one until the client hangs up."""

    def handle(self) -> None:
        at, connection = self.server, self.request
        with suppress(OSError):  # whom it takes too long hangs up
            if at.tunnel:
                connection.recv(65536)
                connection.sendall(CONNECTED + b'\r\n')
            connection = at.tls.wrap_socket(connection, server_side=True) if at.tls else connection
            connection.recv(65536)
            connection.sendall(at.quick)
            at.asked.release()
            at.go.wait()
            for byte in itertools.cycle(at.slow):
                at.clock.now += at.seconds
                connection.sendall(bytes([byte]))


@contextmanager
def dripping(clock, quick: bytes, slow: bytes, tls: ssl.SSLContext | None = None, tunnel: bool = False):
    """Yields the server: .port; .seconds that each slow byte takes; .asked, released by each request; .go, cleared to keep them back."""
    with socketserver.ThreadingTCPServer(('127.0.0.1', 0), Drip) as drip:
        drip.clock, drip.quick, drip.slow, drip.tls, drip.tunnel, drip.seconds = clock, quick, slow, tls, tunnel, 1
        drip.port, drip.asked, drip.go = drip.server_address[1], threading.Semaphore(0), threading.Event()
        drip.go.set()
        thread = threading.Thread(target=drip.serve_forever, args=[0.01])
        thread.start()
        try:
            yield drip
        finally:
            drip.go.set()
            drip.shutdown()
            thread.join()


DRIPS = pytest.mark.parametrize(('quick', 'slow'), [
    (b'', HEAD), (HEAD + b'Content-Length: 1000000000\r\n\r\n', b'{'), (HEAD + b'Transfer-Encoding: chunked\r\n\r\n', b'1\r\n{\r\n'),
    (HEAD + b'\r\n', b'{'),
], ids=['headers', 'body', 'chunks', 'body without a length'])


@DRIPS
@pytest.mark.parametrize('through', ['http', 'https', 'http by proxy', 'https by proxy'])
def test_the_time_out_is_that_of_the_whole_answer(quick, slow, through, tmp_path, monkeypatch, clock):
    path, context = certificate(tmp_path)
    by_proxy, scheme = through.endswith('proxy'), through.partition(' ')[0]
    tls = context if scheme == 'https' else None
    with dripping(clock, quick, slow, tls, by_proxy and scheme == 'https') as drip:
        if by_proxy:
            monkeypatch.setenv(f'{scheme.upper()}_PROXY', f'http://127.0.0.1:{drip.port}')
        url = f'{scheme}://localhost:{1 if by_proxy else drip.port}/'
        monkeypatch.setenv('NO_PROXY', '')
        assert reason(url, verify=path) == 'timeout'


def test_a_proxy_that_drips_its_own_answer_is_not_waited_for(monkeypatch, clock):
    with dripping(clock, b'', CONNECTED) as drip:
        monkeypatch.setenv('HTTPS_PROXY', f'http://127.0.0.1:{drip.port}')
        assert reason('https://api.example/') == 'timeout'


def test_threads_that_share_a_transport_each_have_their_own_time(clock):
    shared = RequestsTransport(WAIT)

    def status_or_reason(port) -> str | int:
        try:
            return shared('GET', f'http://127.0.0.1:{port}/', {}, None).status
        except TransportError as error:
            return error.details['reason']

    with dripping(clock, HEAD + b'\r\n', b'{') as slow, server(*[OK] * 3) as (quick, _received), ThreadPoolExecutor(6) as pool:
        slow.seconds = 0
        slow.go.clear()
        late = [pool.submit(status_or_reason, slow.port) for _number in range(3)]
        assert [slow.asked.acquire(timeout=WAIT) for _thread in late] == [True] * 3
        clock.now = WAIT - 1
        assert list(pool.map(status_or_reason, [quick] * 3)) == [200] * 3
        clock.now = WAIT
        slow.go.set()
        assert [thread.result() for thread in late] == ['timeout'] * 3


@pytest.mark.parametrize('silent', [True, False])
def test_a_dead_address_of_a_host_leaves_time_for_the_next(monkeypatch, clock, silent):
    class Caller(socket.socket):
        def connect(self, address) -> None:
            if silent and address[0] == '127.0.0.2':
                clock.now += self.gettimeout()
                raise TimeoutError
            super().connect(address)

    with server(OK) as (port, _received):
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, '', (address, port)) for address in ('127.0.0.2', '127.0.0.1')]
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_args, **_options: found)
        monkeypatch.setattr(socket, 'socket', Caller)
        assert get(f'http://api.example:{port}/').status == 200


@pytest.mark.parametrize('proxy', ['http://user:pr0xy-secret@[::1', 'http://user:pr0xy-secret@a..b:1', 'http://'])
def test_a_proxy_that_is_no_address_is_named(monkeypatch, proxy):
    monkeypatch.setenv('HTTP_PROXY', proxy)
    with pytest.raises(TransportError) as error:
        get('http://api.example/')
    assert (error.value.details['reason'], error.value.retryable) == ('proxy', False)
    assert 'pr0xy-secret' not in str(error.value)


@contextmanager
def nobody_there():
    """Yields a port that nobody listens at: it is taken, so that nobody else can."""
    with socket.socket() as kept:
        kept.bind(('127.0.0.1', 0))
        yield kept.getsockname()[1]


def test_nobody_there_is_named():
    with nobody_there() as port:
        assert reason(f'http://127.0.0.1:{port}/') == 'refused'
    assert reason('http://no-such-host.invalid/') == 'dns'


def test_a_dead_proxy_is_named(monkeypatch):
    with nobody_there() as port, pytest.raises(TransportError) as error:
        monkeypatch.setenv('HTTP_PROXY', f'http://user:pr0xy-secret@127.0.0.1:{port}')
        get('http://api.example/')
    assert error.value.details['reason'] == 'proxy'
    assert 'pr0xy-secret' not in str(error.value)


def on_macos(system_query):
    """urllib as on macOS. system_query: called where it would ask the system, which ends a process that was forked."""
    spec, system = importlib.util.find_spec('urllib.request'), types.ModuleType('_scproxy')
    system._get_proxies = system._get_proxy_settings = system_query
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'platform', 'darwin')
        patch.setitem(sys.modules, '_scproxy', system)
        spec.loader.exec_module(module)
    return module


class SystemAskedError(Exception):
    pass


def ask(*_arguments):
    raise SystemAskedError


DIRECT, BY_PROXY = b'GET / HTTP', b'GET http://'


@pytest.mark.parametrize(('environment', 'sent'), [
    ({}, DIRECT), ({'HTTP_PROXY': ''}, DIRECT), ({'NO_PROXY': 'elsewhere'}, DIRECT), ({'HTTPS_PROXY': '{proxy}'}, DIRECT),
    ({'HTTP_PROXY': '{proxy}'}, BY_PROXY), ({'http_proxy': '{proxy}'}, BY_PROXY), ({'ALL_PROXY': '{proxy}'}, BY_PROXY),
    ({'HTTP_PROXY': '{proxy}', 'NO_PROXY': 'elsewhere,192.0.2.0/24'}, BY_PROXY),
    ({'HTTP_PROXY': '{proxy}', 'NO_PROXY': '127.0.0.0/8'}, DIRECT), ({'HTTP_PROXY': '{proxy}', 'no_proxy': '*'}, DIRECT),
], ids=str)
def test_proxies_are_those_of_the_environment_and_on_macos_the_system_is_not_asked(monkeypatch, environment, sent):
    for name in [name for name in os.environ if name.lower().endswith('_proxy')]:
        monkeypatch.delenv(name)
    macos = on_macos(ask)
    with pytest.raises(SystemAskedError):
        macos.getproxies()
    for owner in (urllib.request, requests.utils):
        for name in ('getproxies', 'proxy_bypass'):
            monkeypatch.setattr(owner, name, getattr(macos, name))
    with server(OK) as (port, received):
        for name, value in environment.items():
            monkeypatch.setenv(name, value.format(proxy=f'http://127.0.0.1:{port}'))
        assert get(f'http://127.0.0.1:{port}/').status == 200
    assert received[0].startswith(sent)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(_transport, 'MAX_BODY', 1000)
    with server(b'HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n' + b'x' * 70000) as (port, _received):
        assert reason(f'http://127.0.0.1:{port}/') == 'too_large'


# TLS.

def certificate(folder, name='localhost', days=(-1, 1)):
    """(path of the certificate, which is its own CA; the server's TLS context)."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name)] + ([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))] if name == 'localhost' else [])
    built = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now + datetime.timedelta(days[0]),
                                    now + datetime.timedelta(days[1]))
    built = built.add_extension(x509.SubjectAlternativeName(names), False).add_extension(x509.BasicConstraints(True, None), True)
    path = folder / 'server.pem'
    pem = built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return str(path), context


def test_the_right_ca_is_accepted_and_a_stranger_is_not(tmp_path):
    path, context = certificate(tmp_path)
    with server(OK, OK, OK, tls=context) as (port, _received):
        assert get(f'https://127.0.0.1:{port}/', verify=path).status == 200
        assert reason(f'https://127.0.0.1:{port}/') == 'tls'
        assert get(f'https://127.0.0.1:{port}/', verify=False).status == 200


@pytest.mark.parametrize('flaw', [{'name': 'other.example'}, {'days': (-2, -1)}], ids=['another name', 'expired'])
def test_a_flawed_certificate_is_refused(tmp_path, flaw):
    path, context = certificate(tmp_path, **flaw)
    with server(OK, tls=context) as (port, _received):
        assert reason(f'https://127.0.0.1:{port}/', verify=path) == 'tls'


def test_no_checking_holds_against_a_ca_bundle_of_the_environment(tmp_path, monkeypatch):
    path, context = certificate(tmp_path)
    other = tmp_path / 'other'
    other.mkdir()
    monkeypatch.setenv('REQUESTS_CA_BUNDLE', certificate(other)[0])
    with server(OK, OK, tls=context) as (port, _received):
        assert get(f'https://127.0.0.1:{port}/', verify=False).status == 200
        assert get(f'https://127.0.0.1:{port}/', verify=path).status == 200
