# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Circuits of NetBox as circuits of Cloudflare, and what NetBox should hold of them. Pure functions.

The objects of NetBox are as its API has them since 4.2, where a circuit shows its terminations and circuit groups: raw, or in the
{key, value} that nb_lookup makes of them. Custom fields and states are those of docs/netbox.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import secrets_in
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._slots import matches_selector
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    CIRCUIT_OPTIONS,
    PREFIX,
    ROLE_OPTIONS,
    SLOT_OPTIONS,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import host_name

Netbox = Mapping[str, Iterable[Any]]  # lists by kind: circuits, sites, provider_networks, circuit_terminations, prefixes, ip_addresses

# What a circuit's status in NetBox means here. Any other status is not for us.
TO_ORDER = ('planned', 'provisioning')
IN_USE = ('active', 'offline')
ENDED = ('deprovisioning', 'decommissioned')
# {state of the port: {status of the circuit: the one that it gets}}
MOVES = {
    'healthy': dict.fromkeys(('planned', 'provisioning', 'offline'), 'active'),
    'down': {'planned': 'provisioning', 'active': 'offline'},
    'unhealthy': {'planned': 'provisioning', 'active': 'offline'},
    'pending': dict.fromkeys(('planned', 'active', 'offline'), 'provisioning'),
    'unknown': {'planned': 'provisioning'},
    'absent': {'deprovisioning': 'decommissioned'},
}
PLACES = ('site', 'facility', 'address_contains')
PRIORITIES = ('primary', 'secondary', 'tertiary')
RESERVED_HOSTS = ('all', 'ungrouped', 'localhost', '127.0.0.1', '::1', 'circuits', 'netbox_circuits')
CROSS_CONNECT = 'cross_connect'  # a variable of hosts, and nothing that Cloudflare knows
# Options of a circuit that cni_options may have; NetBox has the others itself.
OPTIONS = {*ROLE_OPTIONS, 'loa_name', 'wait_for', CROSS_CONNECT} - {'slot', 'previous_name'}


class NetboxCircuit(NamedTuple):
    """A circuit of NetBox. name: that at Cloudflare; fields: its custom fields; raw: as NetBox returns it."""

    id: int
    cid: str
    status: str
    name: str
    fields: Mapping[str, Any]
    raw: Mapping[str, Any]


class Index(NamedTuple):
    """What a circuit of NetBox refers to. owners: the circuit that has a name at Cloudflare; groups: see _groups(); others by id."""

    owners: Mapping[str, NetboxCircuit]
    groups: Mapping[int, list[tuple[int, int, str]]]
    sites: Mapping[int, Object]
    networks: Mapping[int, Object]
    terminations: Mapping[int, Object]


class Account(NamedTuple):
    """What Cloudflare has. cnis: by circuit; ports: interconnects by name; states: of the interconnects."""

    cnis: Mapping[str, Object]
    ports: Mapping[str, Object]
    states: Mapping[str, Object]

    def port_of(self, circuit: NetboxCircuit) -> Object | None:
        """The interconnect of a circuit, also of one that has no CNI yet; None if Cloudflare has none."""
        cni = self.cnis.get(circuit.name, {})
        return self.ports.get(cni.get('interconnect') or circuit.fields.get('cni_interconnect') or '')

    def has(self, circuit: NetboxCircuit) -> bool:
        """Whether Cloudflare has anything of the circuit."""
        return circuit.name in self.cnis or self.port_of(circuit) is not None


def account_of(cnis: Iterable[Object], interconnects: Iterable[Object], statuses: Iterable[Object] = ()) -> Account:
    """The account from what the info modules return."""
    return Account({name: cni for cni in cnis if (name := get(cni, 'magic.conduit_name'))}, {port['name']: port for port in interconnects},
                   {status['interconnect']: status for status in statuses})


# What NetBox has.

def objects_of(items: Iterable[Any]) -> list[dict[str, Any]]:
    """The objects of a list of nb_lookup, with or without raw_data."""
    return [item['value'] if set(item) == {'key', 'value'} else item for item in items]


def value_of(field: Any) -> Any:
    """The value of a choice, which NetBox shows with its label."""
    return field.get('value') if isinstance(field, Mapping) else field


