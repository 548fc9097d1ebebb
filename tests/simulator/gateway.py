# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway in front of the service: credentials, routes, rights and the rate limit. Its errors are always enveloped."""

from __future__ import annotations

import collections
import math
import re

READS = ('GET',)
_TOKEN = re.compile(r'Bearer [A-Za-z0-9._~+/=-]+')


class GatewayError(Exception):
    """The gateway refuses a request: status, Cloudflare's code and message, more errors, headers."""

    def __init__(self, status: int, code: int, message: str, headers: dict | None = None, **extra: object):
        super().__init__(message)
        self.status = status
        self.errors = [{'code': code, 'message': message, **extra}]
        self.headers = headers or {}


def no_route(raw_path: str) -> GatewayError:
    error = GatewayError(404, 7003, f'Could not route to {raw_path}, perhaps your object identifier is invalid?')
    error.errors.append({'code': 7000, 'message': 'No route for that URI'})
    return error


def authentication_error() -> GatewayError:
    return GatewayError(403, 10000, 'Authentication error')


def invalid_token() -> GatewayError:
    return GatewayError(401, 1000, 'Invalid API Token')


def check_verification(operation: str, headers, options) -> None:
    """Raises GatewayError where a token is to be verified that another than the operation's owner has, or that is a key."""
    owners = {'verify_user_token': 'user', 'verify_account_token': 'account'}
    if operation in owners and (headers.get('Authorization') is None or owners[operation] != options.token_owner):
        raise invalid_token()


def check_credentials(headers, options, raw_path: str = '') -> bool:
    """Whether the credentials may write; raises GatewayError for missing, malformed and wrong ones. A token wins over a key."""
    refusal = invalid_token if raw_path.endswith('/tokens/verify') else authentication_error
    token = headers.get('Authorization')
    email, key = headers.get('X-Auth-Email'), headers.get('X-Auth-Key')
    if token is None and not (email and key):
        raise GatewayError(400, 9106, 'Missing X-Auth-Key, X-Auth-Email or Authorization headers')
    if token is None:
        if (email, key) != (options.api_email, options.api_key):
            raise refusal()
        return True
    if not _TOKEN.fullmatch(token):
        chain = [{'code': 6111, 'message': 'Invalid format for Authorization header'}]
        raise GatewayError(400, 6003, 'Invalid request headers', error_chain=chain)
    rights = {f'Bearer {options.token}': True, f'Bearer {options.network_token}': True, f'Bearer {options.read_only_token}': False}
    if token not in rights:
        raise refusal()
    return rights[token]


def has_other_permissions(headers, options) -> bool:
    """Whether the credentials have the permissions for what is not the network: notifications and analytics."""
    return headers.get('Authorization') != f'Bearer {options.network_token}'


def check_notifications(headers, options) -> None:
    """Raises GatewayError for a token without the permission for notifications."""
    if not has_other_permissions(headers, options):
        raise authentication_error()


def check_account(account: str, existing: str, raw_path: str) -> None:
    """Raises GatewayError for an id that can't be one, and for an account that the credentials have no rights in."""
    if not re.fullmatch('[0-9a-fA-F]{32}', account):
        raise no_route(raw_path)
    if account != existing:
        raise authentication_error()


class RateLimit:
    """More than `limit` requests in `window` seconds, and every call is refused for the next `window` seconds."""

    def __init__(self, limit: int, window: float, clock):
        self.limit = limit
        self.window = window
        self._clock = clock
        self._times: collections.deque[float] = collections.deque()
        self._blocked_until = 0.0

    def check(self) -> None:
        """Counts a request; raises GatewayError when it is one too many, or when the block has not ended."""
        now = self._clock()
        while self._times and self._times[0] <= now - self.window:
            self._times.popleft()
        if now >= self._blocked_until:
            self._times.append(now)
            if len(self._times) <= self.limit:
                return
            self._blocked_until = now + self.window
            self._times.clear()
        wait = math.ceil(self._blocked_until - now)
        raise GatewayError(429, 971, 'Please wait and consider throttling your request speed', {'Retry-After': str(wait)})

    def headers(self) -> dict:
        """Requests left and the seconds until all are back, as Cloudflare words it."""
        now = self._clock()
        blocked = now < self._blocked_until
        remaining = 0 if blocked else self.limit - len(self._times)
        end = self._blocked_until if blocked else (self._times[-1] if self._times else now) + self.window
        return {
            'Ratelimit': f'"default";r={remaining};t={math.ceil(end - now)}',
            'Ratelimit-Policy': f'"default";q={self.limit};w={math.ceil(self.window)}',
        }
