# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What NetBox should hold of circuits, and what of that it lacks: fields, status, journal, prefixes and addresses. Pure functions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_interface
from typing import Any, NamedTuple
from urllib.parse import quote

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox import MOVES, Netbox, NetboxCircuit, objects_of, value_of

STATES = {'pending': 'Pending', 'down': 'Down', 'unhealthy': 'Unhealthy', 'healthy': 'Healthy', 'unknown': 'Unknown', 'absent': 'Absent'}
JOURNAL_KINDS = {'healthy': 'success', 'down': 'danger', 'unhealthy': 'warning'}
CF_RAY = re.compile(r' ?Its cf-ray is \S+\.')
DESCRIPTIONS = ('Customer end of the CNI', 'Cloudflare end of the CNI')

TAG = {'name': 'Cloudflare CNI', 'slug': 'cloudflare-cni', 'description': 'A circuit that netops.cloudflare_cni manages'}
CHOICE_SET = {'name': 'Cloudflare interconnect states', 'extra_choices': [list(choice) for choice in STATES.items()]}
CIRCUIT_FIELDS = {  # {name: (type, label, description)} of the custom fields of a circuit
    'cni_slot': ('json', 'Slot', 'Which slot to order, as provision_slot: {"site": "ewr-a", "speed": "10G"}'),
    'cni_options': ('json', 'Options', 'Other options, as the variables of the role provision: {"health_check": {"rate": "mid"}}'),
    'cni_name': ('text', 'Circuit', 'The name at Cloudflare. It stays if the circuit ID changes'),
    'cni_interconnect': ('text', 'Interconnect', 'The interconnect at Cloudflare'),
    'cni_state': ('select', 'State', 'The state of the interconnect'),
    'cni_loa': ('text', 'LOA', 'Where the Letter of Authorization is'),
    'cni_error': ('longtext', 'Error', 'Why the last run failed'),
}
ADDRESS_FIELD = 'cni_circuit'  # of prefixes and addresses: whose they are
# Where what is written of a circuit is in NetBox. The journal comes first: a run that ends in between writes it again, and never omits it.
PATHS = {'journal': 'extras/journal-entries', 'circuit': 'circuits/circuits', 'prefixes': 'ipam/prefixes', 'addresses': 'ipam/ip-addresses'}
PER_REQUEST = 100  # objects, some seconds for NetBox


# From results to NetBox.

def netbox_writes(netbox: Netbox, results: Mapping[str, Mapping[str, Any]], ids: Mapping[str, int], loa_url: str = '', vrf: str = '',
                  tag: str = TAG['slug']) -> list[dict[str, Any]]:
    """What differs in NetBox from results, for each circuit: {name, id, circuit, journal, prefixes, addresses, problems}.

    circuit, journal, prefixes and addresses are as NetBox's REST API takes them.
    results: {host or circuit: its result}, as module provision or observed_results() returns them. ids: {host or circuit: id in NetBox}.
    """
    circuits = {raw['id']: raw for raw in objects_of(netbox.get('circuits', ()))}
    links = {'prefixes': _index_of('prefix', netbox.get('prefixes', ())), 'addresses': _index_of('address', netbox.get('ip_addresses', ()))}
    writes = []
    for key, result in results.items():
        raw = circuits.get(ids.get(key, 0))
        if raw is None or result.get('outcome') in ('skipped', 'deferred'):
            continue
        circuit = NetboxCircuit(raw['id'], raw['cid'], value_of(raw['status']), result['name'], raw.get('custom_fields') or {}, raw)
        fields = _desired_fields(circuit, result, loa_url)
        state = fields.get('cni_state', 'unknown' if result.get('claimed') else '')
        write = _write(circuit, fields, MOVES.get(state, {}).get(circuit.status, circuit.status), result)
        write |= _address_writes(links, circuit, result, vrf, tag)
        if write['circuit'] or write['prefixes'] or write['addresses'] or write['problems']:
            writes.append(write)
    return writes


