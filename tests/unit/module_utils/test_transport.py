# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport against sockets on loopback: what travels, and what each way of getting no answer is called."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _transport
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport

OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncf-ray: 8a1-EWR\r\n\r\n{}'


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
    return RequestsTransport(options.pop('timeout', 5), **options)('GET', url, {'Authorization': 'Bearer t0ken'}, None)


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
        assert reason(f'http://127.0.0.1:{port}/', timeout=0.3) == expected


def test_nobody_there_is_named():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    assert reason(f'http://127.0.0.1:{port}/') == 'refused'
    assert reason('http://no-such-host.invalid/') == 'dns'


def test_a_dead_proxy_is_named(monkeypatch):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv('HTTP_PROXY', f'http://user:pr0xy-secret@127.0.0.1:{port}')
    with pytest.raises(TransportError) as error:
        get('http://api.example/')
    assert error.value.details['reason'] == 'proxy'
    assert 'pr0xy-secret' not in str(error.value)


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
