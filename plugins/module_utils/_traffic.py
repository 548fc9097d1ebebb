# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic of tunnels in the last minutes, from Cloudflare's GraphQL analytics.

Traffic proves that a tunnel is in use. No rows prove nothing: names of tunnels have been seen empty, and data comes late and is sampled.
Source of dataset, filter and dimension: Cloudflare's tutorial on the bandwidth of tunnels; of the limits: that on the settings node.
That tunnelName has the name of a CNI's tunnel, or its id, is an assumption: no source says what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from math import isfinite
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import AnswerError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import TUNNEL
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, objects_by_key
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import TIME_FORMAT

TRAFFIC = 'traffic'  # the part of a snapshot: {name, bits_in, bits_out, since, seconds} of each tunnel that rows name
DATASET = 'magicTransitTunnelTrafficAdaptiveGroups'
WINDOW = 900  # seconds up to now that a query is for
MAX_ROWS = 10000  # of one direction, if the account may ask for so many
DIRECTIONS = {'bits_in': 'ingress', 'bits_out': 'egress'}  # in: from the customer's network into Cloudflare's

_LIMITS = ('query Limits($accountTag: string) { viewer { accounts(filter: {accountTag: $accountTag}) { settings { '
           f'{DATASET} {{ enabled maxDuration maxPageSize notOlderThan }} }} }} }} }}')


def read_traffic(client: Client, now: datetime | None = None) -> list[Object]:
    """The traffic of all tunnels that rows name, by two requests: what the account may ask, and the traffic.

    Raises InputError for an account that may not ask for it; ApiError for a token that may not, or whatever else GraphQL refuses.
    """
    limits = get(_account(client.query(_LIMITS, {})), f'settings.{DATASET}')
    if get(limits, 'enabled') is not True:
        raise InputError('traffic', f"this account cannot query {DATASET}: the settings node of Cloudflare's GraphQL API does not list it "
                                    'as enabled. Leave traffic out, or ask your account team for it.')
    until = now or datetime.now(timezone.utc)
    seconds = _capped(WINDOW, limits.get('maxDuration'), limits.get('notOlderThan'))
    since = until - timedelta(seconds=seconds)
    start, end = (time.strftime(TIME_FORMAT) for time in (since, until))
    answer = _account(client.query(_traffic_query(_capped(MAX_ROWS, limits.get('maxPageSize'))),
                                   {'datetimeStart': start, 'datetimeEnd': end}))
    bits = {name: _bits_by_tunnel(answer.get(name)) for name in DIRECTIONS}
    tunnels = sorted({tunnel for by_tunnel in bits.values() for tunnel in by_tunnel if tunnel})
    return [{'name': tunnel, **{name: bits[name].get(tunnel) for name in DIRECTIONS}, 'since': start, 'seconds': seconds}
            for tunnel in tunnels]


def _traffic_query(rows: int) -> str:
    nodes = (f'{name}: {DATASET}(limit: {rows}, filter: {{datetime_geq: $datetimeStart, datetime_lt: $datetimeEnd, '
             f'direction: "{direction}"}}) {{ sum {{ bits }} dimensions {{ tunnelName }} }}' for name, direction in DIRECTIONS.items())
    return ('query Traffic($accountTag: string, $datetimeStart: string, $datetimeEnd: string) { viewer { '
            f'accounts(filter: {{accountTag: $accountTag}}) {{ {" ".join(nodes)} }} }} }}')


def _capped(number: int, *limits: Any) -> int:
    """The number, or the smallest limit below it. What is no positive number limits nothing."""
    return min([number, *(limit for limit in limits if isinstance(limit, int) and limit > 0)])


def _account(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one account that was asked for; {} if there is none."""
    accounts = get(data, 'viewer.accounts')
    return accounts[0] if isinstance(accounts, list) and accounts and isinstance(accounts[0], dict) else {}


def _bits_by_tunnel(rows: Any) -> dict[str, int]:
    """{tunnel: bits}. Raises AnswerError for rows of another form."""
    found: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else [None]:
        tunnel, bits = get(row, 'dimensions.tunnelName'), get(row, 'sum.bits')
        if not isinstance(tunnel, str) or not isinstance(bits, (int, float)) or not isfinite(bits):
            raise AnswerError('POST', '/graphql', 200, f'{DATASET} has rows of another form than Cloudflare documents.')
        found[tunnel] = found.get(tunnel, 0) + int(bits)
    return found


# The traffic of an interconnect.

def traffic_of(interconnect: str, snapshot: Snapshot) -> Object | None:
    """{bits_in, bits_out, since, seconds, text} of the tunnel of an interconnect. None if no row names it, which proves nothing.

    A direction without a row is None. Rows name the tunnel by its name or its id. Raises Unread for tunnels and traffic.
    """
    tunnels = objects_by_key(TUNNEL, TUNNEL.keys[0], interconnect, snapshot)
    names = {tunnel.get(field) for tunnel in tunnels for field in ('name', TUNNEL.id)}
    rows = [row for row in snapshot.objects(TRAFFIC) if row['name'] in names]
    if not rows:
        return None
    bits = {name: [row[name] for row in rows if row[name] is not None] for name in DIRECTIONS}
    totals = {name: sum(values) if values else None for name, values in bits.items()}
    text = f'{_volume(totals["bits_in"])} into Cloudflare and {_volume(totals["bits_out"])} out of it since {rows[0]["since"]}'
    return {**totals, 'since': rows[0]['since'], 'seconds': rows[0]['seconds'], 'text': text}


def is_in_use(traffic: Object | None) -> bool:
    """Whether traffic was seen. False proves nothing."""
    return any((traffic or {}).get(name) for name in DIRECTIONS)


def _volume(bits: int | None) -> str:
    if bits is None:
        return 'an unknown volume'
    for unit in ('bit', 'kbit', 'Mbit', 'Gbit'):
        if bits < 1000:
            return f'{bits:.4g} {unit}'
        bits /= 1000
    return f'{bits:.4g} Tbit'
