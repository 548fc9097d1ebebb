# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users declare, as hypothesis draws it: options of the modules that would make sense in an account, and some that would not."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import desired_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, Work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    CNI,
    FILTER_PROFILE,
    INTERCONNECT,
    ROUTE,
    SETTINGS,
    TUNNEL,
    Resource,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import diff_result
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import BANDWIDTHS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import converge, manage_work

from .accounts import (
    ADDRESSES,
    MODES,
    PROFILES,
    REGIONS,
    ROUTE_FIELDS,
    SITES,
    SOURCES,
    SPEEDS,
    Account,
    asns,
    descriptions,
    ident,
    link,
    md5_keys,
    mtus,
    networks,
    next_hops,
    prefix_lists,
    priorities,
    targets,
)

STATES = ('present',) * 3 + ('absent',)
NEW = ('circuit-new', 'circuit-other')
NOBODY = 'no-such'


@dataclass(frozen=True)
class Declared:
    """row: what kind of object; params: the options of its module, as a task gives them."""

    row: Resource
    params: dict[str, Any]

    @property
    def work(self) -> Work:
        """The work of its module; the object is in the result as such."""
        return manage_work(self.row, object=None)


def together(declared: Sequence[Declared]) -> Work:
    """The work of a module that brings about all of them by one plan."""
    def work(task: Task) -> dict[str, Any]:
        return diff_result(converge(task, [desired_object(each.row, each.params) for each in declared]))
    return work


def declarations(account: Account) -> st.SearchStrategy[Declared]:
    """One object, of any kind."""
    return st.one_of(interconnects(account), cnis(account), settings, health_checks(account), routes(account), profiles)


profiles = st.fixed_dictionaries({'name': st.sampled_from(PROFILES)}, optional={
    'state': st.sampled_from(['present', 'absent']), 'description': descriptions, 'match_action': st.sampled_from(['allow', 'deny']),
    'targets': targets,
}).map(lambda fields: Declared(FILTER_PROFILE, fields))


@st.composite
def fleets(draw, account: Account) -> list[Declared]:
    """Several objects, none of them twice, for one plan."""
    names = draw(st.lists(st.sampled_from([*_circuits(account), *NEW]), max_size=4, unique=True))
    ports = draw(st.lists(st.sampled_from(_ports(account)), max_size=2, unique=True)) if _ports(account) else []
    desired = [draw(_cni({'conduit_name': name}, account)) for name in names if _ports(account)]
    desired += [draw(_health_check({'interconnect': port})) for port in ports]
    hops = draw(st.lists(st.sampled_from(next_hops(account['cnis'])), max_size=2, unique=True))
    desired += [draw(_route({'nexthop': hop}, account)) for hop in hops]
    return draw(st.permutations(desired + draw(st.lists(settings, max_size=1))))


@st.composite
def written(draw, prefixes: Sequence[str]) -> list[str]:
    """The same prefixes in another order, some of them twice, some with host bits, some with a netmask."""
    repeated = draw(st.lists(st.sampled_from(prefixes), max_size=2)) if prefixes else []
    return [draw(_written(ipaddress.IPv4Network(text))) for text in draw(st.permutations([*prefixes, *repeated]))]


def _written(net: ipaddress.IPv4Network) -> st.SearchStrategy[str]:
    hosts = st.integers(0, net.num_addresses - 1).map(lambda number: net[number])
    return st.builds(lambda address, length: f'{address}/{length}', hosts, st.sampled_from([net.prefixlen, net.netmask]))


_BGP = {'extra_prefixes': prefix_lists.flatmap(written), 'md5_key': md5_keys}
_FIELDS = {
    'state': st.sampled_from(STATES), 'force': st.booleans(), 'description': descriptions, 'mtu': mtus, 'bgp_mode': st.sampled_from(MODES),
    'bgp': st.fixed_dictionaries({'customer_asn': asns}, optional=_BGP) | st.fixed_dictionaries({}, optional=_BGP),
}
_ENDS = st.just({}) | st.integers(0, 3).map(lambda number: link(number, '10.0'))
_CHECK = {
    'enabled': st.booleans(), 'rate': st.sampled_from(['low', 'mid', 'high', 'medium']), 'type': st.sampled_from(['reply', 'request']),
    'direction': st.sampled_from(['unidirectional', 'bidirectional']), 'target': st.sampled_from(['192.0.2.1', '198.51.100.7']),
    'source': st.sampled_from(SOURCES), 'description': descriptions, 'mtu': mtus, 'automatic_return_routing': st.booleans(),
    'interface_address': st.sampled_from(ADDRESSES), 'clear': st.sampled_from([[], ['description'], ['import_filter']]),
    'import_filter': st.sampled_from(PROFILES), 'export_filter': st.sampled_from(PROFILES),
}


def _circuits(account: Account) -> list[str]:
    return [cni['magic']['conduit_name'] for cni in account['cnis']]


