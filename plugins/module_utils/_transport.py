# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests behind one call: (method, url, headers, body) -> Response. No JSON, no retries, no credentials of its own."""

from __future__ import annotations

import io
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, TransportError

MAX_BODY = 32 * 1024 * 1024  # bytes; the largest real answers (a page of a list, an LOA) are far below 1 MiB
CHUNK = 64 * 1024


class Response(NamedTuple):
    """status; headers, looked up without regard to case; body: bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b''


class RequestsTransport:
    """Sends one HTTP request over kept-alive connections.

    timeout: seconds from connecting to the last byte of the answer, however slowly it arrives; only the look-up of the host name is left to
    the resolver. verify: True, False, or the path of a CA bundle.
    Proxies and CA bundles of the environment are honoured. The system settings of macOS are not, nor is .netrc (it would replace the
    Authorization header). No redirect is followed: the API has none, and credentials must not travel.
    """

    def __init__(self, timeout: float, verify: bool | str = True) -> None:
        try:
            import requests  # costs 0.1 s: only when something is sent
            import urllib3
        except ImportError as error:
            raise CniError(f'The Python library requests is missing for {sys.executable}: pip install requests ({error}).') from error
        if verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._requests = requests
        self._session = requests.Session()
        # The environment is read once, not for each request as requests does, and .netrc not at all.
        self._session.trust_env = False
        for scheme in ('http://', 'https://'):
            self._session.mount(scheme, _deadline_adapter(requests, urllib3, self._seconds_left))
        self._proxies_by_host: dict[str, dict[str, str]] = {}
        self._timeout = timeout
        self._deadline = threading.local()  # .end: of the request that this thread sends
        self._verify = verify
        if verify is True:
            self._verify = os.environ.get('REQUESTS_CA_BUNDLE') or os.environ.get('CURL_CA_BUNDLE') or True

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Raises TransportError when there is no complete answer."""
        self._deadline.end = time.monotonic() + self._timeout
        try:
            with self._session.request(method, url, headers=dict(headers), data=body, timeout=self._timeout, verify=self._verify,
                                       proxies=self._proxies(url), allow_redirects=False, stream=True) as answer:
                return Response(answer.status_code, answer.headers, self._read_body(answer, method, url))
        except (self._requests.RequestException, ValueError) as error:
            raise TransportError(self._reason(error), method, urlsplit(url).path, _innermost_cause(error)) from error

    def _seconds_left(self) -> float:
        """Seconds until the answer has to be complete. Raises TimeoutError if it is late."""
        seconds = self._deadline.end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError(f'incomplete after {self._timeout:g} s')
        return seconds

    def _proxies(self, url: str) -> dict[str, str]:
        """The proxies of the environment for a host. Without any, requests would ask macOS, which ends a forked process for that."""
        host = urlsplit(url).netloc
        if host not in self._proxies_by_host:
            any_there = self._requests.compat.getproxies_environment()
            self._proxies_by_host[host] = self._requests.utils.get_environ_proxies(url) if any_there else {}
        return self._proxies_by_host[host]

    def _read_body(self, answer, method: str, url: str) -> bytes:
        answer.raw.enforce_content_length = True  # urllib3 before 2 takes a truncated body for the whole
        body = bytearray()
        for chunk in answer.iter_content(CHUNK):
            body += chunk
            if len(body) > MAX_BODY:
                raise TransportError('too_large', method, urlsplit(url).path, f'more than {MAX_BODY} bytes')
        return bytes(body)

    def _reason(self, error: Exception) -> str:
        """The reason of a TransportError. The order matters: requests derives its proxy, TLS and connect errors from ConnectionError."""
        kinds = self._requests.exceptions
        if isinstance(error, kinds.Timeout) or time.monotonic() >= self._deadline.end:
            return 'timeout'
        if isinstance(error, (kinds.ProxyError, ValueError)):  # ValueError: an invalid URL of a proxy, as api_url has been checked
            return 'proxy'
        if isinstance(error, kinds.SSLError):
            return 'tls'
        if re.search(r'NameResolutionError|getaddrinfo|Name or service not known|nodename nor servname', repr(error) + str(error)):
            return 'dns'
        if re.search(r'NewConnectionError|Failed to establish', repr(error) + str(error)):
            return 'refused'
        return 'dropped'


def _deadline_adapter(requests: Any, urllib3: Any, seconds_left: Callable[[], float]) -> Any:
    """An adapter of requests whose connections, with a proxy or without, end when seconds_left() raises TimeoutError."""
    def with_deadline(pool: type) -> type:
        base = pool.ConnectionCls
        timed = {'seconds_left': staticmethod(seconds_left)}
        methods = {**timed, 'response_class': type('Answer', (_DeadlineResponse,), timed)}
        if base._new_conn is urllib3.connection.HTTPConnection._new_conn:  # a SOCKS proxy has its own
            methods['_new_conn'] = _connect_method(urllib3.exceptions)
        return type(pool.__name__, (pool,), {'ConnectionCls': type(base.__name__, (_DeadlineConnection, base), methods)})

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            _replace_pools(self.poolmanager, with_deadline)

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if not known:
                _replace_pools(manager, with_deadline)
            return manager

    return Adapter()


def _replace_pools(manager: Any, make: Callable[[type], type]) -> None:
    manager.pool_classes_by_scheme = {scheme: make(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}


class _DeadlineConnection:
    """A connection that sends and receives within seconds_left(). A socket's own time-out begins anew with each byte."""

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.seconds_left())
        super().send(data)


class _DeadlineResponse(HTTPResponse):
    """An answer, also of a proxy to CONNECT, whose bytes are read within seconds_left()."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, self.seconds_left))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: Any, seconds_left: Callable[[], float]) -> None:
        self._raw, self._sock, self._seconds_left = raw, sock, seconds_left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._seconds_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _connect_method(errors: Any) -> Callable[[Any], socket.socket]:
    """The method that connects to the addresses of a host in turn. Each gets its share of the time, so that a dead one leaves some."""
    def connect(connection: Any) -> socket.socket:
        try:
            return _open_socket(connection)
        except TimeoutError as error:
            raise errors.ConnectTimeoutError(connection, f'no connection to {connection.host}') from error
        except (OSError, UnicodeError) as error:  # UnicodeError: an invalid host name
            raise errors.NewConnectionError(connection, f'Failed to establish a new connection: {error}') from error
    return connect


def _open_socket(connection: Any) -> socket.socket:
    """A socket that is connected to the first address of the host that answers. Each address gets its share of the time that is left."""
    host = connection.host.strip('[]')
    addresses = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(connection.seconds_left() / (len(addresses) - number))
            sock.connect(address)
            sock.settimeout(connection.seconds_left())
        except OSError:
            sock.close()
            if number == len(addresses) - 1:
                raise
        else:
            return sock
    raise OSError(f'no address of {host}')


def _innermost_cause(error: Exception) -> str:
    """The text of the innermost error: requests and urllib3 wrap it several times."""
    inner = error
    while True:
        deeper = getattr(inner, 'reason', None) or (inner.args[0] if inner.args and isinstance(inner.args[0], Exception) else None)
        if not isinstance(deeper, Exception):
            text = re.sub(r'<[^>]* at 0x[0-9a-f]+>:? ?', '', str(inner))
            return re.sub(r'//[^/\s]*@', '//', text) or type(inner).__name__  # without the credentials of a proxy
        inner = deeper
