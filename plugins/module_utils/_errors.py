# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One exception tree; each error knows the dict that fail_json gets.

CniError
├── InputError              the user asked for something impossible; nothing was written
├── AmbiguousError          more than one object matches
├── DriftError              an object differs in fields that are immutable, or not this run's to change
├── NotAppliedError         the API confirmed a write and did not apply it
├── ValidationError         the API wrote what it was asked only to validate
├── UndecidedError          nobody can tell whether an order was placed
├── RaceError               another run was quicker
├── ProtectedError          a circuit that carries traffic is not deleted without force
├── NotApprovedError        the plan of a circuit is not the approved one
├── NotListedError          Cloudflare does not list something yet
├── PartialFailureError     some circuits of many failed
│   └── ExpectationError    sites lack what was expected of them
├── BugError                an exception that nobody expected
├── TransportError          no answer: DNS, proxy, TLS, time-out, connection lost
└── AnswerError             an answer that isn't the one asked for (HTML, truncated JSON, a redirect)
    ├── ShapeError          an object with a field of another type than documented
    └── ApiError            the API refused: its own status, code and message
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

# {start of the path: the permissions to read and to write}. Source of each: the API reference.
PERMISSIONS = {
    '/alerting/': ('Notifications Read or Write', 'Notifications Write'),
    '/graphql': ('Account Analytics Read', 'Account Analytics Read'),
    '/': ('Magic WAN Read or Write, or Magic Transit Read or Write', 'Magic WAN Write or Magic Transit Write'),
}

# {start of the path: what an account needs for it}
PRODUCTS = {
    '/alerting/': 'notifications of this kind',
    '/graphql': 'GraphQL analytics, and check that the token has Account Analytics Read',
    '/': 'Cloudflare Network Interconnect',
}

# Hints for known causes: (status, code) of the gateway in front of the API. None stands for any code.
HINTS = {
    (400, 9106): 'The request carried no credentials: set api_token (or CLOUDFLARE_API_TOKEN).',
    (400, 6003): 'The API token or key is malformed: copy it again, without quotes or line breaks.',
    (403, 10000): 'The API token is not valid or lacks a permission, or account_id is not the account it was made for. '
                  'It needs {permissions}.',
    (200, 'authz'): 'The API token lacks a permission, or account_id is not the account it was made for. It needs {permissions}.',
    (404, 7003): 'The API has no such URL: check account_id (32 hex digits) and api_url.',
    (404, 7000): 'The API has no such URL: check account_id (32 hex digits) and api_url.',
    (429, None): 'The rate limit of this token is used up (1,200 requests in 5 minutes, shared by everything that uses it): '
                 'lower requests_per_window or raise retry_timeout.',
    (401, None): 'The credentials were rejected: check api_token, or api_key and api_email.',
    (409, None): 'An object conflicts that did not exist when the account was read: run it again.',
    (403, None): 'The credentials are valid, but the account is not entitled to this: ask your account team whether it has {product}.',
}


def sentence(text: str) -> str:
    """The text with a full stop, if it has none: the API's messages often lack it."""
    return text if text.endswith(('.', '?')) else f'{text}.'


class CniError(Exception):
    """Base of all errors of this collection.

    message: the sentence for people. details: what a playbook may want to look at, returned under C(error).
    """

    kind = 'error'
    retryable = False
    transient = False

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.applied: list = []
        self.notes: list[str] = []

    def __str__(self) -> str:
        return ' '.join(sentence(text) for text in (self.message, *self.notes))

    def result(self) -> dict[str, Any]:
        """The arguments of fail_json: C(msg) and C(error)."""
        error = {'kind': self.kind, 'retryable': self.retryable, **self.details}
        return {'msg': str(self), 'error': {name: value for name, value in error.items() if value is not None}}


class InputError(CniError):
    """The user asked for something impossible. option: the option to look at; allowed: what it may be."""

    kind = 'input'

    def __init__(self, option: str, problem: str, allowed: Any = None) -> None:
        text = f'{option}: {problem}'
        super().__init__(f'{text} Allowed: {allowed}.' if isinstance(allowed, str) else text, option=option, allowed=allowed)

    def within(self, block: str) -> InputError:
        """The same of an option that is in a block, as in routes[0]."""
        self.message, self.details['option'] = f'{block}.{self.message}', f'{block}.{self.details["option"]}'
        return self