def _ports(account: Account) -> list[str]:
    return [port['name'] for port in account['interconnects']]


def _known(names: Sequence[str]) -> st.SearchStrategy[str]:
    """One of the names, and once in a while one that nothing has."""
    return st.sampled_from([*names] * 3 + [NOBODY])


def _any_case(texts: Sequence[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([*texts, *(text.upper() for text in texts)])


def interconnects(account: Account) -> st.SearchStrategy[Declared]:
    """By name, by slot, by selector, by pairing key: to be kept, ordered, replaced or given up."""
    names, circuits = _known(_ports(account)), st.sampled_from([*_circuits(account), NEW[0]])
    slot_ids = _any_case([*(slot['id'] for slot in account['slots']), ident(1, 99)])
    keys = {'name': names, 'conduit_name': circuits}
    fate = {'state': st.sampled_from(STATES), 'on_immutable': st.sampled_from(['fail', 'replace']), 'force': st.booleans()}
    select = st.fixed_dictionaries({}, optional={
        'site': st.sampled_from(list(SITES)), 'facility': _any_case([name for site in SITES.values() for name in site]),
        'address_contains': st.sampled_from(['main street', 'Equinix']), 'speed': _any_case(SPEEDS),
        'diverse_from': st.lists(names | circuits, min_size=1, max_size=2),
    })
    pairing_keys = st.builds(lambda region: f'{ident(5, 1)}/{region}/2', st.sampled_from(REGIONS))
    direct = {'speed': _any_case(SPEEDS), 'type': st.just('direct')}
    return st.one_of(
        st.fixed_dictionaries({'name': names}, optional={**fate, **direct, 'conduit_name': circuits, 'slot': select}),
        st.fixed_dictionaries({'slot_id': slot_ids}, optional={**fate, **direct, **keys, 'slot': select}),
        st.fixed_dictionaries({'slot': select}, optional={**fate, **direct, **keys}),
        st.fixed_dictionaries({'pairing_key': pairing_keys, 'bandwidth': st.sampled_from(BANDWIDTHS[:2])}, optional={**fate, **keys}),
    ).map(lambda params: Declared(INTERCONNECT, params))


def cnis(account: Account) -> st.SearchStrategy[Declared]:
    """By id or by name: new, changed, renamed, moved or deleted."""
    names = st.sampled_from([*_circuits(account), *NEW])
    ids = _any_case([*(cni['id'] for cni in account['cnis']), ident(3, 99)])
    keys = st.fixed_dictionaries({'conduit_name': names}) | st.fixed_dictionaries({'id': ids}, optional={'conduit_name': names})
    return keys.flatmap(lambda named: _cni(named, account))


def _cni(named: dict[str, str], account: Account) -> st.SearchStrategy[Declared]:
    """One that is new says what it needs, mostly."""
    port = {'interconnect': _known(_ports(account))}
    new = named.get('conduit_name') in NEW and 'id' not in named
    fields = st.fixed_dictionaries(port if new else {}, optional=_FIELDS if new else {**port, **_FIELDS})
    return st.builds(lambda fields, ends: Declared(CNI, {**named, **fields, **ends}), fields, _ENDS)


settings = st.builds(lambda asn: Declared(SETTINGS, {'default_asn': asn}), asns)


def health_checks(account: Account) -> st.SearchStrategy[Declared]:
    """Of an interconnect or of a circuit."""
    ports = st.fixed_dictionaries({'interconnect': _known(_ports(account))})
    circuits = st.fixed_dictionaries({'conduit_name': _known(_circuits(account))})
    return (ports | circuits).flatmap(_health_check)


def routes(account: Account) -> st.SearchStrategy[Declared]:
    """To an address or to a circuit: new, changed or deleted."""
    hops = st.fixed_dictionaries({'nexthop': st.sampled_from(next_hops(account['cnis']))})
    circuits = st.fixed_dictionaries({'conduit_name': _known(_circuits(account))})
    return (hops | circuits).flatmap(lambda named: _route(named, account))


def _route(named: dict[str, str], account: Account) -> st.SearchStrategy[Declared]:
    """Mostly of a prefix that has a route already, however that is written."""
    known = [route['prefix'] for route in account['routes']]
    prefix = (st.sampled_from(known) | networks if known else networks).map(ipaddress.IPv4Network).flatmap(_written)
    fields = st.fixed_dictionaries({'prefix': prefix}, optional={'state': st.sampled_from(STATES), 'priority': priorities, **ROUTE_FIELDS})
    return fields.map(lambda fields: Declared(ROUTE, {**named, **fields}))


def _health_check(named: dict[str, str]) -> st.SearchStrategy[Declared]:
    return st.fixed_dictionaries({}, optional=_CHECK).map(lambda fields: Declared(TUNNEL, {**named, **fields}))
