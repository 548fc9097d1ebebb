# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the connection options to the client."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, key_headers, token_headers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import API_URL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._transport import RequestsTransport


def connect(params: Mapping[str, Any], warn: Callable[[str], None], secrets: Secrets) -> Client:
    """The client that the connection options describe. Raises InputError."""
    if not params['account_id']:
        raise InputError('account_id', 'is required; set it or CLOUDFLARE_ACCOUNT_ID.', 'the 32 hex digits in the URL of the dashboard')
    for option in ('timeout', 'retry_timeout', 'requests_per_window'):
        if params[option] <= 0:
            raise InputError(option, f'{params[option]:g} is not valid.', 'more than 0')
    transport = secrets.redacting_transport(RequestsTransport(params['timeout'], _verify(params, warn)))
    return Client(transport, params['account_id'], _credentials(params), _base_url(params, warn), retry_timeout=params['retry_timeout'],
                  requests_per_window=params['requests_per_window'], warn=warn)


def _base_url(params: Mapping[str, Any], warn: Callable[[str], None]) -> str:
    url = _parsed_url(params['api_url'] or API_URL)
    if url is None or url.scheme not in ('http', 'https') or not url.hostname:
        raise InputError('api_url', f'{params["api_url"]!r} is not a URL.', f'such as {API_URL}')
    if url.scheme == 'http' and not re.fullmatch(r'localhost|127\..*|::1', url.hostname):
        warn(f'api_url is plain http: the credentials are sent to {url.hostname} unencrypted.')
    return url.geturl()


def _parsed_url(text: str) -> SplitResult | None:
    """The parts of a URL; None if requests, the resolver or Python can't use it: each finds other mistakes."""
    from requests import PreparedRequest

    try:
        PreparedRequest().prepare_url(text, None)
        url = urlsplit(text)
        (url.hostname or '').encode('idna')
    except ValueError:
        return None
    return url


def _verify(params: Mapping[str, Any], warn: Callable[[str], None]) -> bool | str:
    if not params['validate_certs']:
        warn('validate_certs is false: anybody on the path can read the credentials and change the responses.')
        return False
    if params['ca_path'] and not os.path.exists(params['ca_path']):
        raise InputError('ca_path', f'{params["ca_path"]} does not exist.')
    return params['ca_path'] or True


def _credentials(params: Mapping[str, Any]) -> dict[str, str]:
    """The headers of the token or the key. Raises InputError unless exactly one of them is given, whole."""
    token, key, email = (params[name] for name in ('api_token', 'api_key', 'api_email'))
    for option in ('api_token', 'api_key', 'api_email'):
        if params[option] and not re.fullmatch(r'[!-~]+', params[option]):
            raise InputError(option, 'contains a space, a line break or another character that no credential has.')
    if token and key:
        raise InputError('api_token, api_key', 'both are set (check CLOUDFLARE_API_TOKEN and CLOUDFLARE_API_KEY too).', 'one of the two')
    if key and not email:
        raise InputError('api_email', 'is required with api_key; set it or CLOUDFLARE_EMAIL.')
    if token or key:
        return token_headers(token) if token else key_headers(email, key)
    raise InputError('api_token', 'is required; set it or CLOUDFLARE_API_TOKEN.', 'an API token, or api_key with api_email')
