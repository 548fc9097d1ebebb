# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts for property tests, as hypothesis draws them: what is stored, and how the API talks about it."""

from __future__ import annotations

import string
import uuid
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import BANDWIDTHS

ACCOUNT = '6d1c2f0a4b3e49758c9d0e1f2a3b4c5d'  # the simulator's
SITES = {'ewr-a': ('Equinix NY1', 'Equinix NY5'), 'gru-b': ('Equinix SP2', 'Equinix SP3'), 'lhr-a': ('Equinix LD8', 'Telehouse North 2')}
REGIONS = ('us-east4', 'europe-west3')
SPEEDS = ('10G', '100G')
PLACES = [(site, facility, device and f'{device}.{site}', speed) for site, facilities in SITES.items() for facility in facilities
          for device in (None, 'edge01', 'edge02') for speed in SPEEDS]
MODES = ('dynamic_route_exchange', 'advertise_only')
KEY_SIGNS = ''.join(sorted(set(string.printable[:95]) - set('"?')))
# Names are data, also those that look like parts of an address.
NAMES = ('ewr-a-icon-7f3a', '../settings', 'a/b c', '100%', '%2F', 'München', 'x?y=z#1')

Object = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """lists: of the shape of the simulator's seed; options: the simulator's, by name."""

    lists: Object
    options: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.lists[name]


def ident(kind: int, number: int) -> str:
    """A UUID that tells in a failure which object it is of."""
    return str(uuid.UUID(int=(0xa << 124) + (kind << 64) + (4 << 76) + (8 << 60) + number))


words = st.text(st.characters(min_codepoint=32, exclude_categories=['Cs', 'Cc']), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2**53, 2**53) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2), max_leaves=4,
)
# Fields newer than this collection. Their names may hold a dot, which is no path.
unknown_fields = st.dictionaries(st.sampled_from(['vlan', 'x', 'magic.mtu', 'bgp.x', 'ärger', '']), json_values, min_size=1, max_size=3)
asns = st.integers(1, 2**32 - 1)
networks = st.builds(lambda bits, length: f'{_dotted(bits >> (32 - length) << (32 - length) if length else 0)}/{length}',
                     st.integers(0, 2**32 - 1), st.integers(0, 32))
prefix_lists = st.lists(networks, max_size=4)
md5_keys = st.text(KEY_SIGNS, min_size=1, max_size=12)
descriptions = words
priorities = st.integers(0, 300)
colos = st.lists(st.sampled_from(['den01', 'lax01', 'fra03']), max_size=2)
ROUTE_FIELDS = {'weight': st.integers(1, 256), 'description': descriptions,
                'scope': st.fixed_dictionaries({}, optional={'colo_names': colos, 'colo_regions': colos})}
mtus = st.integers(576, 1500)


_BGP = st.fixed_dictionaries({'customer_asn': asns, 'extra_prefixes': prefix_lists}, optional={'md5_key': st.none() | md5_keys})
_MODE = st.fixed_dictionaries({}, optional={'bgp_mode': st.sampled_from(MODES)})
_CHECK = st.fixed_dictionaries({
    'enabled': st.booleans(), 'rate': st.sampled_from(['low', 'mid', 'high']), 'type': st.sampled_from(['reply', 'request']),
    'target': st.sampled_from(['', '192.0.2.1']),
}, optional={'direction': st.sampled_from(['unidirectional', 'bidirectional'])})
PROFILES = ('in', 'out', 'both')
targets = st.lists(st.tuples(networks, st.sampled_from(['', '+'])).map(''.join), max_size=3)
SOURCES = ('10.0.0.1', '169.254.240.10')
ADDRESSES = ('10.0.0.0/31', '10.0.0.1/30')
_TUNNEL = st.fixed_dictionaries({}, optional={
    'automatic_return_routing': st.booleans(), 'interface_address': st.just(ADDRESSES[0]), 'description': descriptions,
})


def _dotted(bits: int) -> str:
    return '.'.join(str(bits >> shift & 255) for shift in (24, 16, 8, 0))


def link(number: int, net: str = '172.31') -> dict[str, str]:
    """Both ends of a /31."""
    high, low = divmod(2 * number, 256)
    return {'p2p_ip': f'{net}.{high}.{low}/31', 'cust_ip': f'{net}.{high}.{low + 1}/31'}


@st.composite
def accounts(draw, strange: bool | None = None) -> Account:
    """An account. strange: with fields, and without some, that the contract knows otherwise; None draws that too."""
    strange = draw(st.booleans()) if strange is None else strange
    more = unknown_fields if strange else st.just({})
    slots = [draw(_slots(number, more)) for number in range(draw(st.integers(1, 6)))]
    ports = draw(_interconnects(slots, more))
    cnis = [draw(_cnis(number, ports, more)) for number in range(draw(st.integers(0, 3)) if ports else 0)]
    version, profiles = draw(st.sampled_from(['1', '1.5'])), [draw(_profiles(number, more)) for number in range(draw(st.integers(0, 3)))]
    tunnels = [draw(_tunnels(number, port, version, profiles, more)) for number, port in enumerate(ports)
               if 'virtual_port_reservation_id' in port]
    settings = {**draw(more), 'default_asn': draw(asns)}
    routes = {_route_key(route): route for route in (draw(_routes(number, cnis, more)) for number in range(draw(st.integers(0, 4))))}
    lists = {'slots': slots, 'interconnects': ports, 'cnis': cnis, 'tunnels': tunnels, 'settings': settings, 'routes': [*routes.values()],
             'filter_profiles': profiles}
    return Account(lists, {**draw(talks(strange)), 'tunnel_version': version, 'coupler_integration': True})