def netbox_circuits(netbox: Netbox, account: Account) -> list[NetboxCircuit]:
    """The circuits of NetBox, in the order of their ids."""
    circuits = sorted(objects_of(netbox.get('circuits', ())), key=lambda raw: raw['id'])
    return [NetboxCircuit(raw['id'], raw['cid'], value_of(raw['status']), _name_of(raw, account), raw.get('custom_fields') or {}, raw)
            for raw in circuits]


def _name_of(raw: Mapping[str, Any], account: Account) -> str:
    """The name of a circuit at Cloudflare: cni_name, or the circuit ID where a run that renamed the CNI ended before it wrote that."""
    fields, cid = raw.get('custom_fields') or {}, raw['cid']
    name, port = fields.get('cni_name') or cid, fields.get('cni_interconnect')
    renamed = name not in account.cnis and port and account.cnis.get(cid, {}).get('interconnect') == port
    return cid if renamed else name


def _selected(circuits: list[NetboxCircuit], names: Collection[str], option: str) -> list[NetboxCircuit]:
    """The circuits with these names or circuit IDs. Raises InputError for a name that none has."""
    if unknown := sorted(set(names) - {name for circuit in circuits for name in (circuit.name, circuit.cid)}):
        raise InputError(option, f'NetBox has no such circuit: {", ".join(unknown)}.')
    return [circuit for circuit in circuits if {circuit.name, circuit.cid} & {*names}]


