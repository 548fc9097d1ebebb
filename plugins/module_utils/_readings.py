# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an account for preflight_info, and makes a profile of its answers. Sends nothing but GET, and each request once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import UNKNOWN_URL_CODES, Client, Response
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._contract import KINDS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, TransportError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._profile import (
    FORMAT,
    body_form,
    differences,
    list_end,
    parsed,
    result_of,
    shape_of,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES, SLOT

MAX_READS = 9  # a list counts once, however many pages it has
NO_SUCH_NAME = 'no-such-interconnect'
CREDENTIAL_CODES = frozenset({6003, 9106})  # of a 400 of the gateway


class Reading(NamedTuple):
    """A read of the account. answers: each page; skew: how much the clock of this machine is ahead; objects: None if it failed."""

    answers: list[Response]
    skew: timedelta | None
    objects: list[Object] | None
    error: CniError | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status of a refusal."""
        return getattr(self.error, 'status', None)

    @property
    def codes(self) -> set[Any]:
        """Cloudflare's codes of a refusal."""
        return set(getattr(self.error, 'codes', ()))


Readings = Mapping[str, Reading]


def read_account(client: Client, token: str | None) -> dict[str, Reading]:
    """{name: reading} of at most MAX_READS reads, fewer if the first show that the others would fail too."""
    client.retry_timeout, readings = 0, {}
    for name, read in READS.items():
        if len(readings) == MAX_READS or stop_reason(readings):
            break
        noted: list[tuple[Response, timedelta | None]] = []
        client.on_answer = partial(_note, noted)
        try:
            objects, error = read(client, readings, token or ''), None
        except CniError as failure:
            objects, error = None, failure
        if noted or error:
            readings[name] = Reading([answer for answer, _skew in noted], noted[0][1] if noted else None, objects, error)
    return readings


def _note(noted: list[tuple[Response, timedelta | None]], answer: Response) -> None:
    """Adds an answer, and how far the clocks were apart when it came."""
    noted.append((answer, _skew(answer)))


def _skew(answer: Response) -> timedelta | None:
    try:
        return datetime.now(timezone.utc) - parsedate_to_datetime(answer.headers.get('Date') or '')
    except (TypeError, ValueError):
        return None


def stop_reason(readings: Readings) -> str:
    """Why nothing more is read: connection, limit, credentials or account; empty if there is no reason."""
    name, last = next(reversed(readings.items()), ('', None))
    if last is None or last.error is None:
        return ''
    if isinstance(last.error, TransportError):
        return 'connection'
    if last.status == 429:
        return 'limit'
    if last.codes & CREDENTIAL_CODES or (name == 'slot' and last.status in (401, 403) and _is_token_refused(readings)):
        return 'credentials'
    return 'account' if name == 'slot' and last.codes & UNKNOWN_URL_CODES else ''


def _is_token_refused(readings: Readings) -> bool:
    verifications = [readings[name] for name in VERIFICATIONS if name in readings]
    return bool(verifications) and all(reading.error for reading in verifications)


def _verify_user_token(client: Client, _readings: Readings, token: str) -> list[Object] | None:
    if not token or token.startswith('cfat_'):
        return None
    return [client.get(('user', 'tokens', 'verify'), in_account=False)]


def _verify_account_token(client: Client, readings: Readings, token: str) -> list[Object] | None:
    user = readings.get('user_token')
    if not token or (user and (user.error is None or token.startswith('cfut_'))):
        return None
    return [client.get(('tokens', 'verify'))]


def _object_reader(name: str) -> Callable[[Client, Readings, str], list[Object]]:
    return lambda client, readings, token: read_objects(client, name)


def _read_unknown(client: Client, _readings: Readings, _token: str) -> list[Object]:
    """An interconnect that cannot exist: what an error looks like."""
    found = client.get((*RESOURCES['interconnect'].url_path, NO_SUCH_NAME), accept=(200, 404))
    return [] if found is None else [found]


def _read_filtered(client: Client, readings: Readings, _token: str) -> list[Object] | None:
    """A page of one slot, of a site in other case than it is written in."""
    site = next((site for slot in readings['slot'].objects or () if (site := slot.get('site')) and site != site.swapcase()), None)
    limit = None if _refuses_limit(readings['slot']) else 1
    return site and next(client.get_pages(SLOT.url_path, {'site': site.swapcase(), 'limit': limit}))


def _refuses_limit(slots: Reading) -> bool:
    """Whether the list was answered only when asked without a limit."""
    return bool(slots.answers) and slots.answers[0].status == 400 and not slots.error


def _read_status(client: Client, readings: Readings, _token: str) -> list[Object] | None:
    name = next((obj['name'] for obj in readings['interconnect'].objects or () if not isinstance(obj, Unreadable)), None)
    return name and [client.get((*RESOURCES['status'].url_path, name, *RESOURCES['status'].url_suffix))]


# The formats of new tokens are documented: cfut_ is a user's, cfat_ an account's. An older one may be either.
VERIFICATIONS = {'user_token': _verify_user_token, 'account_token': _verify_account_token}
# In the order of their worth: the last are left out where a token took two reads.
READS = {**VERIFICATIONS, **{name: _object_reader(name) for name in ('slot', 'interconnect', 'cni', 'tunnel', 'route')},
         'unknown': _read_unknown, 'filtered': _read_filtered, 'status': _read_status, 'settings': _object_reader('settings')}


# The profile.

def profile_of(readings: Readings, token: str | None, now: datetime) -> dict[str, Any]:
    """What the account answered, without a value of any object."""
    answers = {name: _answer_profile(name, reading) for name, reading in readings.items() if name in RESOURCES and reading.answers}
    answers |= _variant_profiles(readings)
    for name, kind in (('unknown', 'error'), *((name, 'token') for name in VERIFICATIONS)):
        if name in readings and readings[name].answers and (kind == 'error' or not readings[name].error):
            answers[kind] = _answer_profile(kind, readings[name])
    owners = [name.partition('_')[0] for name in VERIFICATIONS if name in readings and not readings[name].error]
    return {'format': FORMAT, 'taken': f'{now:%Y-%m-%d}', 'token': owners[0] if owners else 'unknown' if token else 'key',
            'rate_limit': _rate_limit(readings), 'limit': _limit_behaviour(readings), 'filters': _filter_behaviour(readings),
            'answers': answers}


def _answer_profile(name: str, reading: Reading) -> dict[str, Any]:
    """What a profile holds of the answers to a read: status, form of the body, pages, and the shape of the objects."""
    last = reading.answers[-1]
    objects = _raw_objects(name, reading)
    result: dict[str, Any] = {'status': last.status, 'body': body_form(last)}
    if name in RESOURCES and RESOURCES[name].list_key == 'items' and not reading.error:
        sizes = [len(_items(answer, 'items')) for answer in reading.answers if answer.status == 200]
        result |= {'page_size': sizes[0] if len(sizes) > 1 else None, 'end': list_end(last)}
    return {**result, **(_shape_profile(name, objects) if name in KINDS else {})}


def _shape_profile(name: str, objects: list[Object]) -> dict[str, Any]:
    shape = shape_of(name, objects)
    return {'shape': shape, 'differences': differences(name, shape, objects)}


def _variant_profiles(readings: Readings) -> dict[str, Any]:
    """The shapes of interconnects, by their types: each type has fields of its own."""
    reading = readings.get('interconnect')
    objects = _raw_objects('interconnect', reading) if reading else []
    names = {name: [obj for obj in objects if obj.get('type') == name.partition('.')[2]] for name in KINDS if '.' in name}
    return {name: _shape_profile(name, found) for name, found in names.items() if found}


def _raw_objects(name: str, reading: Reading) -> list[Object]:
    """The objects as they came, which the client may have converted."""
    if name in RESOURCES and RESOURCES[name].list_key:
        return [obj for answer in reading.answers if answer.status == 200 for obj in _items(answer, RESOURCES[name].list_key)]
    answer = reading.answers[-1]
    if name == 'error':  # only an envelope is documented
        return [parsed(answer)] if body_form(answer) == 'envelope' else []
    data = result_of(answer)
    return [data] if isinstance(data, dict) and not reading.error else []


def _items(answer: Response, key: str) -> list[Object]:
    data = result_of(answer)
    items = data.get(key) if isinstance(data, dict) else data
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _rate_limit(readings: Readings) -> dict[str, int] | None:
    policies = (answer.headers.get('Ratelimit-Policy') or '' for reading in readings.values() for answer in reading.answers)
    match = next(filter(None, (re.search(r'q=(\d+);\s*w=(\d+)', policy) for policy in policies)), None)
    return match and {'requests': int(match[1]), 'seconds': int(match[2])}


def _limit_behaviour(readings: Readings) -> str:
    """kept, ignored, refused or unknown: what comes of the parameter limit."""
    slot, filtered = readings.get('slot'), readings.get('filtered')
    if slot and _refuses_limit(slot):
        return 'refused'
    if not (filtered and filtered.objects):
        return 'unknown'
    return 'kept' if len(filtered.objects) == 1 else 'ignored'


def _filter_behaviour(readings: Readings) -> str:
    """exact or folded: whether the filter for a site regards case; unknown if there was nothing to ask for."""
    filtered = readings.get('filtered')
    if filtered is None or filtered.error:
        return 'unknown'
    return 'folded' if filtered.objects else 'exact'