def talks(strange: bool) -> st.SearchStrategy[dict[str, Any]]:
    """How the API talks: the open points of the contract. Strange accounts are not checked against it."""
    return st.fixed_dictionaries({
        'page_size': st.integers(1, 7),
        'envelope': st.sampled_from(['bare', 'wrapped']),
        'last_page': st.sampled_from(['null', 'absent', 'zero', 'stuck']),
        'deletes': st.sampled_from(['empty', 'object', 'null', 'envelope', 'no-content']),
        **({'no_validate': st.just(True)} if strange else {}),
    })


@st.composite
def _slots(draw, number: int, more) -> Object:
    site, facility, device, speed = draw(st.sampled_from(PLACES))
    return {**draw(more), 'id': ident(1, number), 'account': None, 'site': site, 'speed': speed, 'ccr_device_name': device,
            'facility': {**draw(more), 'name': facility, 'address': [facility, 'Main Street 1']}, 'occupied': draw(st.booleans())}


@st.composite
def _interconnects(draw, slots: list[Object], more) -> list[Object]:
    """Direct ones on some of the slots that are occupied, and some of gcp_partner."""
    own = [slot for slot in slots if slot['occupied'] and draw(st.booleans())]
    places = [{'type': 'direct', 'slot_id': slot['id'], **{n: slot[n] for n in ('speed', 'site', 'facility', 'ccr_device_name')}}
              for slot in own]
    for slot in own:
        slot['account'] = ACCOUNT
    places += [{'type': 'gcp_partner', 'region': draw(st.sampled_from(REGIONS)), 'speed': draw(st.sampled_from(BANDWIDTHS[:2]))}
               for _one in range(draw(st.integers(0, 2)))]
    names = draw(st.permutations(NAMES + tuple(f'icon-{n}' for n in range(len(places)))))
    reserved = more.map(lambda fields: 'x' not in fields)  # interconnects of before August 2026 have none
    return [{**draw(more), 'name': name, 'account': ACCOUNT, 'owner': None, **place,
             **({'virtual_port_reservation_id': ident(2, number)} if draw(reserved) else {})}
            for number, (name, place) in enumerate(zip(names, places, strict=False))]


@st.composite
def _cnis(draw, number: int, ports: list[Object], more) -> Object:
    magic = {'conduit_name': f'circuit-{number}', 'description': draw(descriptions), 'mtu': draw(mtus)}
    cni = {**draw(more), 'id': ident(3, number), 'account': ACCOUNT, 'interconnect': draw(st.sampled_from(ports))['name'],
           'magic': {**draw(more), **magic}, **link(number)}
    if draw(st.booleans()):
        cni |= {'bgp': {**draw(more), **draw(_BGP)}, **draw(_MODE)}
    return cni


@st.composite
def _routes(draw, number: int, cnis: list[Object], more) -> Object:
    """To a circuit, or past all of them."""
    return {**draw(more), 'id': uuid.UUID(ident(6, number)).hex, 'prefix': draw(networks), 'priority': draw(priorities),
            'nexthop': draw(st.sampled_from(next_hops(cnis))), **draw(st.fixed_dictionaries({}, optional=ROUTE_FIELDS))}


def _route_key(route: Object) -> tuple:
    """What no two routes of an account have in common."""
    scope = route.get('scope', {})
    return route['prefix'], route['nexthop'], *(tuple(sorted({*scope.get(name, ())})) for name in ('colo_names', 'colo_regions'))


def next_hops(cnis: list[Object]) -> list[str]:
    """The customer's ends of the links, and an address that is none."""
    return [*(cni['cust_ip'].split('/')[0] for cni in cnis), '192.0.2.1']


@st.composite
def _profiles(draw, number: int, more) -> Object:
    return {**draw(more), 'id': uuid.UUID(ident(7, number)).hex, 'name': draw(st.sampled_from(PROFILES)), 'description': draw(descriptions),
            'match_action': draw(st.sampled_from(['allow', 'deny'])), 'targets': draw(targets)}


@st.composite
def _tunnels(draw, number: int, port: Object, version: str, profiles: list[Object], more) -> Object:
    born, check = '2026-08-01T00:00:00Z', draw(_CHECK)
    if version == '1.5' and check.get('direction') == 'bidirectional':
        check['source'] = draw(st.sampled_from(SOURCES))
    used = {f'{way}_filter_id': draw(st.sampled_from(profiles))['id'] for way in ('import', 'export') if profiles and draw(st.booleans())}
    return {**draw(more), **draw(_TUNNEL), 'id': uuid.UUID(ident(4, number)).hex, 'name': port['name'],
            'colo_name': port.get('site') or port['region'], 'created_on': born, 'modified_on': born, 'mtu': draw(mtus), 'version': version,
            'virtual_port_reservation_id': port['virtual_port_reservation_id'].replace('-', ''),
            'health_check': {**draw(more), **check}, **({'bgp': {**draw(more), 'customer_asn': 1, **used}} if used else {})}