def as_data(value: Any) -> Any:
    """The value with texts that Ansible never evaluates as templates, in plain lists and dicts: those of Ansible may be lazy."""
    if isinstance(value, Mapping):
        return {as_data(key): as_data(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_data(inner) for inner in value]
    return wrap_var(value) if isinstance(value, str) else value


def names_of(value: Any) -> list[str]:
    """Names that are given as a list, as a text with commas, or as a number."""
    names = str(value).split(',') if isinstance(value, (str, int, float)) else value or ()
    return [name for name in (str(name).strip() for name in names) if name]


# From NetBox to circuits.

def declared_circuits(netbox: Netbox, account: Account, limit: Any = (), decommission: Any = (), rename: bool = False) -> dict[str, Any]:
    """{circuits, hosts, ids, claims, invalid, findings}: what a run does for the circuits of NetBox.

    circuits: as rollout takes them, with state: absent for those to delete. hosts: {host: variables}. claims, invalid: results for
    netbox_writes(), before anything is ordered. ids: {host, or key of claims and invalid: id in NetBox}.
    Raises InputError for a name in limit or decommission that is none, or in decommission that of a circuit which has not ended.
    """
    circuits = netbox_circuits(netbox, account)
    to_delete = _selected(circuits, names_of(decommission), 'netbox_decommission')
    limited = _selected(circuits, names_of(limit), 'netbox_limit') if names_of(limit) else circuits
    selected = [circuit for circuit in circuits if circuit in limited or circuit in to_delete]
    names = {circuit.name for circuit in to_delete}
    if in_use := [circuit for circuit in circuits if circuit.name in names and circuit.status not in ENDED]:
        raise InputError('netbox_decommission', f'{in_use[0].cid} is {in_use[0].status} in NetBox. Set it to deprovisioning first.')
    findings = [finding for circuit in selected for finding in _intent_findings(circuit, account) if circuit not in to_delete]
    index = _index_of(netbox, circuits, account)
    result: dict[str, Any] = {'circuits': [], 'hosts': {}, 'ids': {}, 'claims': {}, 'invalid': {}, 'findings': findings}
    for circuit in selected:
        if circuit in to_delete:
            _add_circuit(result, circuit, {'name': circuit.name, 'state': 'absent'})
        elif circuit.status in TO_ORDER or (circuit.status in IN_USE and account.has(circuit)):
            _add_present(result, circuit, index, account, rename)
    return result


def _index_of(netbox: Netbox, circuits: list[NetboxCircuit], account: Account) -> Index:
    # Of circuits with the same name, the one that has it in cni_name keeps it, or else the older one.
    present = [circuit for circuit in circuits if circuit.status in (*TO_ORDER, *IN_USE)]
    owners = {circuit.name: circuit for circuit in sorted(present, key=lambda circuit: (bool(circuit.fields.get('cni_name')), -circuit.id))}
    kinds = ('sites', 'provider_networks', 'circuit_terminations')
    return Index(owners, _groups(circuits, account), *({obj['id']: obj for obj in objects_of(netbox.get(kind, ()))} for kind in kinds))


def _groups(circuits: list[NetboxCircuit], account: Account) -> dict[int, list[tuple[int, int, str]]]:
    """{circuit group: (priority, id, name) of its circuits, as far as they are or will be at Cloudflare}, in that order."""
    groups: dict[int, list[tuple[int, int, str]]] = {}
    for circuit in circuits:
        if circuit.status in TO_ORDER or (circuit.status in IN_USE and account.has(circuit)):
            for group, priority in _priorities(circuit).items():
                groups.setdefault(group, []).append((priority, circuit.id, circuit.name))
    return {group: sorted(members) for group, members in groups.items()}


def _add_present(result: dict[str, Any], circuit: NetboxCircuit, index: Index, account: Account, rename: bool) -> None:
    key = f'{circuit.cid} (ID {circuit.id})'  # another circuit may have the same name
    try:
        declared = circuit_options(circuit, index)
    except InputError as error:
        result['invalid'][key] = {'name': circuit.name, 'failed': True, 'outcome': 'failed', 'msg': str(error)}
        result['ids'][key] = circuit.id
        result['findings'].append(_finding('invalid', circuit, str(error)))
        return
    if rename and circuit.name != circuit.cid and circuit.name in account.cnis:
        declared |= {'name': circuit.cid, 'previous_name': circuit.name}
    elif not circuit.fields.get('cni_name') and circuit.status in TO_ORDER:
        result['claims'][key] = {'name': circuit.name, 'claimed': True}
        result['ids'][key] = circuit.id
    _add_circuit(result, circuit, declared)


def _add_circuit(result: dict[str, Any], circuit: NetboxCircuit, declared: dict[str, Any]) -> None:
    host = host_name(declared['name'], RESERVED_HOSTS).replace(':', '%3A')  # what follows a colon would be a port
    result['circuits'].append({option: value for option, value in declared.items() if option != CROSS_CONNECT})
    result['hosts'][host] = {PREFIX + option: value for option, value in declared.items()}
    result['ids'][host] = circuit.id


def circuit_options(circuit: NetboxCircuit, index: Index) -> dict[str, Any]:
    """A circuit as rollout takes it, and cross_connect.

    Raises InputError for wrong custom fields, and for a name that belongs to another circuit.
    """
    keeper = index.owners[circuit.name]
    if keeper.id != circuit.id:
        raise InputError('cid', f'the circuit {keeper.cid} of NetBox (ID {keeper.id}) has the name {circuit.name} at Cloudflare.')
    options = _json_field(circuit, 'cni_options', OPTIONS)
    if any(secrets_in(CIRCUIT_OPTIONS, options)):
        raise InputError('cni_options', 'NetBox shows it to all of its users, so it must not have a key. Put it into the inventory, as '
                                        f'{PREFIX}pairing_key or {PREFIX}bgp of the host {circuit.name}.')
    description = {'description': circuit.raw['description']} if circuit.raw.get('description') else {}
    slot = _slot_of(circuit, index)
    cross_connect = _cross_connect_of(circuit, index, options.get(CROSS_CONNECT))
    optional = {'slot': slot} if slot else {}
    return {'name': circuit.name, **description, **optional, **options, **({CROSS_CONNECT: cross_connect} if cross_connect else {})}


def _cross_connect_of(circuit: NetboxCircuit, index: Index, declared: Any) -> Any:
    """What is known of the cross-connect: what termination A has, and declared, of cni_options, which counts where both say something."""
    nested = circuit.raw.get('termination_a') or {}  # without pp_info
    termination = index.terminations.get(nested.get('id'), nested)
    known = {'patch_panel': termination.get('pp_info'), 'id': termination.get('xconnect_id')}
    declared = declared or {}
    return {**{name: value for name, value in known.items() if value}, **declared} if isinstance(declared, Mapping) else declared


def _json_field(circuit: NetboxCircuit, field: str, known: Collection[str]) -> dict[str, Any]:
    value = circuit.fields.get(field) or {}
    if not isinstance(value, Mapping):
        raise InputError(field, f'it has to be a JSON object, but is {value!r}.')
    for name in sorted(map(str, value.keys() - set(known))):
        nearest = get_close_matches(name, known, 1)
        raise InputError(field, f'{name} is unknown here.{f" Did you mean {nearest[0]}?" if nearest else ""}', ', '.join(sorted(known)))
    return dict(value)


def _slot_of(circuit: NetboxCircuit, index: Index) -> dict[str, Any]:
    """The selector of the slot. Without a place it would match a slot anywhere: then it is left to the inventory."""
    slot = _json_field(circuit, 'cni_slot', SLOT_OPTIONS)
    if not any(slot.get(place) for place in PLACES):
        place = _place_of(circuit, index)
        if slot and not place:
            raise InputError('cni_slot', 'it has no place.', f'{", ".join(PLACES)}, or a service ID of the provider network')
        slot |= place
    if not slot:
        return {}
    speed = slot.get('speed') or speed_of(get(circuit.raw, 'termination_a.port_speed') or circuit.raw.get('commit_rate'))
    diverse = slot.get('diverse_from', _circuits_before(circuit, index.groups))
    return slot | ({'speed': speed} if speed else {}) | ({'diverse_from': diverse} if diverse else {})


def _place_of(circuit: NetboxCircuit, index: Index) -> dict[str, str]:
    """The site by the provider network of termination Z, or else the facility by the site of termination A."""
    places = {'site': _terminated_at(circuit, 'termination_z', 'circuits.providernetwork', index.networks).get('service_id'),
              'facility': _terminated_at(circuit, 'termination_a', 'dcim.site', index.sites).get('facility')}
    return next(({name: place} for name, place in places.items() if place), {})


def _terminated_at(circuit: NetboxCircuit, end: str, kind: str, objects: Mapping[int, Object]) -> Object:
    """The object that a termination is at, if it is of that kind."""
    termination = circuit.raw.get(end) or {}
    return objects.get(termination.get('termination_id'), {}) if termination.get('termination_type') == kind else {}


def speed_of(kbps: int | None) -> str | None:
    """A speed of NetBox as Cloudflare writes it: 10000000 is 10G. None for what is no whole number of Mbit/s."""
    if not kbps or kbps % 1000:
        return None
    return f'{kbps // 1_000_000}G' if kbps % 1_000_000 == 0 else f'{kbps // 1000}M'


def _circuits_before(circuit: NetboxCircuit, groups: Mapping[int, list[tuple[int, int, str]]]) -> list[str]:
    """The circuits with a higher priority in a circuit group of this one."""
    names = [name for group, priority in _priorities(circuit).items() for before, ident, name in groups.get(group, ())
             if (before, ident) < (priority, circuit.id)]
    return list(dict.fromkeys(names))


def _priorities(circuit: NetboxCircuit) -> dict[int, int]:
    """{circuit group: the priority in it as a number, lowest first}."""
    priorities = {get(item, 'group.id'): value_of(item.get('priority')) for item in circuit.raw.get('assignments') or ()}
    return {group: PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES) for group, priority in priorities.items()}


