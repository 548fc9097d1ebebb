# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""requests behind one call: (method, url, headers, body) -> Response. No JSON, no retry, no token of its own."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from typing import NamedTuple
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

    timeout: seconds for connecting and for the whole answer. verify: True, False, or the path of a CA bundle.
    Proxies and CA bundles of the environment are honoured, .netrc is not (it would replace the Authorization header),
    and no redirect is followed (the API has none, and credentials must not travel).
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
        self._proxies_of: dict[str, dict[str, str]] = {}
        self._timeout = timeout
        self._verify = verify
        if verify is True:
            self._verify = os.environ.get('REQUESTS_CA_BUNDLE') or os.environ.get('CURL_CA_BUNDLE') or True

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Raises TransportError when there is no complete answer."""
        started = time.monotonic()
        try:
            with self._session.request(method, url, headers=dict(headers), data=body, timeout=self._timeout, verify=self._verify,
                                       proxies=self._proxies(url), allow_redirects=False, stream=True) as answer:
                return Response(answer.status_code, answer.headers, self._read(answer, method, url, started))
        except self._requests.RequestException as error:
            raise TransportError(self._reason(error), method, urlsplit(url).path, _cause(error)) from error

    def _proxies(self, url: str) -> dict[str, str]:
        """The proxies of the environment for a host."""
        host = urlsplit(url).netloc
        if host not in self._proxies_of:
            self._proxies_of[host] = self._requests.utils.get_environ_proxies(url)
        return self._proxies_of[host]

    def _read(self, answer, method: str, url: str, started: float) -> bytes:
        body = bytearray()
        for chunk in answer.iter_content(CHUNK):
            body += chunk
            if len(body) > MAX_BODY:
                raise TransportError('too_large', method, urlsplit(url).path, f'more than {MAX_BODY} bytes')
            if time.monotonic() - started > self._timeout:
                raise TransportError('timeout', method, urlsplit(url).path, f'incomplete after {self._timeout:g} s')
        return bytes(body)

    def _reason(self, error: Exception) -> str:
        """The order matters: requests derives its proxy, TLS and connect time-out errors from ConnectionError."""
        kinds = self._requests.exceptions
        if isinstance(error, kinds.ProxyError):
            return 'proxy'
        if isinstance(error, kinds.SSLError):
            return 'tls'
        if isinstance(error, kinds.Timeout) or 'Read timed out' in str(error):
            return 'timeout'
        if re.search(r'NameResolutionError|getaddrinfo|Name or service not known|nodename nor servname', repr(error) + str(error)):
            return 'dns'
        if re.search(r'NewConnectionError|Failed to establish', repr(error) + str(error)):
            return 'refused'
        return 'dropped'


def _cause(error: Exception) -> str:
    """The innermost reason: requests and urllib3 wrap it several times."""
    inner = error
    while True:
        deeper = getattr(inner, 'reason', None) or (inner.args[0] if inner.args and isinstance(inner.args[0], Exception) else None)
        if not isinstance(deeper, Exception):
            return re.sub(r'<[^>]*object at 0x[0-9a-f]+>:? ?', '', str(inner)) or type(inner).__name__
        inner = deeper
