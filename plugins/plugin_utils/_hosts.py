# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of an inventory as circuits: checks the variables of each host, and makes the runs of rollout. Pure functions."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuits import desired_chain
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import secrets_in, validated_options
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import (
    ACCOUNT_OPTIONS,
    API_URL,
    CONNECTION_OPTIONS,
    HOST_OPTIONS,
    PREFIX,
    ROLE_OPTIONS,
    ROUTER,
    RUN_OPTIONS,
    SPARE,
    STEPS,
    VARIABLES,
    Spec,
    drop_empty,
    non_text_problem,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import EXPECT, check_site_demand
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import type_error
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_loa_name

DECOMMISSION = 'decommission'
OPTIONS_IN_TEXTS = ('force', 'on_immutable', 'shared')  # that messages advise, as in: not without force=true
SIMILARITY = 0.4  # of an unknown name to a known one that may be meant: asn is default_asn, import is nothing

COMPARED = {PREFIX + name for name in ('name', 'state', 'default_asn', *ACCOUNT_OPTIONS)}  # what the hosts of a play are compared by
SPEC: Spec = {PREFIX + name: row for name, row in HOST_OPTIONS.items()}
HOST_VARIABLES = {name: PREFIX + name for name in HOST_OPTIONS}
CONNECTION_VARIABLES = [PREFIX + name for name in ACCOUNT_OPTIONS]
ROLLOUT_OPTIONS = ('state', 'max_deletes', 'purge_routes', 'fail_fast', 'validate')  # that the playbooks take from rollout_NAME first
LIST = {'type': 'list', 'elements': 'str'}
DICT, TEXT, FLAG, WHOLE, NUMBER = ({'type': kind} for kind in ('dict', 'str', 'bool', 'int', 'float'))
WORDS, PATH = ({'type': kind, 'quoted': True} for kind in ('str', 'path'))  # of which no number makes sense
OTHER_VARIABLES = {  # of roles and playbooks, besides those of hosts in SPEC: {prefix: {name: type}}
    PREFIX: {  # of a whole run
        **dict.fromkeys(('hosts', 'must_survive', 'own_variables', 'serial', 'under_maintenance', 'what_if_fails'), LIST),
        **dict.fromkeys(('cross_connects_dir', 'metrics', 'plan_file', 'report'), PATH),
        **dict.fromkeys(('approved_plan', 'protect', 'report_mode'), TEXT),
        **dict.fromkeys(('fail_fast', 'force', 'traffic', 'what_if'), FLAG),
        **dict.fromkeys(('at_most_per_site', 'maintenance_days', 'max_deletes', 'overdue_days'), WHOLE),
        'change': WORDS,
        'commit_rates': DICT,
        'expect': EXPECT,
    },
    'event_': {'notify': PATH},
    'preflight_': {'compare': PATH, 'profile': PATH},
    'support_': {'alert_days': WHOLE, 'cf_rays': LIST, 'dir': PATH, 'router': ROUTER},
    'peer_': {
        **dict.fromkeys(('accept', 'announce', 'discard_routes', 'own_variables', 'static_prefixes'), LIST),
        **dict.fromkeys(('artifacts_dir', 'handover'), PATH),
        **dict.fromkeys(('acl_in', 'acl_out', 'allowas_in', 'description', 'hold_time', 'interface', 'label', 'local_preference',
                         'max_prefixes', 'maximum_paths', 'md5_key', 'mss', 'name', 'platform', 'policy_prefix', 'prepend',
                         'route_priority', 'router_asn', 'router_id', 'state', 'static_distance', 'track', 'vrf'), TEXT),
        'graceful_restart': FLAG,
    },
    'alerts_': {
        **dict.fromkeys(('airport_codes', 'circuits', 'emails', 'own_variables', 'pagerduty', 'types', 'webhooks'), LIST),
        **dict.fromkeys(('interval', 'policy_prefix', 'slo', 'state', 'webhook_name', 'webhook_secret', 'webhook_update_secret',
                         'webhook_url'), TEXT),
    },
    'netbox_': {
        **dict.fromkeys(('decommission', 'limit', 'own_variables'), LIST),
        **dict.fromkeys(('filter', 'loa_url', 'provider', 'tag', 'token', 'url', 'vrf'), TEXT),
        **dict.fromkeys(('rename', 'validate_certs', 'write'), FLAG),
    },
    'failover_': {
        **dict.fromkeys(('path_command', 'ping', 'ping_source', 'ping_via'), WORDS),
        **dict.fromkeys(('dir', 'router_tasks'), PATH),
        **dict.fromkeys(('hold', 'timeout'), WHOLE),
        **dict.fromkeys(('max_gap', 'ping_interval'), NUMBER),
        **dict.fromkeys(('pause', 'restore'), FLAG),
        'circuit': TEXT,
        'own_variables': LIST,
    },
}
SPECS: dict[str, Spec] = {prefix: {prefix + name: row for name, row in names.items()} for prefix, names in OTHER_VARIABLES.items()}
TYPES: Spec = {name: row for spec in (SPEC, *SPECS.values()) for name, row in spec.items()}
FACTS = {PREFIX, 'peer_', 'alerts_'}  # of the roles that set PREFIXresult
KNOWN_VARIABLES = {prefix: {*spec, *(SPEC if prefix == PREFIX else ()), *([f'{prefix}result'] if prefix in FACTS else ())}
                   for prefix, spec in SPECS.items()}


class Connection(NamedTuple):
    """How a host is connected: what it declares itself, else the task, else the environment. It has secrets."""

    account_id: str = ''
    api_url: str = API_URL
    api_token: str = ''
    api_key: str = ''
    api_email: str = ''

    @property
    def account(self) -> tuple[str, str]:
        """The account, however it is named: its ID, and the base URL of its API. Hosts are grouped and compared by this alone."""
        return self.account_id.casefold(), self.api_url.rstrip('/').casefold()


class DeclaredHost(NamedTuple):
    """What a host declares. circuit: as rollout takes it, but diverse_from may name hosts; account, run: connection and run options.

    cross_connect: what the user keeps of it, with dates such as 2026-11-02. connection: that of its run, declared here or not.
    """

    hostname: str
    state: str
    circuit: dict[str, Any]
    account: dict[str, Any]
    run: dict[str, Any]
    cross_connect: dict[str, str]
    connection: Connection

    @property
    def circuit_name(self) -> str:
        """The name of the circuit."""
        return self.circuit['name']


class RolloutRun(NamedTuple):
    """A run of rollout. account, options: its arguments; hosts: {circuit: its host}; connection: what account comes to."""

    account: dict[str, Any]
    options: dict[str, Any]
    circuits: list[dict[str, Any]]
    hosts: dict[str, str]
    connection: Connection


# A single host.

def unknown_variables(names: Iterable[str], own_variables: Collection[str] = (), prefix: str = PREFIX) -> str:
    """The message for variables that are unknown, each with the nearest known one; empty if there are none.

    own_variables: variables of the user's own.
    """
    names = sorted(name for name in names if name.startswith(prefix) and name not in KNOWN_VARIABLES[prefix] and name not in own_variables)
    if not names:
        return ''
    parts = {name: name.replace(f'{block}_', f'{block}.', 1) for block, option_spec in SPEC.items() for name in VARIABLES
             if 'options' in option_spec and name.startswith(f'{block}_') and name not in SPEC}
    known = {name.removeprefix(prefix): name for name in KNOWN_VARIABLES[prefix] | (parts.keys() if prefix == PREFIX else set())}
    texts = []
    for name in names:
        texts.append(f'{name}: unknown variable.')
        for nearest in get_close_matches(name.removeprefix(prefix), known, 1, SIMILARITY):
            texts.append(f'Did you mean {parts.get(known[nearest], known[nearest])}?')
    return f'{" ".join(texts)} List your own variables in {prefix}own_variables.'


def type_problem(variables: Mapping[str, Any]) -> str:
    """The message for variables of a wrong type; empty if there are none. Those of others are ignored."""
    spec = {name: TYPES[name] for name in variables if name in TYPES}
    return str(type_error(spec, drop_empty(dict(variables))) or non_text_problem(variables))


def connection_of_run(arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Connection:
    """The connection of hosts that declare none. arguments: of the task."""
    options = {name: arguments.get(name) or next(filter(None, map(environment.get, CONNECTION_OPTIONS[name]['fallback'][1])), '')
               for name in Connection._fields}
    return Connection(**{name: str(value) for name, value in options.items() if value})


def connection_sources(arguments: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, str]:
    """{connection option: what sets it for hosts that declare none}: the variable of the environment, or itself if the task has it."""
    variables = {name: next(filter(environment.get, CONNECTION_OPTIONS[name]['fallback'][1]), '') for name in ACCOUNT_OPTIONS}
    return {name: name if arguments.get(name) else variable for name, variable in variables.items() if arguments.get(name) or variable}


def declared_connection(variables: Mapping[str, Any]) -> dict[str, str]:
    """The connection options that a host declares."""
    return {name: str(value) for name in ACCOUNT_OPTIONS if (value := variables.get(PREFIX + name)) not in ('', None)}


def connection_arguments(arguments: Mapping[str, Any], declared: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a task on a host. One that declares a credential uses none of the task."""
    credentials = ('api_token', 'api_key', 'api_email') if {'api_token', 'api_key'} & {*declared} else ()
    return {**{name: value for name, value in arguments.items() if name not in credentials}, **declared}


def connection_of(account: Mapping[str, Any], of_run: Connection) -> Connection:
    """The connection of a host. One that declares a credential uses none of the run."""
    return Connection(**connection_arguments(of_run._asdict(), account))


def declared_host(host: str, variables: Mapping[str, Any], check: bool = True, of_run: Connection | None = None) -> DeclaredHost:
    """What the host declares. variables: those of the host, templates resolved. Raises InputError with the names of variables.

    check: whether values are validated and converted. rollout validates each circuit, too. of_run: that of the environment, if not given.
    """
    if text := unknown_variables(variables, own_variables(variables.get(f'{PREFIX}own_variables'))):
        raise InputError(*text.split(': ', 1))
    if text := non_text_problem(variables):
        raise InputError(*text.split(': ', 1))
    declared = {name: value for name, value in _set_variables(variables).items() if name in SPEC}
    if check:
        declared = _validated(declared)
    elif error := type_error(SPEC, declared):
        raise error
    values = {name.removeprefix(PREFIX): value for name, value in declared.items()}
    options = {name: values[name] for name in (*ROLE_OPTIONS, 'loa_name', 'wait_for') if name in values}
    state = values.get('state', 'present')
    circuit = {'name': _circuit_name(variables, host), **({'state': state} if state == 'absent' else {}), **options}
    if check and state == 'present':
        _check_circuit(circuit, values.get('site_demand'))
    account = {name: values[name] for name in ACCOUNT_OPTIONS if name in values}
    run = {name: values.get(name, option_spec.get('default')) for name, option_spec in RUN_OPTIONS.items()}
    connection = connection_of(account, of_run or connection_of_run({}, os.environ))
    return DeclaredHost(host, state, circuit, account, run, _cross_connect(values.get('cross_connect') or {}) if check else {}, connection)


def _cross_connect(declared: Mapping[str, Any]) -> dict[str, str]:
    """What the user keeps of a cross-connect, dates as texts. Raises InputError for what is no date."""
    values = dict(declared)
    for name in ('ordered', 'installed'):
        if name in values:
            try:
                values[name] = date.fromisoformat(str(values[name])).isoformat()
            except ValueError:
                raise InputError(f'{PREFIX}cross_connect.{name}', f'{values[name]!r} is not valid.', 'a date such as 2026-11-02') from None
    return values


def own_variables(names: Any, prefix: str = PREFIX) -> list[str]:
    """The names of the user's own variables, given as a list or as a text with commas. Raises InputError."""
    name = f'{prefix}own_variables'
    checked = validated_options({name: [] if names in (None, '') else names}, {name: LIST}, str)
    return [name.strip() for name in checked[name]]


def _set_variables(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables without empty strings, null and empty dicts. An empty list counts as given."""
    return {name: value for name, value in drop_empty(dict(variables)).items() if value not in ('', None, {})}


def _circuit_name(variables: Mapping[str, Any], host: str) -> str:
    return variables.get(f'{PREFIX}name') or host


def _validated(declared: Mapping[str, Any]) -> dict[str, Any]:
    """The variables in their types, without defaults. Raises InputError."""
    values = validated_options(declared, SPEC, Secrets(secrets_in(SPEC, declared)).redact)
    return {name: _without_unset(SPEC[name], values[name]) for name in declared}


def _without_unset(option_spec: Mapping[str, Any], value: Any) -> Any:
    """A dict without the keys that the validation added, and without aliases."""
    if not isinstance(value, Mapping) or 'options' not in option_spec:
        return value
    return {name: inner for name, inner in value.items() if inner is not None and name in option_spec['options']}


def _check_circuit(circuit: Mapping[str, Any], site_demand: Mapping[str, Any] | None) -> None:
    """Raises InputError, with the names of variables, for an invalid circuit, or what is no bandwidth in site_demand."""
    try:
        check_site_demand(site_demand)
        desired_chain(circuit)
        checked_value('loa_name', circuit.get('loa_name') or '', check_loa_name, [])
    except InputError as error:
        failure = with_variable_names(error.result(), HOST_VARIABLES)
        error.message, error.notes, error.details['option'] = failure['msg'], [], failure['error']['option']
        raise


# All hosts.

def duplicate_errors(hosts: Iterable[DeclaredHost]) -> dict[str, InputError]:
    """{host: error} of hosts that declare the same circuit of an account. The first of them lists the others."""
    by_circuit: dict[tuple, list[DeclaredHost]] = {}
    for host in hosts:
        if host.state != SPARE:
            by_circuit.setdefault((host.connection.account, host.circuit_name), []).append(host)
    return {host.hostname: InputError(f'{PREFIX}name', f'{host.circuit_name!r} is also declared by '
                                      f'{", ".join(other.hostname for other in (others if host is first else [first]))}.')
            for first, *others in by_circuit.values() if others for host in (first, *others)}


def asn_conflicts(hosts: Iterable[DeclaredHost]) -> dict[str, InputError]:
    """{host: error} of hosts that declare different AS numbers for an account."""
    asns_by_account: dict[tuple[str, str], dict[str, str]] = {}
    hosts = [host for host in hosts if host.run['default_asn'] and host.state == 'present']
    for host in hosts:
        asns_by_account.setdefault(host.connection.account, {}).setdefault(str(host.run['default_asn']), host.hostname)
    return {host.hostname: InputError(f'{PREFIX}default_asn', f'an account has one AS number, but the hosts declare {_asn_list(asns)}.')
            for host in hosts if len(asns := asns_by_account[host.connection.account]) > 1}


def conflict_results(hosts: Iterable[DeclaredHost]) -> dict[str, dict[str, Any]]:
    """{host: its result} of hosts that contradict each other. A duplicate is not compared further."""
    hosts, results = [*hosts], {}
    for check in (duplicate_errors, asn_conflicts):
        errors = check(host for host in hosts if host.hostname not in results)
        results |= {host: invalid_host_result(host, error) for host, error in errors.items()}
    return results


def _asn_list(asns: Mapping[str, str]) -> str:
    return ' and '.join(f'{asn} ({host})' for asn, host in asns.items())


def rollout_runs(hosts: Iterable[DeclaredHost], circuit_name: Callable[[str], str]) -> list[RolloutRun]:
    """The runs: one for each account and set of options. circuit_name: returns the circuit of a host or circuit."""
    hosts = [host for host in hosts if host.state != SPARE]
    asns = {host.connection.account: host.run['default_asn'] for host in hosts if host.run['default_asn']}
    runs: dict[tuple, RolloutRun] = {}
    demands: dict[tuple[str, str], dict[str, str]] = {}
    for host in hosts:
        options = {**host.run, 'default_asn': asns.get(host.connection.account)}
        timeout, demand = options.pop('wait_timeout'), options.pop('site_demand')
        demands.setdefault(host.connection.account, {}).update(demand or {})
        key = host.connection.account, host.connection[2:], _hashable(options)
        run = runs.setdefault(key, RolloutRun(host.account, options, [], {}, host.connection))
        run.options['wait_timeout'] = max(timeout or 0, run.options.get('wait_timeout') or 0) or None
        run.circuits.append(with_circuit_names(host.circuit, circuit_name))
        run.hosts[host.circuit_name] = host.hostname
    for run in {run.connection.account: run for run in runs.values()}.values():  # the last of each account, after which all is as declared
        run.options['site_demand'] = demands[run.connection.account] or None
    return list(runs.values())


def split_account_problem(runs: Iterable[RolloutRun]) -> str:
    """Why an option that is about all circuits of an account does not work, if they are in several runs; empty if they are in one."""
    by_account: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for run in runs:
        credentials = {name: getattr(run.connection, name) for name in ('api_token', 'api_key', 'api_email')}
        by_account.setdefault(run.connection.account, []).append({**credentials, **run.options})
    differing = [name for parts in by_account.values() for name in parts[0]
                 if name not in ('wait_timeout', 'site_demand') and any(part[name] != parts[0][name] for part in parts)]
    if not differing:
        return ''
    return (f'the hosts of an account differ in {", ".join(PREFIX + name for name in dict.fromkeys(differing))}, so they are several runs, '
            'and each would know of its own circuits only. Use one value for all of them.')


def hosts_of_other_runs(run: RolloutRun, hosts: Iterable[DeclaredHost]) -> list[DeclaredHost]:
    """The hosts of the same account whose circuits are not in this run."""
    return [host for host in hosts if host.connection.account == run.connection.account and host.circuit_name not in run.hosts]


def is_absent(circuit: Mapping[str, Any]) -> bool:
    """Whether a circuit is to be deleted."""
    return circuit.get('state') == 'absent'


def _hashable(values: Mapping[str, Any]) -> tuple:
    return tuple(sorted((name, value) for name, value in values.items() if value is not None))


def with_circuit_names(circuit: dict[str, Any], circuit_name: Callable[[str], str]) -> dict[str, Any]:
    """The circuit, with circuits instead of hosts in diverse_from."""
    others = diverse_from(circuit)
    return {**circuit, 'slot': {**circuit['slot'], 'diverse_from': [circuit_name(other) for other in others]}} if others else circuit


def diverse_from(circuit: Mapping[str, Any]) -> list[str]:
    """The circuits or hosts that the circuit is to be diverse from."""
    return (circuit.get('slot') or {}).get('diverse_from') or []


# Steps and results.

def run_variables(options: Iterable[str], set_variables: Collection[str], playbook: bool) -> dict[str, str]:
    """{option of a run: the variable that sets it, or would}. set_variables: those that are not empty. playbook: not the role."""
    variables = {name: PREFIX + name for name in options if name in OTHER_VARIABLES[PREFIX]}
    of_rollout = {name: f'rollout_{name}' for name in ROLLOUT_OPTIONS if playbook}
    return variables | {name: variable for name, variable in of_rollout.items() if variable in set_variables or name not in variables}


def selected_steps(run: Collection[str], skipped: Collection[str], own: Collection[str]) -> list[str]:
    """The steps that tags select, decommission among them. run, skipped: --tags and --skip-tags; own: the user's tags on the role."""
    known = [*STEPS, DECOMMISSION]
    all_steps = {'all', 'tagged', *own} & {*run} or 'always' in own
    return [step for step in known if (all_steps or step in run) and step not in skipped]


def host_results(hosts: Iterable[DeclaredHost], result: Mapping[str, Any],
                 variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{host: its result} from the result of a rollout: the fact of the role, with what Ansible needs.

    variables: run_variables() and connection_sources().
    """
    circuits = {entry['name']: entry for entry in result.get('circuits', ())}
    diffs: dict[str | None, list[dict[str, Any]]] = {}
    for entry in result.get('diff', ()):
        diffs.setdefault(entry.get('circuit'), []).append(entry)
    return {host.hostname: _host_result(host, circuits.get(host.circuit_name, {}), result, variables)
            | {'diff': diffs.get(host.circuit_name, [])} for host in hosts}


def _host_result(host: DeclaredHost, circuit: Mapping[str, Any], result: Mapping[str, Any],
                 variables: Mapping[str, str]) -> dict[str, Any]:
    """The result of a host. circuit: its entry in the result of rollout, {} if that failed as a whole, which is then its failure."""
    objects = circuit.get('objects') or {}
    absent = host.state == 'absent'
    own = {name: variable for name, variable in HOST_VARIABLES.items()
           if name not in ACCOUNT_OPTIONS or name in host.account or name not in variables}
    host_result = {
        'name': host.circuit_name, 'state': 'absent' if absent else 'present',
        'changed': bool(circuit.get('changed')), 'outcome': circuit.get('outcome'),
        **{kind: objects.get(kind) for kind in ('interconnect', 'cni', 'tunnel', 'health_check', 'routes')},
        'settings': result.get('settings'), 'status': circuit.get('status'), 'files': {} if absent else circuit.get('files') or {},
    }
    failure = with_variable_names(circuit if circuit else result if result.get('failed') else {}, {**variables, **own})
    host_result |= {key: failure[key] for key in ('msg', 'error', 'applied', 'former_interconnect', 'addresses') if key in failure}
    if failure and (not circuit or circuit['outcome'] == 'failed'):
        text = failure.get('msg', 'failed')
        host_result |= {'failed': True, 'outcome': 'failed', 'msg': text if text.startswith(f'{host.hostname}: ')
                        else f'{host.hostname}: {text}'}
    return host_result


def with_variable_names(failure: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """A failure with the variables that the user has written in place of the options: provision_slot.site for slot.site.

    It is what names all options in messages of the role and the playbooks. variables: {option: the variable that sets it}.
    """
    option, text = (failure.get('error') or {}).get('option'), failure.get('msg')
    if not text:
        return {**failure}
    names = str(option or '').split(', ')
    written = ', '.join(re.sub(r'^\w+', lambda match: variables.get(match[0], match[0]), name) for name in names)
    if option:
        text = re.sub(rf'(?<![\w.]){re.escape(option)}(?=: )', lambda _match: written, text, count=1)
    words = '|'.join(name for name in OPTIONS_IN_TEXTS if name in variables)
    text = re.sub(rf'(?<![\w.])({words})(?==)', lambda match: variables[match[0]], text) if words else text
    return {**failure, 'msg': text, **({'error': {**failure['error'], 'option': written}} if option else {})}


def invalid_host_result(host: str, error: InputError) -> dict[str, Any]:
    """The result of a host with invalid variables."""
    failure = error.result()
    return {'name': host, 'changed': False, 'failed': True, 'outcome': 'failed', **failure, 'msg': f'{host}: {failure["msg"]}'}


def account_diff(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The diff of the account's settings in the result of a rollout."""
    return [entry for entry in result.get('diff', ()) if 'circuit' not in entry and 'prepared' not in entry]


TABLE_COLUMNS = ('circuit', 'outcome', 'interconnect', 'status', 'message')
PENDING_NOTE = 'A port stays Pending until its cross-connect is installed, usually for 2 to 4 weeks.'


def result_table(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """The results as lines: a head, one for each host, and a note on states that are no fault."""
    lines = [TABLE_COLUMNS, *(_table_cells(host_result) for host_result in results)]
    return [*aligned(lines), *([PENDING_NOTE] if any(line[3] == 'Pending' for line in lines) else [])]


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells as texts, with each column but the last as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)][:-1]
    return ['  '.join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip() for line in lines]


def one_line(cell: Any) -> str:
    """The text of a cell on one line."""
    return ' '.join(str(cell).split())


def _planned_place(interconnect: Mapping[str, Any]) -> str:
    """Where an interconnect would be ordered, in check mode."""
    facility = (interconnect.get('facility') or {}).get('name')
    place = ', '.join(text for text in (interconnect.get('site'), facility, interconnect.get('ccr_device_name')) if text)
    return f'{interconnect.get("speed") or "a port"} at {place}' if interconnect.get('name') == UNKNOWN and place else ''


def _table_cells(host_result: Mapping[str, Any]) -> tuple[str, ...]:
    status, found = host_result.get('status') or {}, host_result.get('interconnect') or {}
    names = (host_result.get('former_interconnect'), found.get('name') or (host_result.get('cni') or {}).get('interconnect'))
    interconnect = ' -> '.join(dict.fromkeys(filter(None, names)))
    reason = (host_result.get('msg') or '').removeprefix(f'{host_result.get("name")}: ')  # why it failed, or is deferred
    message = reason or status.get('reason') or _planned_place(found)
    texts = [text or '-' for text in (host_result.get('name'), host_result.get('outcome'), interconnect, status.get('state'))]
    return tuple(map(one_line, (*texts, message or '')))
