#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_webhook_info
short_description: Read the webhooks that Cloudflare sends alerts to
version_added: 1.1.0
description:
  - Returns the webhooks of the account, all or those that match the options. Cloudflare never returns their secrets.
  - No match is an empty list, not a failure.
options:
  name:
    description:
      - Only the webhook with this name.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read the webhooks
  netops.cloudflare_cni.alert_webhook_info:
  register: found

- name: Show when the last delivery of each failed
  ansible.builtin.debug:
    msg: "{{ dict(found.webhooks | map(attribute='name') | zip(found.webhooks | map(attribute='last_failure'))) }}"
'''

RETURN = r'''
webhooks:
  description: The webhooks, as M(netops.cloudflare_cni.alert_webhook) returns one.
  returned: success
  type: list
  elements: dict
  sample: [{id: b115d5ec-15c6-41ee-8b76-92c449b5227b, name: noc, url: https://noc.example.com/cloudflare, type: generic}]
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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_WEBHOOK
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work


def main() -> None:
    run(info_work(ALERT_WEBHOOK, 'webhooks'), {'name': {'type': 'str'}})


if __name__ == '__main__':
    main()