# NetBox and Cloudflare compared.

def differences(netbox: Netbox, account: Account, limit: Any = ()) -> dict[str, Any]:
    """{findings, lines, results, ids}: where NetBox and Cloudflare differ, and what Cloudflare has of the circuits of NetBox.

    findings: {kind, circuit, id, text}. results, ids: as netbox_writes() takes them.
    """
    circuits = netbox_circuits(netbox, account)
    selected = _selected(circuits, names_of(limit), 'netbox_limit') if names_of(limit) else circuits
    index = _index_of(netbox, circuits, account)
    findings = [finding for circuit in selected for finding in (*_intent_findings(circuit, account), *_state_findings(circuit, account),
                                                                *_field_findings(circuit, index, account))]
    findings += [] if names_of(limit) else _unknown_to_netbox(circuits, account)
    observed = {circuit.name: result for circuit in selected if (result := _observed_result(circuit, account))}
    return {'findings': findings, 'lines': [f'{finding["circuit"]}: {finding["text"]}' for finding in findings], 'results': observed,
            'ids': {circuit.name: circuit.id for circuit in reversed(selected)}}


def _finding(kind: str, circuit: NetboxCircuit | str, text: str) -> dict[str, Any]:
    is_text = isinstance(circuit, str)
    return {'kind': kind, 'circuit': circuit if is_text else circuit.cid, 'id': None if is_text else circuit.id, 'text': text}


