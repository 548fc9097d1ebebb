# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests behind one call: (method, url, headers, body) -> Response. No JSON, no retry, no token of its own."""

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

MAX_BODY = 32 * 1024 * 1024  # bytes; the largest real answers (a page of a list, a LOA) are far below 1 MiB
CHUNK = 64 * 1024


class Response(NamedTuple):
    """status; headers, looked up without regard to case; body: bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b''


class RequestsTransport:
    """Sends one HTTP request over kept-alive connections.

    timeout: seconds from connecting to the last byte of the answer, however slowly it comes; only the look-up of the host name is the
    resolver's own. verify: True, False, or the path of a CA bundle.
    Proxies and CA bundles of the environment are honoured. The system settings of macOS are not, nor is .netrc (it would replace the
    Authorization header), and no redirect is followed (the API has none, and credentials must not travel).
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
        # What requests would look up in the environment for each request is looked up once, and .netrc not at all.
        self._session.trust_env = False
        for scheme in ('http://', 'https://'):
            self._session.mount(scheme, _adapter(requests, urllib3, self._left))
        self._proxies_of: dict[str, dict[str, str]] = {}
        self._timeout = timeout
        self._until = threading.local()  # .end: when the request that this thread sends has to be answered
        self._verify = verify
        if verify is True:
            self._verify = os.environ.get('REQUESTS_CA_BUNDLE') or os.environ.get('CURL_CA_BUNDLE') or True

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Raises TransportError when there is no complete answer."""
        self._until.end = time.monotonic() + self._timeout
        try:
            with self._session.request(method, url, headers=dict(headers), data=body, timeout=self._timeout, verify=self._verify,
                                       proxies=self._proxies(url), allow_redirects=False, stream=True) as answer:
                return Response(answer.status_code, answer.headers, self._read(answer, method, url))
        except (self._requests.RequestException, ValueError) as error:
            raise TransportError(self._reason(error), method, urlsplit(url).path, _cause(error)) from error

    def _left(self) -> float:
        """Seconds until the answer has to be there. Raises TimeoutError if it is late."""
        left = self._until.end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f'incomplete after {self._timeout:g} s')
        return left

    def _proxies(self, url: str) -> dict[str, str]:
        """The proxies of the environment for a host. Without any, requests would ask macOS, which ends a forked process for that."""
        host = urlsplit(url).netloc
        if host not in self._proxies_of:
            any_there = self._requests.compat.getproxies_environment()
            self._proxies_of[host] = self._requests.utils.get_environ_proxies(url) if any_there else {}
        return self._proxies_of[host]

    def _read(self, answer, method: str, url: str) -> bytes:
        answer.raw.enforce_content_length = True  # urllib3 before 2 takes a part for the whole
        body = bytearray()
        for chunk in answer.iter_content(CHUNK):
            body += chunk
            if len(body) > MAX_BODY:
                raise TransportError('too_large', method, urlsplit(url).path, f'more than {MAX_BODY} bytes')
        return bytes(body)

    def _reason(self, error: Exception) -> str:
        """The order matters: requests derives its proxy, TLS and connect time-out errors from ConnectionError."""
        kinds = self._requests.exceptions
        if isinstance(error, kinds.Timeout) or time.monotonic() >= self._until.end:
            return 'timeout'
        if isinstance(error, (kinds.ProxyError, ValueError)):  # an address that can't be: api_url has been checked, the proxy's has not
            return 'proxy'
        if isinstance(error, kinds.SSLError):
            return 'tls'
        if re.search(r'NameResolutionError|getaddrinfo|Name or service not known|nodename nor servname', repr(error) + str(error)):
            return 'dns'
        if re.search(r'NewConnectionError|Failed to establish', repr(error) + str(error)):
            return 'refused'
        return 'dropped'


def _adapter(requests: Any, urllib3: Any, left: Callable[[], float]) -> Any:
    """An adapter of requests whose connections, with a proxy or without, end when left() raises TimeoutError."""
    def timed(pool: type) -> type:
        base = pool.ConnectionCls
        methods = {'left': staticmethod(left), 'response_class': type('Answer', (_Answer,), {'left': staticmethod(left)})}
        if base._new_conn is urllib3.connection.HTTPConnection._new_conn:  # that of a SOCKS proxy is another
            methods['_new_conn'] = _connected(urllib3.exceptions)
        return type(pool.__name__, (pool,), {'ConnectionCls': type(base.__name__, (_Timed, base), methods)})

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = {k: timed(pool) for k, pool in self.poolmanager.pool_classes_by_scheme.items()}

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            known = proxy in self.proxy_manager
            manager = super().proxy_manager_for(proxy, **options)
            if not known:
                manager.pool_classes_by_scheme = {k: timed(pool) for k, pool in manager.pool_classes_by_scheme.items()}
            return manager

    return Adapter()


class _Timed:
    """A connection that sends and receives within left(). A socket's own time-out begins anew with each byte that comes."""

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.left())
        super().send(data)


class _Answer(HTTPResponse):
    """An answer, of a proxy to CONNECT too, of which each byte is read within left()."""

    def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_Incoming(self.fp.detach(), sock, self.left))


class _Incoming(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: Any, left: Callable[[], float]) -> None:
        self._raw, self._sock, self._left = raw, sock, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _connected(errors: Any) -> Callable[[Any], socket.socket]:
    """The method that connects: to the addresses of the host in turn, each with its share of the time, so that a dead one leaves some."""
    def connected(connection: Any) -> socket.socket:
        try:
            return _dial(connection)
        except TimeoutError as error:
            raise errors.ConnectTimeoutError(connection, f'no connection to {connection.host}') from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that can't be one
            raise errors.NewConnectionError(connection, f'Failed to establish a new connection: {error}') from error
    return connected


def _dial(connection: Any) -> socket.socket:
    host = connection.host.strip('[]')
    found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    for number, (family, kind, protocol, _name, address) in enumerate(found):
        sock = socket.socket(family, kind, protocol)
        try:
            for option in connection.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(connection.left() / (len(found) - number))
            sock.connect(address)
            sock.settimeout(connection.left())
        except OSError:
            sock.close()
            if number == len(found) - 1:
                raise
        else:
            return sock
    raise OSError(f'no address of {host}')


def _cause(error: Exception) -> str:
    """The innermost reason: requests and urllib3 wrap it several times."""
    inner = error
    while True:
        deeper = getattr(inner, 'reason', None) or (inner.args[0] if inner.args and isinstance(inner.args[0], Exception) else None)
        if not isinstance(deeper, Exception):
            text = re.sub(r'<[^>]* at 0x[0-9a-f]+>:? ?', '', str(inner))
            return re.sub(r'//[^/\s]*@', '//', text) or type(inner).__name__  # without the credentials of a proxy
        inner = deeper