def _write(circuit: NetboxCircuit, fields: Mapping[str, Any], status: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """The write of a circuit, of what differs alone; circuit and journal are empty if nothing does."""
    changed = {name: value for name, value in fields.items() if not _is_same_value(circuit.fields.get(name), value)}
    data = {'custom_fields': changed} if changed else {}
    data |= {'status': status} if status != circuit.status else {}
    return {'name': circuit.cid, 'id': circuit.id, 'circuit': {'id': circuit.id, **data} if data else {},
            'journal': _journal(circuit, changed, status, result) if data else {}, 'prefixes': [], 'addresses': [], 'problems': []}


def requests_of(writes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The requests to NetBox's REST API, in order: {method, path, writes}. What has an id is changed, anything else is created.

    writes: {id, name, object}, of which circuit and what to send, PER_REQUEST at most.
    """
    requests = []
    for kind, path in PATHS.items():
        objects = [{'id': write['id'], 'name': write['name'], 'object': obj}
                   for write in writes for obj in (write[kind] if isinstance(write[kind], list) else [write[kind]]) if obj]
        for method in ('POST', 'PATCH'):
            items = [item for item in objects if ('id' in item['object']) == (method == 'PATCH')]
            requests += [{'method': method, 'path': path, 'writes': items[start:start + PER_REQUEST]}
                         for start in range(0, len(items), PER_REQUEST)]
    return requests


def _is_same_value(before: Any, after: Any) -> bool:
    """Whether a custom field has a value already. Each failure has a cf-ray of its own."""
    return CF_RAY.sub('', str(value_of(before) or '')) == CF_RAY.sub('', str(after or ''))


def _desired_fields(circuit: NetboxCircuit, result: Mapping[str, Any], loa_url: str) -> dict[str, Any]:
    """The custom fields of a circuit, as far as the result shows them."""
    failed = bool(result.get('failed'))
    fields: dict[str, Any] = {'cni_error': _error_text(result) if failed else ''} if 'outcome' in result else {}
    if is_deleted(result):
        return fields | {'cni_state': 'absent', 'cni_interconnect': '', 'cni_loa': ''}
    if not failed:
        fields['cni_name'] = result['name']
    port = get(result, 'interconnect.name') or get(result, 'cni.interconnect')
    state, loa = get(result, 'status.state'), get(result, 'files.loa')
    fields |= {'cni_interconnect': port} if port else {}
    fields |= {'cni_state': state.lower() if state.lower() in STATES else 'unknown'} if state else {}
    if loa:
        fields['cni_loa'] = f'{loa_url.rstrip("/")}/{quote(os.path.basename(loa))}' if loa_url else loa
    return fields


def is_deleted(result: Mapping[str, Any]) -> bool:
    """Whether Cloudflare has nothing of the circuit any more."""
    return result.get('state') == 'absent' and not result.get('failed')


def _error_text(result: Mapping[str, Any]) -> str:
    text, ray = str(result.get('msg', 'failed')).removeprefix(f'{result["name"]}: '), get(result, 'error.cf_ray')
    return text if not ray or ray in text else f'{text} Its cf-ray is {ray}.'


def _journal(circuit: NetboxCircuit, changed: Mapping[str, Any], status: str, result: Mapping[str, Any]) -> dict[str, str]:
    """The journal entry of a change."""
    state = changed.get('cni_state', '')
    lines = [f'status: {circuit.status} to {status}'] if status != circuit.status else []
    lines += [f'{CIRCUIT_FIELDS[name][1]}: {_shown(name, value)}' for name, value in changed.items() if value]
    lines += ['The last run failed, this one did not'] if changed.get('cni_error') == '' else []
    lines += [f'The port was deleted: {value_of(circuit.fields.get("cni_interconnect"))}'] if changed.get('cni_interconnect') == '' else []
    lines += [f'Reason: {get(result, "status.reason")}'] if state and get(result, 'status.reason') else []
    kind = 'danger' if changed.get('cni_error') else JOURNAL_KINDS.get(state, 'info')
    return {'assigned_object_type': 'circuits.circuit', 'assigned_object_id': circuit.id, 'kind': kind,
            'comments': '\n'.join(f'- {line}' for line in lines)}


def _shown(field: str, value: Any) -> Any:
    return STATES[value] if field == 'cni_state' else value


class Links(NamedTuple):
    """Prefixes or addresses of NetBox. key: what they are known by; owned: by the id of their circuit."""

    key: str
    by_value: Mapping[str, list[Object]]
    owned: Mapping[int | None, list[Object]]


def _index_of(key: str, items: Iterable[Any]) -> Links:
    by_value: dict[str, list[Object]] = {}
    owned: dict[int | None, list[Object]] = {}
    for obj in {obj['id']: obj for obj in objects_of(items)}.values():  # two lists may have been joined
        by_value.setdefault(obj[key], []).append(obj)
        owned.setdefault(_owner(obj), []).append(obj)
    return Links(key, by_value, owned)


def _address_writes(links: Mapping[str, Links], circuit: NetboxCircuit, result: Mapping[str, Any], vrf: str, tag: str) -> dict[str, Any]:
    """{prefixes, addresses, problems}: the link of a circuit, and what was its link before."""
    if not (is_deleted(result) or result.get('cni')):
        return {}
    ends = [get(result, f'cni.{end}') for end in ('cust_ip', 'p2p_ip')] if not is_deleted(result) else []
    ends = [ip_interface(end if '/' in end else f'{end}/31') for end in ends if end and end != UNKNOWN]
    texts = {'prefixes': {str(end.network): 'Link of a CNI' for end in ends[:1]},
             'addresses': dict(zip((str(end) for end in ends), DESCRIPTIONS, strict=False))}
    written: dict[str, list[Any]] = {'problems': []}
    for kind in texts:
        written[kind] = [*_former_links(texts[kind], links[kind], circuit)] if ends or is_deleted(result) else []
        try:
            written[kind] = [*_link_writes(texts[kind], links[kind], circuit, vrf, tag), *written[kind]]
        except InputError as error:
            written['problems'].append(str(error))
    return written


def _link_writes(texts: Mapping[str, str], links: Links, circuit: NetboxCircuit, vrf: str, tag: str) -> Iterator[dict[str, Any]]:
    """The prefixes or addresses that are missing or differ. Raises InputError if one is in another VRF only."""
    for value, description in texts.items():
        same = links.by_value.get(value, [])
        found = next((obj for obj in same if _vrf_matches(obj, vrf)), None)
        if same and found is None and not vrf:  # it may well be the link
            raise InputError('netbox_vrf', f'{value} is in the VRF {get(same[0], "vrf.name")} of NetBox. Set netbox_vrf.')
        tags = [item['slug'] for item in (found or {}).get('tags') or ()]
        if found and value_of(found['status']) == 'active' and _owner(found) == circuit.id and tag in tags:
            continue
        new = {'description': description, **({'vrf': {'name': vrf}} if vrf else {})}
        yield {links.key: value, 'status': 'active', 'custom_fields': {ADDRESS_FIELD: circuit.id},
               'tags': [{'slug': slug} for slug in dict.fromkeys([*tags, tag])], **({'id': found['id']} if found else new)}


def _former_links(texts: Mapping[str, str], links: Links, circuit: NetboxCircuit) -> Iterator[dict[str, Any]]:
    """The prefixes or addresses that the circuit had: they are deprecated, and stay in NetBox."""
    for obj in links.owned.get(circuit.id, ()):
        if obj[links.key] not in texts and value_of(obj['status']) != 'deprecated':
            yield {'id': obj['id'], links.key: obj[links.key], 'status': 'deprecated'}


def _vrf_matches(obj: Mapping[str, Any], vrf: str) -> bool:
    return vrf in [str(get(obj, f'vrf.{name}')) for name in ('name', 'id', 'rd')] if vrf else not obj.get('vrf')


def _owner(obj: Mapping[str, Any]) -> int | None:
    """The id of the circuit that a prefix or an address belongs to."""
    owner = get(obj, f'custom_fields.{ADDRESS_FIELD}')
    return owner.get('id') if isinstance(owner, Mapping) else owner


# Custom fields.

def missing_definitions(netbox: Netbox, tag: str = TAG['slug']) -> dict[str, list[dict[str, Any]]]:
    """{tags, choice_sets, fields} that NetBox lacks or that differ, as the modules of netbox.netbox take them.

    netbox: its lists tags, custom_field_choice_sets and custom_fields. tag: the slug.
    """
    tags, choice_sets, fields = (objects_of(netbox.get(kind, ())) for kind in ('tags', 'custom_field_choice_sets', 'custom_fields'))
    have_sets, have_fields = ({obj['name']: obj for obj in objects} for objects in (choice_sets, fields))
    have_choices = [list(choice) for choice in have_sets.get(CHOICE_SET['name'], {}).get('extra_choices') or ()]
    values = [choice[0] for choice in have_choices]
    lacking = [choice for choice in CHOICE_SET['extra_choices'] if choice[0] not in values]
    return {
        'tags': [] if tag in [obj['slug'] for obj in tags] else [TAG | {'slug': tag}],
        'choice_sets': [CHOICE_SET | {'extra_choices': have_choices + lacking}] if lacking else [],
        'fields': [field for field in _field_definitions() if _differs(field, have_fields.get(field['name']))],
    }


def _field_definitions() -> Iterator[dict[str, Any]]:
    for name, (kind, label, description) in CIRCUIT_FIELDS.items():
        choices = {'choice_set': CHOICE_SET['name']} if kind == 'select' else {}
        yield {'name': name, 'type': kind, 'label': label, 'description': description, 'group_name': 'Cloudflare',
               'object_types': ['circuits.circuit'], **choices}
    yield {'name': ADDRESS_FIELD, 'type': 'object', 'label': 'Circuit', 'description': 'The circuit whose link it is',
           'group_name': 'Cloudflare', 'object_types': ['ipam.ipaddress', 'ipam.prefix'], 'related_object_type': 'circuits.circuit'}


def _differs(field: Mapping[str, Any], current: Mapping[str, Any] | None) -> bool:
    normal: dict[str, Callable[[Any], Any]] = {'type': value_of, 'object_types': sorted,
                                               'choice_set': lambda value: get(value, 'name', value)}
    return current is None or any(normal.get(key, str)(current.get(key) or '') != normal.get(key, str)(value)
                                  for key, value in field.items())
