#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_history_info
short_description: Read which alerts were sent
version_added: 1.1.0
description:
  - Returns the alerts that Cloudflare sent, the newest first. It keeps them for 90 days on Enterprise plans.
  - An alert that was sent to several destinations is in the history once for each.
options:
  since:
    description:
      - Only alerts newer than this, a timestamp such as V(2026-11-02T09:30:00Z) or a day.
    type: str
  before:
    description:
      - Only alerts older than this.
    type: str
  alert_type:
    description:
      - Only alerts of this type.
    type: str
  policy:
    description:
      - Only alerts of the policy with this name or id. An alert keeps the name that its policy had.
    type: str
  conduit_name:
    description:
      - Only alerts whose text names this circuit, its interconnect, or its tunnel by its name or id. Cloudflare documents that alerts of
        tunnels name these two.
      - An alert has no field that says what it is about. One that names only a data centre, as those of maintenance may, is not found.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read what was alerted in the last week
  netops.cloudflare_cni.alert_history_info:
    since: "{{ '%Y-%m-%d' | ansible.builtin.strftime(now().timestamp() - 7 * 86400) }}"
  register: history

- name: Show it
  ansible.builtin.debug:
    msg: "{{ history.alerts | map(attribute='alert_body') }}"

- name: Read the alerts about a circuit
  netops.cloudflare_cni.alert_history_info:
    conduit_name: nyc-1
'''

RETURN = r'''
alerts:
  description: The alerts, the newest first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The id of the entry.
      type: str
      returned: when Cloudflare returns it
      sample: f174e90a-fafe-4643-bbbc-4a0ed4fc8415
    sent:
      description: When it was sent.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    alert_type:
      description: Its type.
      type: str
      returned: when Cloudflare returns it
      sample: magic_wan_tunnel_health
    alert_body:
      description: Its text.
      type: str
      returned: when Cloudflare returns it
      sample: Tunnel ewr-a-icon-97a4 is below its SLO of 99.9.
    name:
      description: The name of the policy.
      type: str
      returned: when Cloudflare returns it
      sample: tunnels of New York
    description:
      description: The description of the policy.
      type: str
      returned: when Cloudflare returns it
      sample: To the operations centre
    policy_id:
      description: The id of the policy.
      type: str
      returned: when Cloudflare returns it
      sample: f174e90afafe4643bbbc4a0ed4fc8415
    mechanism:
      description: Where it was sent.
      type: str
      returned: when Cloudflare returns it
      sample: noc@example.com
    mechanism_type:
      description: How it was sent - V(email), V(pagerduty) or V(webhook).
      type: str
      returned: when Cloudflare returns it
      sample: email
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import alerts_between, alerts_of_circuit
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import checked_value
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import check_time, normal_uuid

ARGUMENT_SPEC = {
    'since': {'type': 'str'},
    'before': {'type': 'str'},
    'alert_type': {'type': 'str'},
    'policy': {'type': 'str'},
    'conduit_name': {'type': 'str'},
}


def work(task: Task) -> dict[str, Any]:
    """The work of the module."""
    circuit = task.params['conduit_name']
    bounds = {name: task.params[name] and checked_value(name, task.params[name], check_time, []) for name in ('since', 'before')}
    read = read_objects(task.client, ALERT.name, None, bounds)
    alerts = [alert for alert in alerts_between(read, **bounds) if _is_selected(alert, task.params['alert_type'], task.params['policy'])]
    if circuit:
        alerts = observe(task.client, lambda snapshot: alerts_of_circuit(alerts, circuit, snapshot))
    return {'changed': False, 'alerts': alerts}


def _is_selected(alert: Object, alert_type: str | None, policy: str | None) -> bool:
    of_policy = policy in (None, alert.get('name')) or normal_uuid(policy) == normal_uuid(alert.get('policy_id'))
    return of_policy and alert_type in (None, alert.get('alert_type'))


def main() -> None:
    run(work, ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
