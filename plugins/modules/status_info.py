#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: status_info
short_description: Read the status of interconnects, and wait for it
version_added: 1.0.0
description:
  - Returns the status of the named interconnects and circuits, or of all.
  - A new direct interconnect is Pending until the cross-connect is run, which takes weeks. So Pending is not a failure here, and a wait
    that comes to its end returns what was reached, with RV(reached=false).
options:
  interconnects:
    description:
      - Names of interconnects.
    type: list
    elements: str
  conduit_names:
    description:
      - Circuits, that is, names of CNIs.
    type: list
    elements: str
  states:
    description:
      - Returns only interconnects in one of these states. V(active) is the dashboard's word for V(Healthy).
    type: list
    elements: str
    choices: [Pending, Down, Unhealthy, Healthy, active]
  wait_for:
    description:
      - Waits until each of the interconnects is in one of these states. V(active) is the dashboard's word for V(Healthy).
    type: list
    elements: str
    choices: [Pending, Down, Unhealthy, Healthy, active]
  wait_timeout:
    description:
      - Seconds to wait at most.
    type: int
    default: 300
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: How are all of them?
  netops.cloudflare_cni.status_info:

- name: Wait for light, ten seconds at most
  netops.cloudflare_cni.status_info:
    conduit_names: [nyc-1]
    wait_for: [Healthy]
    wait_timeout: 10
  register: light

- name: Say so if there is none
  ansible.builtin.debug:
    msg: "{{ light.statuses }}"
  when: not light.reached
'''

RETURN = r'''
statuses:
  description: The statuses, in the order of their names.
  returned: success
  type: list
  elements: dict
  contains:
    interconnect:
      description: The name of the interconnect.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    state:
      description: V(Pending), V(Down), V(Unhealthy) or V(Healthy).
      type: str
      returned: always
      sample: Pending
    reason:
      description: Why it is Down or Unhealthy, where that is known, else null.
      type: str
      returned: always
      sample:
reached:
  description: Whether each of the interconnects is in one of the states of O(wait_for). True if there was nothing to wait for.
  returned: success
  type: bool
  sample: true
api:
  description: What the task cost.
  returned: always, but for options that no connection can be made with
  type: dict
  contains:
    requests:
      description: The requests that were sent.
      type: int
      returned: always
      sample: 3
    retries:
      description: Those among them that repeated a failed one.
      type: int
      returned: always
      sample: 0
    waited:
      description: Seconds spent on waiting, be it before a retry, for the rate limit or for a status.
      type: float
      returned: always
      sample: 0.0
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(transport), V(answer), V(api) or V(error), and
      C(retryable) tells whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import observe, watch
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import interconnect_names
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import OLDER_WORDS

STATES = ['Pending', 'Down', 'Unhealthy', 'Healthy', 'active']

ARGUMENT_SPEC = {
    'interconnects': {'type': 'list', 'elements': 'str'},
    'conduit_names': {'type': 'list', 'elements': 'str'},
    'states': {'type': 'list', 'elements': 'str', 'choices': STATES},
    'wait_for': {'type': 'list', 'elements': 'str', 'choices': STATES},
    'wait_timeout': {'type': 'int', 'default': 300},
}


def work(task: Task) -> dict:
    states, goal = ({OLDER_WORDS.get(state, state) for state in task.params[name] or ()} for name in ('states', 'wait_for'))
    named = {option: task.params[option] for option in ('interconnects', 'conduit_names')}
    names = observe(task.client, lambda world: interconnect_names(named, world))
    found = watch(task.client, names, goal, task.params['wait_timeout'])
    statuses = [{'interconnect': name, 'state': found[name].get('state'), 'reason': found[name].get('reason')} for name in sorted(found)]
    reached = not goal or all(name in found and found[name].get('state') in goal for name in names)
    return {'changed': False, 'statuses': [one for one in statuses if not states or one['state'] in states], 'reached': reached}


def main() -> None:
    run(work, ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
