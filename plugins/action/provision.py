# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the inventory as circuits: reads their variables, runs rollout once for each account, and gives each host its own result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar
from ansible.utils.display import Display

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _files, _handover
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, SPARE, drop_empty
from ansible_collections.netops.cloudflare_cni.plugins.modules import provision, rollout
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import DeclaredHost, RolloutRun
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess

PER_HOST_STRATEGIES = ('free', 'host_pinned')  # strategies that run a task for each host, also one that is meant for all of them
HostResults = dict[str, dict[str, Any]]

display = Display()
_handover.compiled_sheet()  # once, before the fork


class ActionModule(InProcess):
    module = provision

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One host's result, that of all hosts, what a task for all hosts has found of this one, or a table of it."""
        result, self._vars = ActionBase.run(self, tmp, task_vars), task_vars or {}
        self._task.args = drop_empty(dict(self._task.args))
        try:
            return {**result, **self._requested()}
        except InputError as error:
            return {**result, 'failed': True, 'changed': False, **error.result()}

    def _requested(self) -> dict[str, Any]:
        if self._task.args.get('result_of'):
            return _registered_result(self._registered('result_of'), self._vars['inventory_hostname'])
        if self._task.args.get('table_of'):
            self._show_lines(_hosts.result_table(self._registered('table_of').values()))
            return {'changed': False}
        self._options, self._account_diff = self.validate_argument_spec(provision.ARGUMENT_SPEC)[1], []
        if self._options['hosts'] is None:
            return self._own_result()
        results = self._host_results(self._options['hosts'])
        # What has changed of a circuit is in the result of its host, and not here too.
        return {'changed': bool(self._account_diff), 'diff': self._account_diff, 'hosts': results}

    def _registered(self, option: str) -> HostResults:
        """What another task has found of all hosts, as it is: templates resolved for each host would take long."""
        name = self._task.args[option]
        known = self._vars.get(name)
        hosts = known.get('hosts') if isinstance(known, Mapping) else None
        if not isinstance(hosts, Mapping):
            raise InputError(option, f'{name} holds no result of all hosts: the task that registers it comes first, in each run.')
        return hosts

    def _own_result(self) -> dict[str, Any]:
        host = self._vars['inventory_hostname']
        result = self._host_results([host])[host]
        if result.get('skipped'):
            return result
        self._show_lines(_hosts.result_table([result])[1:2])
        return {**result, 'changed': result['changed'] or bool(self._account_diff), 'diff': [*self._account_diff, *result.get('diff', ())]}

    def _host_results(self, names: Iterable[str]) -> HostResults:
        """{host: what became of it}."""
        names = list(names)
        self._refuse_strategy(names)
        declared, results = self._declared_hosts(names)
        steps = _hosts.selected_steps(self._vars.get('ansible_run_tags', ['all']), self._vars.get('ansible_skip_tags', []),
                                      self._user_tags())
        steps = [step for step in steps if step in (self._options['steps'] or (*_hosts.STEPS, _hosts.DECOMMISSION))]
        for host in declared:
            if reason := _idle_reason(host, steps):
                results[host.host] = _skipped_result(host, reason)
        pending = [host for host in declared if host.host not in results]
        if self._stopped_by_invalid_host(results):
            results |= {host.host: _skipped_result(host, 'another host is wrong') for host in pending}
        elif pending:
            results |= self._rolled_out(pending, steps, {host.host: host.name for host in declared})
        return {name: results[name] for name in names}

    def _rolled_out(self, pending: list[DeclaredHost], steps: list[str], names: Mapping[str, str]) -> HostResults:
        """What became of the hosts for which there is something to do. names: {host: circuit} of all that are declared."""
        # Tags that leave out deleting do so for what overridden finds, too.
        state = self._options['state'] if _hosts.DECOMMISSION in steps else 'merged'
        other_hosts = self._other_hosts_of_play(pending, names)
        circuit_name = self._circuit_name_function(names | {host.host: host.name for host in other_hosts})
        others = {host.name: _hosts.diverse_from(_hosts.with_circuit_names(host.circuit, circuit_name)) for host in other_hosts
                  if host.state == 'present'}
        later = [circuit_name(other) for host in pending for other in _hosts.diverse_from(host.circuit) if self._is_in_play(other)]
        results: HostResults = {}
        for run in _hosts.rollout_runs(pending, state, circuit_name):
            if self._options['fail_fast'] and any(host_result.get('failed') for host_result in results.values()):
                results |= {host.host: _skipped_result(host, 'another host has failed') for host in pending
                            if host.host in run.hosts.values()}
                continue
            circuits = [_hosts.with_mutual_diversity(circuit, others) for circuit in run.circuits]
            arguments = self._rollout_arguments(run._replace(circuits=circuits), [step for step in steps if step != _hosts.DECOMMISSION])
            if run.state != 'deleted':
                arguments['later'] = [name for name in dict.fromkeys([*others, *later]) if name not in run.hosts]
            other_deletes = [host.circuit for host in other_hosts if host.state == 'absent' and host.account == run.account
                             and run.state == 'deleted']
            results |= self._run_rollout(run, arguments, pending, other_deletes)
        return results

    def _refuse_strategy(self, hosts: list[str]) -> None:
        strategy = str(self._task._parent._play.strategy).rpartition('.')[2]
        if len(hosts) > 1 and strategy in PER_HOST_STRATEGIES:
            raise InputError('hosts', f'with the strategy {strategy} each host would do this for all. Take the strategy linear.')

    def _stopped_by_invalid_host(self, results: HostResults) -> bool:
        """Whether nothing may begin as a host is wrong: overridden would take its circuit for one that nobody wants."""
        failed = any(host_result.get('failed') for host_result in results.values())
        return failed and (self._options['fail_fast'] or self._options['state'] == 'overridden')

    def _user_tags(self) -> list[str]:
        """The tags that the user gave role, block or play; the task has some of its own."""
        tags = self._task._parent._get_parent_attribute('tags')
        return tags if isinstance(tags, list) else []  # a command by itself has none

    # Variables.

    def _declared_hosts(self, hosts: Iterable[str]) -> tuple[list[DeclaredHost], HostResults]:
        """What the hosts declare, and what to say of those that can't be."""
        declared, results = {}, {}
        for host in hosts:
            try:
                declared[host] = _hosts.declared_host(host, self._variables(host))
            except InputError as error:
                results[host] = _hosts.invalid_host_result(host, error)
        for check in (_hosts.duplicate_errors, _hosts.asn_conflicts):
            errors = check(declared.values())
            results |= {host: _hosts.invalid_host_result(host, error) for host, error in errors.items()}
            declared = {host: declared_host for host, declared_host in declared.items() if host not in errors}
        return list(declared.values()), results

    def _variables(self, host: str) -> dict[str, Any]:
        """The variables of a host whose names begin as ours, templates resolved. Raises InputError for one that can't be resolved."""
        if host == self._vars['inventory_hostname']:
            raw, templar = self._vars, self._templar
        else:
            raw = self._raw_variables(host)
            templar = Templar(loader=self._loader, variables=raw)
        return {name: _templated(templar, name, raw[name]) for name in raw if name.startswith(PREFIX)}

    def _raw_variables(self, host: str) -> dict[str, Any]:
        """All variables that a task of the play would have on that host. hostvars lack those of the play."""
        hostvars = self._vars['hostvars']
        return hostvars._variable_manager.get_vars(
            play=self._task._parent._play, host=hostvars._inventory.get_host(host), task=self._task,
            _hosts=self._vars['ansible_play_hosts'], _hosts_all=self._vars['ansible_play_hosts_all'])

    def _circuit_name_function(self, known: Mapping[str, str]):
        """A function that makes the name of a circuit of one in diverse_from, which may be a host."""
        def circuit_name(other: str) -> str:
            if other in known or other not in self._vars['groups']['all']:
                return known.get(other, other)
            raw = self._raw_variables(other)
            name = raw.get(f'{PREFIX}name')
            return _templated(Templar(loader=self._loader, variables=raw), f'{PREFIX}name', name) or other
        return circuit_name

    def _is_in_play(self, host: str) -> bool:
        return host in self._vars['ansible_play_hosts_all']

    def _other_hosts_of_play(self, pending: Iterable[DeclaredHost], names: Mapping[str, str]) -> list[DeclaredHost]:
        """What the other hosts of the play declare, if that is looked at: to keep away from one, or to count what goes in all."""
        if not any(host.state == 'absent' or _may_order_port(host) for host in pending):
            return []
        return self._declared_hosts(name for name in self._vars['ansible_play_hosts_all'] if name not in names)[0]

    # Runs.

    def _run_rollout(self, run: RolloutRun, arguments: dict[str, Any], pending: Iterable[DeclaredHost],
                     other_deletes: list[dict[str, Any]]) -> HostResults:
        """What became of the hosts of one run. other_deletes: circuits that other hosts of the play delete."""
        names = set(run.hosts.values())
        result = self._refused_for_all_hosts(arguments, other_deletes) or self.run_module(rollout, arguments, self._vars)
        for text in result.get('warnings', ()):
            display.warning(text if isinstance(text, str) else text.event.msg)  # an object since ansible-core 2.19
        self._account_diff += _hosts.account_diff(result)
        results = _hosts.host_results([host for host in pending if host.host in names], result)
        first, *others = results
        if 'circuits' not in result:  # all for one reason, which is shown once
            results |= {name: {**results[name], 'msg': f'{name}: not begun, as {first} was not.'} for name in others}
        elif result.get('failed') and not any(host_result.get('failed') for host_result in results.values()):
            results[first] |= {'failed': True, 'outcome': 'failed', 'msg': f'{first}: {result["msg"]}'}
        return results

    def _refused_for_all_hosts(self, arguments: dict[str, Any], other_deletes: list[dict[str, Any]]) -> dict[str, Any]:
        """The result of a run that would delete all that the play does, if that is refused: hosts one by one would delete one each."""
        if not other_deletes:
            return {}
        before, self._task.check_mode = self._task.check_mode, True
        try:
            result = self.run_module(rollout, {**arguments, 'circuits': [*arguments['circuits'], *other_deletes]}, self._vars)
        finally:
            self._task.check_mode = before
        return {} if 'circuits' in result else result

    def _rollout_arguments(self, run: RolloutRun, steps: list[str]) -> dict[str, Any]:
        """The arguments of rollout."""
        given = {name: self._options[name] for name in (*CONNECTION_OPTIONS, *rollout.ARGUMENT_SPEC) if name in self._task.args
                 and name != 'steps'}
        account = {name: None for name in ('api_token', 'api_key', 'api_email') if {'api_token', 'api_key'} & {*run.account}}
        options = {**run.options, **{name: _absolute(run.options[name]) for name in ('artifacts_dir', 'handover_template')}}
        if run.state != 'deleted':
            options['steps'] = steps
        arguments = {**given, **account, **run.account, **options, 'state': run.state, 'circuits': run.circuits}
        return {name: value for name, value in arguments.items() if value is not None}

    def _show_lines(self, lines: Iterable[str]) -> None:
        for line in lines if not self._task.no_log else ():
            display.display(line)