class AmbiguousError(CniError):
    """More than one object matches; candidates: what names each of them."""

    kind = 'ambiguous'

    def __init__(self, label: str, candidates: list[str], advice: str) -> None:
        super().__init__(f'{label} matches {len(candidates)} objects: {", ".join(candidates)}. {advice}', candidates=candidates)


class DriftError(CniError):
    """The object exists and differs in fields that can't, or must not, be changed. fields: {name: {have, want}}; kind_of_fields: in words.
    """

    kind = 'drift'

    def __init__(self, label: str, fields: dict[str, dict[str, Any]], advice: str, kind_of_fields: str = 'immutable fields') -> None:
        pairs = ', '.join(f'{name} is {pair["have"]!r}, requested {pair["want"]!r}' for name, pair in fields.items())
        super().__init__(f'{label} differs in {kind_of_fields}: {pairs}. {advice}', fields=fields)


class NotAppliedError(CniError):
    """The API answered a write with success, but the object is not as it was asked for. fields: {name: {have, want}}."""

    kind = 'not_taken'

    def __init__(self, label: str, fields: dict[str, dict[str, Any]]) -> None:
        pairs = ', '.join(f'{name} is {pair["have"]!r}, requested {pair["want"]!r}' for name, pair in fields.items())
        super().__init__(f'Cloudflare accepted the write to {label} but did not apply it: {pairs}.', fields=fields)


class ValidationError(CniError):
    """The API wrote a change that it was asked only to validate. change: what it wrote."""

    kind = 'validation'

    def __init__(self, change: Any) -> None:
        super().__init__(f'Cloudflare was asked to validate the change of {change.label} (validate_only=true), and wrote it. '
                         'No other change was sent. Do not use validate.')
        self.applied = [change]


class UndecidedError(CniError):
    """An order was sent and its answer lost, more than once, and the object is not listed."""

    kind = 'undecided'


class RaceError(CniError):
    """Another run was quicker. Nothing is wrong with the options, and the next run sees what the other one did."""

    kind = 'race'
    retryable = True


class ProtectedError(CniError):
    """What would be deleted carries traffic. candidates: the circuits that would stop, or the prefixes that are routed to one."""

    kind = 'protected'

    def __init__(self, reason: str, candidates: list[str], refused: str = 'It is not deleted') -> None:
        super().__init__(f'{reason}. {refused} without force=true.', candidates=candidates)


class NotApprovedError(CniError):
    """The plan of a circuit is not the approved one. differences: what is not."""

    kind = 'unapproved'

    def __init__(self, differences: list[str]) -> None:
        super().__init__(f'Not as approved: {"; ".join(differences)}. Nothing of it was written. Plan again, and have that approved.',
                         differences=differences)


class NotListedError(CniError):
    """Cloudflare does not list something yet that it creates by itself. part: the part of the snapshot that will show it.

    observe() reads that part again until it is listed or retry_timeout is over: the user sees the error only then.
    """

    kind = 'not_yet'
    retryable = True

    def __init__(self, message: str, part: tuple[str, str | None], **details: Any) -> None:
        super().__init__(message, **details)
        self.part = part


class PartialFailureError(CniError):
    """Some circuits of many failed. outcome: the result of the run, with the outcome of each circuit."""

    kind = 'partly'

    def __init__(self, message: str, outcome: dict[str, Any], retryable: bool) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.retryable = retryable

    def result(self) -> dict[str, Any]:
        return {**super().result(), **self.outcome}


class ExpectationError(PartialFailureError):
    """Sites lack what was expected of them. outcome: the result, with the verdict."""

    kind = 'unmet'


class BugError(CniError):
    """An exception that nobody expected, with its traceback. redact: takes secrets out of its text."""

    def __init__(self, cause: BaseException, redact: Callable[[str], str]) -> None:
        chain = [cause]
        while cause := cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__):
            chain.append(cause)
        where = [f'{"".join(traceback.format_tb(error.__traceback__))}{type(error).__name__}: {redact(str(error))}\n'
                 for error in reversed(chain)]
        text = f'{type(chain[0]).__name__}: {redact(str(chain[0]))}'
        super().__init__(f'This is a bug in the collection, please report it: {text}', traceback='\n'.join(where))
        self.applied = getattr(chain[0], 'applied', [])


