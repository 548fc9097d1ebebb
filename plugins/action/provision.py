# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the inventory as circuits: reads their variables, runs rollout once for each account, and gives each host its own result."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.display import Display

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _approval, _files, _handover
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, SPARE, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.modules import provision, rollout
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import DeclaredHost, RolloutRun
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess, show_warnings

PER_HOST_STRATEGIES = ('free', 'host_pinned')  # strategies that ignore run_once
HostResults = dict[str, dict[str, Any]]

display = Display()
_handover.compiled_sheet()  # once, before the fork


class ActionModule(InProcess):
    module = provision

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of this host, or of all hosts; or this host's part of such a result; or a table of it."""
        result, self._vars = ActionBase.run(self, tmp, task_vars), task_vars or {}
        self._task.args = drop_empty(dict(self._task.args))
        try:
            return {**result, **self._result()}
        except InputError as error:
            return {**result, 'failed': True, 'changed': False, **_hosts.with_variable_names(error.result(), self._run_variables)}

    @property
    def _run_variables(self) -> dict[str, str]:
        """{option: the variable that sets it}: role and playbooks of the collection pass them on."""
        if not self._own_file:
            return {}
        set_variables = {name for name in self._vars
                         if name.startswith('rollout_') and self._templar.template(self._vars[name]) not in ('', None)}
        return _hosts.run_variables({*provision.ARGUMENT_SPEC} - {'hosts'}, set_variables, self._own_file.startswith('playbooks/'))

    def _result(self) -> dict[str, Any]:
        self._options, self._account_diff = self.checked_options(provision.ARGUMENT_SPEC), []
        if self._task.args.get('result_of'):
            return _registered_result(self._registered('result_of'), self._vars['inventory_hostname'])
        if self._task.args.get('table_of'):
            self._show_lines(_hosts.result_table(self._registered('table_of').values()))
            return {'changed': False, **self._shown_plan(self._vars[self._task.args['table_of']])}
        self._planned_circuits: list[dict[str, Any]] = []
        if self._options['hosts'] is None:
            return self._own_result()
        results = self._host_results(self._options['hosts'])
        # The changes of a circuit are in the result of its host.
        return {'changed': bool(self._account_diff), 'diff': self._account_diff, 'hosts': results, 'conflicts': self._conflicts,
                **self._written_plan(results)}

    def _registered(self, option: str) -> HostResults:
        """The result of all hosts that another task registered, read without templating: that would take long for each host."""
        name = self._task.args[option]
        known = self._vars.get(name)
        hosts = known.get('hosts') if isinstance(known, Mapping) else None
        if not isinstance(hosts, Mapping):
            raise InputError(option, f'{name} has no result of all hosts: run the task that registers it first, in the same run.')
        return hosts

    def _own_result(self) -> dict[str, Any]:
        host = self._vars['inventory_hostname']
        result = self._host_results([host])[host]
        if result.get('skipped'):
            return result
        self._show_lines(_hosts.result_table([result])[1:2])
        plan = self._written_plan({host: result})
        self._shown_plan(plan)
        changed, diff = result['changed'] or bool(self._account_diff), [*self._account_diff, *result.get('diff', ())]
        return {**result, 'changed': changed, 'diff': diff, **plan}

    def _host_results(self, names: Iterable[str]) -> HostResults:
        """{host: its result}."""
        names = list(names)
        self._refuse_strategy(names)
        self._refuse_part_of_play(names)
        declared, results = self._declared_hosts(names)
        self._conflicts = self._conflicts_of_batches(names)
        results |= {host.hostname: self._conflicts[host.hostname] for host in declared if host.hostname in self._conflicts}
        declared = [host for host in declared if host.hostname not in results]
        steps = _hosts.selected_steps(self._vars.get('ansible_run_tags', ['all']), self._vars.get('ansible_skip_tags', []),
                                      self._user_tags())
        steps = [step for step in steps if step in (self._options['steps'] or (*_hosts.STEPS, _hosts.DECOMMISSION))]
        for host in declared:
            if reason := _idle_reason(host, steps):
                results[host.hostname] = _skipped_result(host, reason)
        pending = [host for host in declared if host.hostname not in results]
        if self._stopped_by_invalid_host(results):
            results |= {host.hostname: _skipped_result(host, 'another host has an error') for host in pending}
        elif pending:
            results |= self._run_rollouts(pending, steps, declared)
        return {name: results[name] for name in names}

    def _run_rollouts(self, pending: list[DeclaredHost], steps: list[str], declared: list[DeclaredHost]) -> HostResults:
        """The results of the hosts that have something to do. declared: they and the valid ones that have not."""
        names = {host.hostname: host.circuit_name for host in declared}
        other_hosts = self._other_hosts(pending, names)
        names |= {host.hostname: host.circuit_name for host in other_hosts}
        circuit_name = self._circuit_name_function(names)
        undeclared = [circuit_name(other) for host in pending for other in _hosts.diverse_from(host.circuit)
                      if self._is_in_play(other) and other not in names]
        results: HostResults = {}
        runs = _hosts.rollout_runs(pending, circuit_name)
        # Tags without decommission keep the surplus circuits of overridden, too.
        overridden = self._options['state'] == 'overridden' and _hosts.DECOMMISSION in steps
        for option, applies in (('state', overridden), ('at_most_per_site', self._options['at_most_per_site'])):
            if applies and (text := _hosts.split_account_problem(runs)):
                raise InputError(option, text)
        for run in runs:
            if self._options['fail_fast'] and any(host_result.get('failed') for host_result in results.values()):
                results |= {host.hostname: _skipped_result(host, 'another host has failed') for host in pending
                            if host.hostname in run.hosts.values()}
                continue
            arguments = self._rollout_arguments(run, [step for step in steps if step != _hosts.DECOMMISSION])
            if overridden and not all(map(_hosts.is_absent, run.circuits)):
                arguments['state'] = 'overridden'
            others = _hosts.hosts_of_other_runs(run, (*declared, *other_hosts))
            orders = any(_may_order_port(host) for host in pending if host.hostname in run.hosts.values())
            arguments |= _of_other_runs(run, others, circuit_name, undeclared) | ({} if orders else {'other_artifacts_dirs': []})
            other_deletes = [host for host in others if host.state == 'absent' and self._is_in_play(host.hostname)]
            results |= self._run_rollout(run, arguments, pending, other_deletes)
        return results

    def _refuse_strategy(self, hosts: list[str]) -> None:
        strategy = str(self._task._parent._play.strategy).rpartition('.')[2]
        if len(hosts) > 1 and strategy in PER_HOST_STRATEGIES:
            raise InputError('hosts', f'with the strategy {strategy} each host would run this for all hosts. Use the strategy linear.')

    def _refuse_part_of_play(self, hosts: Iterable[str]) -> None:
        """Raises InputError for an option that is about all hosts of the play, if this is a run for some of them."""
        if self._options['state'] == 'overridden' and self._vars.get('ansible_limit'):
            raise InputError('state', 'overridden deletes each circuit that is not in this run. Run it without --limit.')
        in_batches = self._task._parent._play.serial not in ([], ['100%'])
        if not {*self._vars['ansible_play_hosts_all']} - {*hosts} or (self._options['hosts'] and not in_batches):
            return
        if self._wants_plan and self._options['hosts']:
            raise InputError('plan_file', 'each batch would overwrite the plan of the one before. Plan without provision_serial; the run '
                                          'with approved_plan may have it.')
        if self._options['at_most_per_site']:
            raise InputError('at_most_per_site', 'it counts the circuits of one run, and each host or batch of this play is a run of its '
                                                 'own. Use the playbook provision, without provision_serial.')
        if self._options['state'] == 'overridden':
            raise InputError('state', 'each host or batch of this play is a run of its own, and would delete the circuits of the others. '
                                      'Use the playbook rollout, without provision_serial.')

    def _stopped_by_invalid_host(self, results: HostResults) -> bool:
        """Whether an invalid host stops all: overridden would take its circuit for a surplus one."""
        failed = any(host_result.get('failed') for host_result in results.values())
        return failed and (self._options['fail_fast'] or self._options['state'] == 'overridden')

    def _user_tags(self) -> list[str]:
        """The tags that the user gave role, block or play; the task has some of its own."""
        tags = self._task._parent._get_parent_attribute('tags')
        return tags if isinstance(tags, list) else []  # an ad-hoc command has none

    # The plan for a change ticket.

    @property
    def _wants_plan(self) -> bool:
        return bool(self._options['plan_file'] and self._task.check_mode)

    def _written_plan(self, results: HostResults) -> dict[str, Any]:
        """{plan} of all runs of the task, once it is in its file."""
        if not self._wants_plan:
            return {}
        left_out = {host: str(result.get('msg', 'skipped')).removeprefix(f'{host}: ') for host, result in results.items()
                    if result.get('failed') or result.get('outcome') == 'skipped'}
        plan, path = _approval.plan_result(self._planned_circuits, left_out), self._options['plan_file']
        if path != _approval.STDOUT:
            write_file(_absolute(path), _approval.plan_text(plan).encode(), 'plan_file')
        return {'plan': {**plan, 'file': path}}

    def _shown_plan(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """Shows the plan, or where it is. Returns what hands its digest to the next job of a workflow."""
        plan = result.get('plan')
        if not plan:
            return {}
        self._show_lines(['', *_approval.plan_lines(plan)] if plan['file'] == _approval.STDOUT
                         else [f'Plan: {plan["file"]}', f'Digest: {plan["digest"]}'])
        return {'ansible_stats': {'data': {f'{PREFIX}approved_plan': plan['digest']}, 'per_host': False, 'aggregate': False}}

    # Variables.

    @property
    def _environment(self) -> dict[str, str]:
        environment: dict[str, str] = {}
        self._compute_environment_string(environment)
        return os.environ | environment

    def _connection_of_run(self) -> _hosts.Connection:
        return _hosts.connection_of_run(self._task.args, self._environment)

    def _conflicts_of_batches(self, names: Collection[str]) -> HostResults:
        """{host: its result} of the hosts of the play that contradict each other, if there is more than this batch: names.

        The first batch reads all hosts, the others what it has registered: each would take half a second for a thousand hosts. The role
        reads none, as each of its hosts would read all.
        """
        in_play, declared, of_run = self._vars['ansible_play_hosts_all'], [], self._connection_of_run()
        if not self._options['hosts'] or not {*in_play} - {*names}:
            return {}
        for registered in self._registered_by_this_task(in_play[0]) if in_play[0] not in names else ():
            if isinstance(registered, Mapping) and 'conflicts' in registered:
                return registered['conflicts']
        for host in in_play:
            with suppress(InputError):  # which its own batch reports
                declared.append(_hosts.declared_host(host, self._variables(host, _hosts.COMPARED), check=False, of_run=of_run))
        return _hosts.conflict_results(declared)

    def _registered_by_this_task(self, host: str) -> list[Any]:
        """The variables of a host in which an earlier batch has registered its result."""
        register = self._task.register or ()  # since ansible-core 2.21 a dict, {variable: expression}
        variables = self._raw_variables(host)
        return [variables.get(name) for name in ([register] if isinstance(register, str) else register)]

    def _declared_hosts(self, hosts: Iterable[str]) -> tuple[list[DeclaredHost], HostResults]:
        """What the hosts declare, and the results of those that are invalid, by themselves or beside each other."""
        declared, results, of_run = {}, {}, self._connection_of_run()
        for host in hosts:
            try:
                declared[host] = _hosts.declared_host(host, self._variables(host), of_run=of_run)
            except InputError as error:
                results[host] = _hosts.invalid_host_result(host, error)
        results |= _hosts.conflict_results(declared.values())
        return [declared_host for host, declared_host in declared.items() if host not in results], results

    def _variables(self, host: str, names: Container[str] | None = None) -> dict[str, Any]:
        """The variables of a host with our prefix, or these, templates resolved. Raises InputError for one that can't be resolved."""
        if host == self._vars['inventory_hostname']:
            raw, templar = self._vars, self._templar
        else:
            raw = self._raw_variables(host)
            templar = Templar(loader=self._loader, variables=raw)
        return {name: _templated(templar, name, raw[name]) for name in raw
                if (name.startswith(PREFIX) if names is None else name in names)}

    def _raw_variables(self, host: str) -> dict[str, Any]:
        """All variables that a task of the play would have on that host. hostvars lack those of the play."""
        hostvars = self._vars['hostvars']
        return hostvars._variable_manager.get_vars(
            play=self._task._parent._play, host=hostvars._inventory.get_host(host), task=self._task,
            _hosts=self._vars['ansible_play_hosts'], _hosts_all=self._vars['ansible_play_hosts_all'])

    def _circuit_name_function(self, known: Mapping[str, str]):
        """The function that returns the circuit of an entry of diverse_from, which may be a host."""
        def circuit_name(other: str) -> str:
            if other in known or other not in self._vars['groups']['all']:
                return known.get(other, other)
            raw = self._raw_variables(other)
            name = raw.get(f'{PREFIX}name')
            return _templated(Templar(loader=self._loader, variables=raw), f'{PREFIX}name', name) or other
        return circuit_name

    def _is_in_play(self, host: str) -> bool:
        return host in self._vars['ansible_play_hosts_all']

    def _other_hosts(self, pending: Iterable[DeclaredHost], names: Mapping[str, str]) -> list[DeclaredHost]:
        """What other hosts declare, if it matters: to count all deletes, and for diversity, also those that --limit left out."""
        unknown = {other for host in pending for other in _hosts.diverse_from(host.circuit)} - names.keys() - {*names.values()}
        if all(map(self._is_in_play, unknown)) and not any(host.state == 'absent' or _may_order_port(host) for host in pending):
            return []
        patterns = [self._task._parent._play.hosts, *(['circuits'] if 'circuits' in self._vars['groups'] else [])]
        inventory = self._vars['hostvars']._inventory
        hosts = [host.name for pattern in patterns for host in inventory.get_hosts(pattern, ignore_limits=True, ignore_restrictions=True)]
        return self._declared_hosts(name for name in dict.fromkeys([*self._vars['ansible_play_hosts_all'], *hosts]) if name not in names)[0]

    # Runs.

    def _run_rollout(self, run: RolloutRun, arguments: dict[str, Any], pending: Iterable[DeclaredHost],
                     other_deletes: list[DeclaredHost]) -> HostResults:
        """The results of the hosts of one run. other_deletes: other hosts of the play that delete their circuits."""
        names = set(run.hosts.values())
        result = self._refused_for_all_hosts(run, arguments, other_deletes) or self.run_module(rollout, arguments, self._vars)
        show_warnings(result, partial(_with_variable_names, circuits=run.hosts))
        self._account_diff += _hosts.account_diff(result)
        self._planned_circuits += result.get('plan', {}).get('circuits', ())
        variables = self._run_variables | _hosts.connection_sources(self._task.args, self._environment)
        results = _hosts.host_results([host for host in pending if host.hostname in names], result, variables)
        first, *others = results
        if 'circuits' not in result:  # all failed for one reason, which is shown once
            results |= {name: {**results[name], 'msg': f'{name}: not started, for the same reason as {first}.'} for name in others}
        elif result.get('failed') and not any(host_result.get('failed') for host_result in results.values()):
            results[first] |= {'failed': True, 'outcome': 'failed', 'msg': f'{first}: {result["msg"]}'}
        return results

    def _refused_for_all_hosts(self, run: RolloutRun, arguments: dict[str, Any], other_deletes: list[DeclaredHost]) -> dict[str, Any]:
        """The result of a run with all deletes of the play, if that is refused: hosts one by one would delete one each.

        The first of these hosts lists all deletes, the others name it.
        """
        own_deletes = [*filter(_hosts.is_absent, arguments['circuits'])]
        if not (other_deletes and own_deletes):
            return {}
        before, self._task.check_mode = self._task.check_mode, True
        try:
            deletes = [*own_deletes, *(host.circuit for host in other_deletes)]
            result = self.run_module(rollout, {**arguments, 'state': 'merged', 'circuits': deletes}, self._vars)
        finally:
            self._task.check_mode = before
        others, own = ({host.hostname for host in other_deletes}, {run.hosts[circuit['name']] for circuit in own_deletes})
        first = next(host for host in self._vars['ansible_play_hosts_all'] if host in others | own)
        if result.get('error', {}).get('option') == 'max_deletes' and first in others:
            result['msg'] = f'max_deletes: for the same reason as {first}. Nothing was written.'
        return {} if 'circuits' in result else result

    def _rollout_arguments(self, run: RolloutRun, steps: list[str]) -> dict[str, Any]:
        """The arguments of rollout."""
        task_arguments = {name: self._options[name] for name in (*CONNECTION_OPTIONS, *rollout.ARGUMENT_SPEC) if name in self._task.args
                          and name != 'steps'}
        account = {name: None for name in ('api_token', 'api_key', 'api_email') if {'api_token', 'api_key'} & {*run.account}}
        options = {**run.options, **{name: _absolute(run.options[name]) for name in ('artifacts_dir', 'handover_template')}}
        if self._options['plan_file']:
            options['plan_file'] = _approval.STDOUT  # the plan of all runs is written here
        if self._options['approved_plan']:
            options['approved_plan'] = _located_plan(self._options['approved_plan'])
        arguments = {**task_arguments, **account, **run.account, **options, 'state': 'merged', 'steps': steps, 'circuits': run.circuits}
        return {name: value for name, value in arguments.items() if value is not None}

    def _show_lines(self, lines: Iterable[str]) -> None:
        for line in lines if not self._task.no_log else ():
            display.display(line)


def _of_other_runs(run: RolloutRun, others: Iterable[DeclaredHost], circuit_name: Callable[[str], str],
                   undeclared: Iterable[str]) -> dict[str, Any]:
    """The arguments of rollout on the circuits of other runs. undeclared: circuits of which nothing else is known."""
    diversity = {host.circuit_name: _hosts.diverse_from(_hosts.with_circuit_names(host.circuit, circuit_name))
                 for host in others if host.state == 'present'}
    return {
        'later': [name for name in dict.fromkeys([*diversity, *undeclared]) if name not in run.hosts],
        'diversity': [{'name': name, 'diverse_from': avoided} for name, avoided in diversity.items() if {*avoided} & {*run.hosts}],
        'other_artifacts_dirs': [*dict.fromkeys(_absolute(host.run['artifacts_dir']) for host in others)],
    }


def _may_order_port(host: DeclaredHost) -> bool:
    """Whether a port may be chosen for the host, which others have to be diverse from: a circuit on record has one that is kept."""
    file = _files.file_path(_absolute(host.run['artifacts_dir']), host.circuit_name)
    is_kept = os.path.exists(file) and host.circuit.get('on_immutable') != 'replace'
    return host.state == 'present' and bool(host.circuit.get('slot')) and not is_kept


def _templated(templar: Templar, name: str, value: Any) -> Any:
    if name not in _hosts.KNOWN_VARIABLES[PREFIX]:
        return value
    try:
        return templar.template(value)
    except AnsibleError as error:
        raise InputError(name, str(error)) from None


def _absolute(path: str | None) -> str | None:
    """The path as seen from where ansible-playbook was started: a module may run in another folder."""
    return path and os.path.realpath(os.path.expanduser(path))


def _located_plan(value: str) -> str:
    """A digest, or the path of a plan as seen from where ansible-playbook was started."""
    return value if _approval.is_digest(value) else _absolute(value)


def _with_variable_names(text: str, circuits: Iterable[str]) -> str:
    """A warning, with the variable in place of the option if it is about an option of one of the circuits."""
    circuit = next((name for name in circuits if text.startswith(f'{name}: ')), '')
    problem = text.removeprefix(f'{circuit}: ')
    options = problem.partition(': ')[0]
    if not circuit or not {re.match(r'\w*', option)[0] for option in options.split(', ')} <= _hosts.HOST_VARIABLES.keys():
        return text
    return f'{circuit}: ' + _hosts.with_variable_names({'msg': problem, 'error': {'option': options}}, _hosts.HOST_VARIABLES)['msg']


def _idle_reason(host: DeclaredHost, steps: list[str]) -> str:
    """Why a host has nothing to do; empty if it has."""
    if host.state == SPARE:
        return f'a spare port: {PREFIX}state=present creates a circuit on it, {PREFIX}state=absent deletes it'
    needed = {_hosts.DECOMMISSION} if host.state == 'absent' else {*_hosts.STEPS}
    return '' if needed & {*steps} else 'the tags select no step'


def _skipped_result(host: DeclaredHost, reason: str) -> dict[str, Any]:
    return {'name': host.circuit_name, 'changed': False, 'skipped': True, 'outcome': 'skipped', 'skip_reason': reason, 'msg': reason}


def _registered_result(results: HostResults, host: str) -> dict[str, Any]:
    if host not in results:
        raise InputError('result_of', f'{host} was not a host of that task.')
    return results[host]
