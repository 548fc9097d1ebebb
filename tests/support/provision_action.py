# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin provision in this process, without ansible-playbook: hosts in the runs that Ansible makes, on the simulated API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from properties.inprocess import Api

from ansible_collections.netops.cloudflare_cni.plugins.action.provision import ActionModule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS, Task
from ansible_collections.netops.cloudflare_cni.plugins.modules import rollout

LOADER = DataLoader()
REGISTER = 'circuits_run'


@dataclass
class Play:
    """A play over hosts, {name: variables}. accounts: the simulated API of each account ID; options: of the task; tags: of the run."""

    accounts: Mapping[str, Api]
    hosts: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ('all',)
    check: bool = False
    registered: dict[str, dict[str, Any]] = field(default_factory=dict)  # by host
    read: list[str] = field(default_factory=list)  # the hosts whose variables were read, once more for each time

    def playbook(self, limit: Iterable[str] = (), serial: int = 0) -> dict[str, dict[str, Any]]:
        """{host: its result}, as the playbooks have it: one task for each batch. A batch of which no host is left ends the play."""
        in_play = [*limit] or [*self.hosts]
        results: dict[str, dict[str, Any]] = {}
        self.registered.clear()
        for first in range(0, len(in_play), serial or len(in_play)):
            batch = in_play[first:first + (serial or len(in_play))]
            result = self._task(batch[0], in_play, serial, hosts=batch)
            self.registered.update({host: {REGISTER: result} for host in batch})
            results |= result.get('hosts') or dict.fromkeys(batch, result)
            if all(results[host].get('failed') for host in batch):
                break
        return results

    def role(self) -> dict[str, dict[str, Any]]:
        """{host: its result}, as the role has it: a task for each host, one after the other."""
        return {host: self._task(host, [*self.hosts], 0) for host in self.hosts}

    def _task(self, host: str, in_play: list[str], serial: int, **options: Any) -> dict[str, Any]:
        play = SimpleNamespace(strategy='linear', serial=[serial] if serial else [], hosts='circuits')
        parent = SimpleNamespace(_play=play, _get_parent_attribute=lambda name: [])
        task = SimpleNamespace(args={'concurrency': 1, **self.options, **options}, check_mode=self.check, environment=None, no_log=True,
                               _parent=parent, register=REGISTER, async_val=0, diff=False, get_path=lambda: 'site.yml:1')
        inventory = SimpleNamespace(get_hosts=lambda pattern, **_how: [SimpleNamespace(name=name) for name in self.hosts])
        variables = {**self.hosts[host], 'inventory_hostname': host, 'ansible_play_hosts_all': in_play, 'ansible_run_tags': [*self.tags],
                     'ansible_skip_tags': [], 'groups': {'all': [*self.hosts]}, 'hostvars': SimpleNamespace(_inventory=inventory),
                     **({'ansible_limit': ','.join(in_play)} if len(in_play) < len(self.hosts) else {})}
        connection = SimpleNamespace(_shell=SimpleNamespace(env_prefix=lambda **_environment: '', tmpdir=None))
        play_context = SimpleNamespace(check_mode=self.check)
        return _ProvisionAction(self, task, connection, play_context, LOADER, Templar(LOADER, variables={})).run(None, variables)


class _ProvisionAction(ActionModule):
    """The action plugin, with the inventory and the API of a Play."""

    def __init__(self, play: Play, *parts: Any) -> None:
        super().__init__(*parts, None)
        self._inputs = play

    def _raw_variables(self, host: str) -> Mapping[str, Any]:
        self._inputs.read.append(host)
        return {**self._inputs.hosts[host], **self._inputs.registered.get(host, {})}

    def run_module(self, module: Any, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        checked = ArgumentSpecValidator({**CONNECTION_OPTIONS, **rollout.ARGUMENT_SPEC}).validate(arguments)
        assert (module, checked.error_messages) == (rollout, [])
        params = checked.validated_parameters
        work = Task(params, self._inputs.accounts[params['account_id']].client(),
                    SimpleNamespace(check_mode=self._task.check_mode, warn=lambda text: None))
        try:
            return rollout_work(work)
        except CniError as error:
            return {'failed': True, **error.result()}
