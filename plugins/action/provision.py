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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION, said
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, SPARE
from ansible_collections.netops.cloudflare_cni.plugins.modules import provision, rollout
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._hosts import Declared, Rollout
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._in_process import InProcess

ALONE = ('free', 'host_pinned')  # strategies that run a task for each host, also one that is meant for all of them
Rows = dict[str, dict[str, Any]]

display = Display()
_handover.compiled_sheet()  # once, before the fork


class ActionModule(InProcess):
    module = provision

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """One host's result, that of all hosts, what a task for all hosts has found of this one, or a table of it."""
        result, self._vars = ActionBase.run(self, tmp, task_vars), task_vars or {}
        self._task.args = said(dict(self._task.args))
        try:
            return {**result, **self._asked()}
        except InputError as error:
            return {**result, 'failed': True, 'changed': False, **error.result()}

    def _asked(self) -> dict[str, Any]:
        if self._task.args.get('result_of'):
            return _found(self._registered('result_of'), self._vars['inventory_hostname'])
        if self._task.args.get('table_of'):
            self._show(_hosts.table(self._registered('table_of').values()))
            return {'changed': False}
        self._options, self._of_account = self.validate_argument_spec(provision.ARGUMENT_SPEC)[1], []
        if self._options['hosts'] is None:
            return self._alone()
        rows = self._many(self._options['hosts'])
        # What has changed of a circuit is in the result of its host, and not here too.
        return {'changed': bool(self._of_account), 'diff': self._of_account, 'hosts': rows}

    def _registered(self, option: str) -> Rows:
        """What another task has found of all hosts, as it is: templates resolved for each host would take long."""
        name = self._task.args[option]
        known = self._vars.get(name)
        hosts = known.get('hosts') if isinstance(known, Mapping) else None
        if not isinstance(hosts, Mapping):
            raise InputError(option, f'{name} holds no result of all hosts: the task that registers it comes first, in each run.')
        return hosts

    def _alone(self) -> dict[str, Any]:
        host = self._vars['inventory_hostname']
        row = self._many([host])[host]
        if row.get('skipped'):
            return row
        self._show(_hosts.table([row])[1:2])
        return {**row, 'changed': row['changed'] or bool(self._of_account), 'diff': [*self._of_account, *row.get('diff', ())]}

    def _many(self, hosts: Iterable[str]) -> Rows:
        """{host: what became of it}."""
        hosts = list(hosts)
        self._refuse_strategy(hosts)
        declared, rows = self._declared(hosts)
        chosen = _hosts.steps(self._vars.get('ansible_run_tags', ['all']), self._vars.get('ansible_skip_tags', []), self._own_tags())
        chosen = [step for step in chosen if step in (self._options['steps'] or (*_hosts.STEPS, _hosts.DECOMMISSION))]
        for one in declared:
            if why := _idle(one, chosen):
                rows[one.host] = _not_begun(one, why)
        todo = [one for one in declared if one.host not in rows]
        if self._stops(rows):
            rows |= {one.host: _not_begun(one, 'another host is wrong') for one in todo}
        elif todo:
            rows |= self._brought_about(todo, chosen, {one.host: one.name for one in declared})
        return {host: rows[host] for host in hosts}

    def _brought_about(self, todo: list[Declared], chosen: list[str], names: Mapping[str, str]) -> Rows:
        """What became of the hosts for which there is something to do. names: {host: circuit} of all that are declared."""
        # Tags that leave out deleting do so for what overridden finds, too.
        state = self._options['state'] if _hosts.DECOMMISSION in chosen else 'merged'
        beside = self._beside(todo, names)
        name_of = self._name_of(names | {one.host: one.name for one in beside})
        others = {one.name: _hosts.apart_from(_hosts.keep_away(one.circuit, name_of)) for one in beside if one.state == 'present'}
        later = [name_of(other) for one in todo for other in _hosts.apart_from(one.circuit) if self._plays(other)]
        rows: Rows = {}
        for run in _hosts.rollouts(todo, state, name_of):
            if self._options['fail_fast'] and any(row.get('failed') for row in rows.values()):
                rows |= {one.host: _not_begun(one, 'another host has failed') for one in todo if one.host in run.hosts.values()}
                continue
            circuits = [_hosts.keep_away_too(circuit, others) for circuit in run.circuits]
            arguments = self._arguments(run._replace(circuits=circuits), [step for step in chosen if step != _hosts.DECOMMISSION])
            if run.state != 'deleted':
                arguments['later'] = [name for name in dict.fromkeys([*others, *later]) if name not in run.hosts]
            going = [one.circuit for one in beside if one.state == 'absent' and one.account == run.account and run.state == 'deleted']
            rows |= self._run(run, arguments, todo, going)
        return rows

    def _refuse_strategy(self, hosts: list[str]) -> None:
        strategy = str(self._task._parent._play.strategy).rpartition('.')[2]
        if len(hosts) > 1 and strategy in ALONE:
            raise InputError('hosts', f'with the strategy {strategy} each host would do this for all. Take the strategy linear.')

    def _stops(self, rows: Rows) -> bool:
        """Whether nothing may begin as a host is wrong: overridden would take its circuit for one that nobody wants."""
        return any(row.get('failed') for row in rows.values()) and (self._options['fail_fast'] or self._options['state'] == 'overridden')

    def _own_tags(self) -> list[str]:
        """The tags that the user gave role, block or play; the task has some of its own."""
        tags = self._task._parent._get_parent_attribute('tags')
        return tags if isinstance(tags, list) else []  # a command by itself has none

    # Variables.

    def _declared(self, hosts: Iterable[str]) -> tuple[list[Declared], Rows]:
        """What the hosts declare, and what to say of those that can't be."""
        declared, rows = {}, {}
        for host in hosts:
            try:
                declared[host] = _hosts.declare(host, self._variables(host))
            except InputError as error:
                rows[host] = _hosts.refused(host, error)
        for check in (_hosts.twice, _hosts.disagreeing):
            wrong = check(declared.values())
            rows |= {host: _hosts.refused(host, error) for host, error in wrong.items()}
            declared = {host: one for host, one in declared.items() if host not in wrong}
        return list(declared.values()), rows

    def _variables(self, host: str) -> dict[str, Any]:
        """The variables of a host whose names begin as ours, templates resolved. Raises InputError for one that can't be resolved."""
        if host == self._vars['inventory_hostname']:
            raw, templar = self._vars, self._templar
        else:
            raw = self._raw(host)
            templar = Templar(loader=self._loader, variables=raw)
        return {name: _resolved(templar, name, raw[name]) for name in raw if name.startswith(PREFIX)}

    def _raw(self, host: str) -> dict[str, Any]:
        """All variables that a task of the play would have on that host. hostvars lack those of the play."""
        hostvars = self._vars['hostvars']
        return hostvars._variable_manager.get_vars(
            play=self._task._parent._play, host=hostvars._inventory.get_host(host), task=self._task,
            _hosts=self._vars['ansible_play_hosts'], _hosts_all=self._vars['ansible_play_hosts_all'])

    def _name_of(self, known: Mapping[str, str]):
        """A function that makes the name of a circuit of one in diverse_from, which may be a host."""
        def name_of(other: str) -> str:
            if other in known or other not in self._vars['groups']['all']:
                return known.get(other, other)
            raw = self._raw(other)
            name = raw.get(f'{PREFIX}name')
            return _resolved(Templar(loader=self._loader, variables=raw), f'{PREFIX}name', name) or other
        return name_of

    def _plays(self, host: str) -> bool:
        return host in self._vars['ansible_play_hosts_all']

    def _beside(self, todo: Iterable[Declared], names: Mapping[str, str]) -> list[Declared]:
        """What the other hosts of the play declare, if that is looked at: to keep away from one, or to count what goes in all."""
        if not any(one.state == 'absent' or _needs_port(one) for one in todo):
            return []
        return self._declared(host for host in self._vars['ansible_play_hosts_all'] if host not in names)[0]

    # Runs.

    def _run(self, run: Rollout, arguments: dict[str, Any], todo: Iterable[Declared], going: list[dict[str, Any]]) -> Rows:
        """What became of the hosts of one run. going: circuits that other hosts of the play delete."""
        mine = set(run.hosts.values())
        result = self._refused_in_all(arguments, going) or self.run_module(rollout, arguments, self._vars)
        for text in result.get('warnings', ()):
            display.warning(text if isinstance(text, str) else text.event.msg)  # an object since ansible-core 2.19
        self._of_account += _hosts.of_account(result)
        rows = _hosts.rows([one for one in todo if one.host in mine], result)
        first, *others = rows
        if 'circuits' not in result:  # all for one reason, which is shown once
            rows |= {host: {**rows[host], 'msg': f'{host}: not begun, as {first} was not.'} for host in others}
        elif result.get('failed') and not any(row.get('failed') for row in rows.values()):
            rows[first] |= {'failed': True, 'outcome': 'failed', 'msg': f'{first}: {result["msg"]}'}
        return rows

    def _refused_in_all(self, arguments: dict[str, Any], going: list[dict[str, Any]]) -> dict[str, Any]:
        """The result of a run that would delete all that the play does, if that is refused: hosts one by one would delete one each."""
        if not going:
            return {}
        before, self._task.check_mode = self._task.check_mode, True
        try:
            result = self.run_module(rollout, {**arguments, 'circuits': [*arguments['circuits'], *going]}, self._vars)
        finally:
            self._task.check_mode = before
        return {} if 'circuits' in result else result

    def _arguments(self, run: Rollout, steps: list[str]) -> dict[str, Any]:
        """The arguments of rollout."""
        given = {name: self._options[name] for name in (*CONNECTION, *rollout.ARGUMENT_SPEC) if name in self._task.args and name != 'steps'}
        account = {name: None for name in ('api_token', 'api_key', 'api_email') if {'api_token', 'api_key'} & {*run.account}}
        options = {**run.options, **{name: _absolute(run.options[name]) for name in ('artifacts_dir', 'handover_template')}}
        if run.state != 'deleted':
            options['steps'] = steps
        arguments = {**given, **account, **run.account, **options, 'state': run.state, 'circuits': run.circuits}
        return {name: value for name, value in arguments.items() if value is not None}

    def _show(self, lines: Iterable[str]) -> None:
        for line in lines if not self._task.no_log else ():
            display.display(line)