def as_cni_error(error: Exception, redact: Callable[[str], str] = str) -> CniError:
    """The error itself if it is one of these, else a BugError."""
    return error if isinstance(error, CniError) else BugError(error, redact)


class TransportError(CniError):
    """No answer. reason: dns, refused, tls, proxy, timeout, dropped or too_large."""

    kind = 'transport'
    ADVICE: ClassVar[dict[str, str]] = {
        'dns': 'The host name could not be resolved: check api_url and the resolver of the machine that runs the task.',
        'refused': 'The connection was refused: check api_url, firewall and proxy.',
        'tls': 'TLS failed: check ca_path (a proxy that inspects TLS has its own CA), the host name in api_url and the clock.',
        'proxy': 'The connection through the proxy failed: check HTTPS_PROXY and NO_PROXY.',
        'timeout': 'No response in time: see the option timeout.',
        'dropped': 'The connection was closed before the response was complete.',
        'too_large': 'The response is larger than any response of this API.',
    }

    def __init__(self, reason: str, method: str, path: str, cause: str) -> None:
        super().__init__(f'{method} {path}: {self.ADVICE[reason]} ({cause})', reason=reason, method=method, path=path)
        self.cause = cause
        self.transient = self.retryable = reason in ('dns', 'refused', 'timeout', 'dropped')


class AnswerError(CniError):
    """An answer that isn't the one asked for."""

    kind = 'answer'
    transient = retryable = True

    def __init__(self, method: str, path: str, status: int, problem: str, cf_ray: str | None = None) -> None:
        super().__init__(f'{method} {path}: HTTP {status}, {problem}', method=method, path=path, status=status, cf_ray=cf_ray)
        self.status = status
        if 300 <= status < 400:
            self.transient = self.retryable = False


class ShapeError(AnswerError):
    """An object that can't be read completely. field_paths: the paths of the fields that can't be."""

    def __init__(self, method: str, path: str, status: int, problem: str, field_paths: Iterable[str]) -> None:
        super().__init__(method, path, status, problem)
        self.field_paths = tuple(field_paths)


def _error_text(error: dict[str, Any]) -> str:
    """An error of the API in a line: its message, its code, the field that it is about (source.pointer), and the page that explains it."""
    source = error.get('source')
    pointer = source.get('pointer') if isinstance(source, dict) else None
    named = {'code': error.get('code'), 'at': pointer, 'see': error.get('documentation_url')}
    details = ', '.join(f'{name} {value}' for name, value in named.items() if value is not None)
    return f'{error.get("message") or "no message"}' + (f' ({details})' if details else '')


class ApiError(AnswerError):
    """The API's refusal in its own words: method, path, status, code, message, errors, cf_ray."""

    kind = 'api'

    def __init__(self, method: str, path: str, status: int, errors: list[dict[str, Any]], cf_ray: str | None = None,
                 retry_after: float | None = None) -> None:
        super().__init__(method, path, status, '; '.join(map(_error_text, errors)) or 'without a message', cf_ray)
        self.codes = [e.get('code') for e in errors]
        self.transient = self.retryable = status in (408, 429) or status >= 500
        self.retry_after = retry_after
        first = errors[0] if errors else {}
        self.details.update(errors=errors, code=first.get('code'), message=first.get('message'), retry_after=retry_after)
        permissions = next(pair for start, pair in PERMISSIONS.items() if path.startswith(start))
        product = next(product for start, product in PRODUCTS.items() if path.startswith(start))
        self._add_hint(permissions=permissions[method != 'GET'], product=product)
        if cf_ray:
            self.notes.append(f'Its cf-ray is {cf_ray}.')

    def _add_hint(self, **words: str) -> None:
        keys = [(self.status, code) for code in self.codes] + [(self.status, None)]
        hint = next((HINTS[key] for key in keys if key in HINTS), None)
        if hint:
            self.details['hint'] = hint.format(**words)
            self.notes.append(self.details['hint'])


ToError = Callable[[Exception], CniError]