def _may_order_port(host: DeclaredHost) -> bool:
    """Whether a port may be ordered that others have to lie apart from: what is on record has one."""
    file = _files.file_path(_absolute(host.run['artifacts_dir']), host.name)
    return host.state == 'present' and bool(host.circuit.get('slot')) and not os.path.exists(file)


def _templated(templar: Templar, name: str, value: Any) -> Any:
    if name not in _hosts.KNOWN_VARIABLES[PREFIX]:
        return value
    try:
        return templar.template(value)
    except AnsibleError as error:
        raise InputError(name, str(error)) from None


def _absolute(path: str | None) -> str | None:
    """The path as ansible-playbook was started with it: a module may run in another folder."""
    return path and os.path.realpath(os.path.expanduser(path))


def _idle_reason(host: DeclaredHost, steps: list[str]) -> str:
    """Why there is nothing to do for a host; empty if there is."""
    if host.state == SPARE:
        return f'a spare port: {PREFIX}state=present makes a circuit on it, {PREFIX}state=absent deletes it'
    needed = {_hosts.DECOMMISSION} if host.state == 'absent' else {*_hosts.STEPS}
    return '' if needed & {*steps} else 'the tags choose no step'


def _skipped_result(host: DeclaredHost, reason: str) -> dict[str, Any]:
    return {'name': host.name, 'changed': False, 'skipped': True, 'outcome': 'skipped', 'skip_reason': reason}


def _registered_result(results: HostResults, host: str) -> dict[str, Any]:
    if host not in results:
        raise InputError('result_of', f'{host} was not among the hosts of that task.')
    return results[host]