def _needs_port(declared: Declared) -> bool:
    """Whether a port may be ordered that others have to lie apart from: what is on record has one."""
    file = _files.file_path(_absolute(declared.run['artifacts_dir']), declared.name)
    return declared.state == 'present' and bool(declared.circuit.get('slot')) and not os.path.exists(file)


def _resolved(templar: Templar, name: str, value: Any) -> Any:
    if name not in _hosts.KNOWN[PREFIX]:
        return value
    try:
        return templar.template(value)
    except AnsibleError as error:
        raise InputError(name, str(error)) from None


def _absolute(path: str | None) -> str | None:
    """The path as ansible-playbook was started with it: a module may run in another folder."""
    return path and os.path.realpath(os.path.expanduser(path))


def _idle(declared: Declared, chosen: list[str]) -> str:
    """Why there is nothing to do for a host; empty if there is."""
    if declared.state == SPARE:
        return f'a spare port: {PREFIX}state=present makes a circuit on it, {PREFIX}state=absent deletes it'
    steps = {_hosts.DECOMMISSION} if declared.state == 'absent' else {*_hosts.STEPS}
    return '' if steps & {*chosen} else 'the tags choose no step'


def _not_begun(declared: Declared, why: str) -> dict[str, Any]:
    return {'name': declared.name, 'changed': False, 'skipped': True, 'outcome': 'skipped', 'skip_reason': why}


def _found(rows: Rows, host: str) -> dict[str, Any]:
    if host not in rows:
        raise InputError('result_of', f'{host} was not among the hosts of that task.')
    return rows[host]