def _intent_findings(circuit: NetboxCircuit, account: Account) -> Iterator[dict[str, Any]]:
    """What the status in NetBox asks for and Cloudflare has not, or the other way round."""
    exists = account.has(circuit)
    if circuit.status in IN_USE and not exists:
        yield _finding('missing', circuit, f'{circuit.status} in NetBox, but Cloudflare has no circuit {circuit.name}. Set cni_name to its '
                                           'name there, or the status to planned to order it.')
    elif circuit.status in ENDED and exists:
        yield _finding('to_delete', circuit, f'{circuit.status} in NetBox, but Cloudflare has it. To delete it, name it in '
                                             'netbox_decommission.')
    elif circuit.status not in (*TO_ORDER, *IN_USE, *ENDED):
        yield _finding('ignored', circuit, f'the status {circuit.status} has no meaning here, so it is left alone.')


def _state_findings(circuit: NetboxCircuit, account: Account) -> Iterator[dict[str, Any]]:
    """What a person should know of a circuit's progress."""
    if circuit.status in TO_ORDER and not account.has(circuit):
        yield _finding('not_ordered', circuit, f'{circuit.status} in NetBox, not ordered yet.')
    if circuit.name != circuit.cid and account.has(circuit):
        yield _finding('renamed', circuit, f'it is {circuit.name} at Cloudflare. netbox_rename=true renames it there.')
    state = get(account.states.get((account.port_of(circuit) or {}).get('name', '')), 'state')
    if state == 'Pending' and circuit.raw.get('termination_a') and not get(circuit.raw, 'termination_a.xconnect_id'):
        yield _finding('cross_connect', circuit, 'Pending, and termination A has no cross-connect ID. Order it with the LOA.')
    status = MOVES.get(str(state).lower(), {}).get(circuit.status)
    if status:
        yield _finding('status', circuit, f'{circuit.status} in NetBox, and the port is {state}: it becomes {status}.')


def _field_findings(circuit: NetboxCircuit, index: Index, account: Account) -> Iterator[dict[str, Any]]:
    """Custom fields that are wrong, or that the port does not match."""
    if circuit.status not in (*TO_ORDER, *IN_USE):
        return
    try:
        slot = circuit_options(circuit, index).get('slot', {})
    except InputError as error:
        yield _finding('invalid', circuit, str(error))
        return
    port = account.port_of(circuit)
    for option in ('site', 'facility', 'speed') if port else ():
        if slot.get(option) and not matches_selector(port, option, slot[option]):
            current = get(port, 'facility.name' if option == 'facility' else option)
            yield _finding('differs', circuit, f'{option} {slot[option]} in NetBox, {current} at Cloudflare.')
    recorded = circuit.fields.get('cni_interconnect')
    if port and recorded and recorded != port['name']:
        yield _finding('differs', circuit, f'interconnect {recorded} in NetBox, {port["name"]} at Cloudflare.')


def _unknown_to_netbox(circuits: list[NetboxCircuit], account: Account) -> list[dict[str, Any]]:
    """What Cloudflare has and NetBox has not."""
    names = {circuit.name for circuit in circuits}
    used = {cni.get('interconnect') for cni in account.cnis.values()} | {circuit.fields.get('cni_interconnect') for circuit in circuits}
    unknown = [_finding('unknown', name, f'on {cni.get("interconnect")} at Cloudflare, but not in NetBox.')
               for name, cni in sorted(account.cnis.items()) if name not in names]
    return [*unknown, *(_finding('spare', name, 'a port at Cloudflare without a circuit, and no circuit of NetBox has it.')
                        for name in sorted(account.ports) if name not in used)]


def _observed_result(circuit: NetboxCircuit, account: Account) -> dict[str, Any] | None:
    """What Cloudflare has of a circuit, in the form of a result of the module provision; None if it never had anything."""
    if not account.has(circuit):
        return {'name': circuit.name, 'state': 'absent'} if circuit.fields.get('cni_interconnect') else None
    port = account.port_of(circuit)
    return {'name': circuit.name, 'state': 'present', 'interconnect': port, 'cni': account.cnis.get(circuit.name),
            'status': account.states.get((port or {}).get('name', ''))}
