#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_webhook
short_description: Manage a webhook that Cloudflare sends alerts to
version_added: 1.1.0
description:
  - Creates, changes or deletes a webhook, which is a destination of notification policies, see M(netops.cloudflare_cni.alert_policy).
  - Cloudflare posts a test message when a webhook is created or changed, whose C(text) begins with C(Hello World!), and refuses the
    webhook unless the response is a 2xx. So the receiver must be running and be reachable from the Internet.
  - A webhook is found by its name, or by O(id). What is not given is left as it is.
options:
  name:
    description:
      - The name of the webhook. With O(id) it is renamed to this.
    type: str
  id:
    description:
      - The id that Cloudflare assigned to the webhook, with dashes or without.
    type: str
  state:
    description:
      - Whether the webhook exists. What becomes of the policies that use a deleted one is not documented.
    type: str
    choices: [present, absent]
    default: present
  url:
    description:
      - The address that alerts are posted to. Required to create the webhook.
      - Cloudflare recognizes Slack, Discord, Google Chat and others by it. Some of these addresses hold a secret of their own; the
        address is no secret to this module.
    type: str
  secret:
    description:
      - The value of the header C(cf-webhook-auth) in each alert, by which the receiver recognizes Cloudflare.
      - Cloudflare never returns it, so nobody can compare it. O(update_secret) says when it is sent.
    type: str
  update_secret:
    description:
      - V(on_create) sends O(secret) with a new webhook, and with any other change of it. If nothing else changes the task is C(ok), with
        a warning that the secret may be another one.
      - V(always) sends it each time, and the task is always C(changed). Use it once to rotate a secret.
    type: str
    choices: [on_create, always]
    default: on_create
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Send alerts to the operations centre
  netops.cloudflare_cni.alert_webhook:
    name: noc
    url: https://noc.example.com/cloudflare
    secret: "{{ lookup('ansible.builtin.env', 'CLOUDFLARE_WEBHOOK_SECRET') }}"

- name: Rotate its secret
  netops.cloudflare_cni.alert_webhook:
    name: noc
    secret: "{{ lookup('ansible.builtin.env', 'CLOUDFLARE_WEBHOOK_SECRET') }}"
    update_secret: always

- name: Delete the webhook
  netops.cloudflare_cni.alert_webhook:
    name: noc
    state: absent
'''

RETURN = r'''
webhook:
  description: The webhook as Cloudflare returned it; in check mode as it would be. Null if it is absent. The secret is not in it.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare assigned.
      type: str
      returned: always
      sample: b115d5ec-15c6-41ee-8b76-92c449b5227b
    name:
      description: The name.
      type: str
      returned: always
      sample: noc
    url:
      description: The address that alerts are posted to.
      type: str
      returned: always
      sample: https://noc.example.com/cloudflare
    type:
      description: What Cloudflare takes the receiver for.
      type: str
      returned: when Cloudflare returns it
      sample: generic
    created_at:
      description: When it was created.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    last_success:
      description: When an alert was last delivered.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    last_failure:
      description: When the delivery of an alert last failed.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
secret_sent:
  description: Whether this task sent the secret, or would have in check mode. If not, the webhook may have another one.
  returned: success
  type: bool
  sample: true
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: failure, if anything was
  type: list
  elements: dict
  sample: [{action: delete, object: CNI conduit_name=nyc-1}]
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_WEBHOOK
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'name': {'type': 'str'},
    'id': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'url': {'type': 'str'},
    'secret': {'type': 'str', 'no_log': True},
    'update_secret': {'type': 'str', 'no_log': False, 'choices': ['on_create', 'always'], 'default': 'on_create'},
}


def work(task: Task) -> dict[str, Any]:
    """The work of the module. Warns where nobody can tell which secret the webhook has."""
    result = manage_work(ALERT_WEBHOOK, webhook=None)(task)
    webhook = result['webhook'] and {name: value for name, value in result['webhook'].items() if name != 'secret'}
    has_secret, changed = task.params['secret'] is not None, result['changed']
    if webhook and has_secret and not changed:
        task.module.warn(f'webhook {webhook["name"]}: Cloudflare does not return the secret, so it was not compared with the one given. '
                         'Set update_secret=always to send it.')
    if webhook and changed and not has_secret and result['diff'][-1]['before']:
        task.module.warn(f'webhook {webhook["name"]}: it was changed without its secret, and it is not documented whether it keeps that. '
                         'Give the secret, too.')
    return {**result, 'webhook': webhook, 'secret_sent': bool(webhook and has_secret and changed)}


def main() -> None:
    run(work, ARGUMENT_SPEC, required_one_of=[('id', 'name')], required_if=[('update_secret', 'always', ['secret'])])


if __name__ == '__main__':
    main()
