# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts as the page of the playbook status shows them, and the page, rendered in this process."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import jinja2
from support.playbook import ROOT

from ansible_collections.netops.cloudflare_cni.plugins.filter.what_if import what_if
from store import Store

HOSTILE = '<script>alert(1)</script>&"\' onload=alert(2) {{ 7 * 7 }}'
TODAY = datetime.date(2026, 11, 23)
ACCOUNT = '6d1c2f0a4b3e49758c9d0e1f2a3b4c5d'
STATES = ('Healthy', 'Healthy', 'Pending', 'Healthy', 'Unhealthy', 'Healthy', 'Pending', 'Down')
REASONS = {'Down': 'no light', 'Unhealthy': 'health checks fail'}

Read = dict[str, Any]


def read_of(store: Store, states: dict[str, str] | None = None) -> Read:
    """What the playbook reads of an account, as the filter takes it. states: by interconnect, where it is not Pending."""
    def status(name: str) -> dict:
        state = (states or {}).get(name, 'Pending')
        return {'interconnect': name, 'state': state, 'reason': REASONS.get(state)}

    return {
        'interconnects': store.interconnects, 'cnis': store.cnis, 'statuses': [status(port['name']) for port in store.interconnects],
        'slots': store.slots, 'tunnels': store.list_tunnels(target_objects=True), 'routes': store.routes,
    }


def account_of(circuits: int) -> Read:
    """An account with so many circuits, ordered at several a day, and two attachments in Google Cloud if there are many."""
    now = [datetime.datetime(2026, 10, 1, 9, tzinfo=datetime.timezone.utc).timestamp()]
    store = Store(ACCOUNT, slots=2 * circuits + 40, clock=lambda: now[0])
    states = {}
    for number, slot in enumerate(store.list_slots(occupied=False)[:circuits]):
        now[0] += 4 * 3600
        port = order(store, slot['id'], f'{slot["site"][:3]}-{number}')
        states[port] = STATES[number % len(STATES)]
    for region in ('us-east4', 'europe-west3') if circuits > 100 else ():
        key = f'7e51371e-72a3-40b5-b844-2e3efefaee59/{region}/2'
        port = store.order({'account': ACCOUNT, 'type': 'gcp_partner', 'pairing_key': key, 'bandwidth': '1G'})
        states[port['name']] = link(store, port['name'], f'gcp-{region}') and 'Healthy'
    return read_of(store, states)


def on_devices(devices: Sequence[str], names: Sequence[str] = ('c-1', 'c-2', 'c-3', 'c-4')) -> Store:
    """An account with a circuit on each of the devices, each ordered ten days after the one before."""
    now = [datetime.datetime(2026, 10, 16, 9, tzinfo=datetime.timezone.utc).timestamp()]
    store = Store(ACCOUNT, clock=lambda: now[0])
    for device, name in zip(devices, names, strict=False):
        now[0] += 10 * 24 * 3600
        free = next(slot for slot in store.list_slots(occupied=False) if slot['ccr_device_name'] == device)
        order(store, free['id'], name)
    return store


def three_circuits(name: str = 'nyc-2') -> Read:
    """A pair on one device, of which the second waits for light, and one that is down."""
    store = on_devices(['edge01.ewr-a', 'edge01.ewr-a', 'edge01.lhr-a'], ['nyc-1', name, 'lon-1'])
    return read_of(store, dict(zip((port['name'] for port in store.interconnects), ('Healthy', 'Pending', 'Down'), strict=True)))


def with_routes(read: Read) -> Read:
    """The same with static routes in place of BGP: a prefix over each two circuits, and another one over the first of them only."""
    cnis = [{name: value for name, value in cni.items() if name != 'bgp'} for cni in read['cnis']]
    routes = []
    for number, cni in enumerate(cnis):
        pair, is_second = divmod(number, 2)
        prefixes = [f'10.{pair}.0.0/16', *([] if is_second else [f'172.16.{pair}.0/24'])]
        routes += [{'id': f'{prefix}-{number}', 'prefix': prefix, 'nexthop': cni['cust_ip'].split('/')[0],
                    'priority': 100 + 100 * is_second} for prefix in prefixes]
    return {**read, 'cnis': cnis, 'routes': routes}


def order(store: Store, slot_id: str, name: str | None = None) -> str:
    """A port, and a circuit on it if there is a name for one; returns the name of the port."""
    port = store.order({'account': ACCOUNT, 'type': 'direct', 'slot_id': slot_id})['name']
    return link(store, port, name) if name else port


def link(store: Store, port: str, name: str) -> str:
    magic = {'conduit_name': name, 'description': '', 'mtu': 1500}
    store.create_cni({'account': ACCOUNT, 'interconnect': port, 'magic': magic, 'bgp': {'customer_asn': 64496, 'extra_prefixes': []}})
    return port


def rendered(account: dict, settings: Any = None, account_id: str = ACCOUNT, today: str = TODAY.isoformat()) -> str:
    """The page in this process. That the playbook writes the same is a test below."""
    loader = jinja2.FileSystemLoader(ROOT / 'playbooks' / 'templates')
    ansibles = {'trim_blocks': True, 'lstrip_blocks': True, 'keep_trailing_newline': True, 'undefined': jinja2.StrictUndefined}
    environment = jinja2.Environment(loader=loader, **ansibles)
    settings = settings or {'default_asn': 13335}
    return environment.get_template('status.html.j2').render(overview=account, what_if=what_if(account), settings=settings,
                                                             account_id=account_id, today=today)


def text_of(page: str) -> str:
    """What it says, without the markup."""
    words: list[str] = []
    parser = HTMLParser()
    parser.handle_data = words.append
    parser.feed(page.partition('</style>')[2])
    return re.sub(r'\s+([:.,])', r'\1', ' '.join(' '.join(words).split())).replace('\N{MULTIPLICATION SIGN}', 'x')
