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
  interconnect:
    description:
      - The name of one interconnect. O(interconnects) takes several.
    type: str
  interconnects:
    description:
      - Names of interconnects.
    type: list
    elements: str
  conduit_name:
    description:
      - One circuit, that is, the name of its CNI. O(conduit_names) takes several.
    type: str
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
      - One that has reached such a state is not asked again while the others are waited for, so RV(statuses) has its state of that
        moment. To be sure of all at one moment, run the task once more without O(wait_for).
      - A new interconnect may have no status yet. It is waited for too. One that is deleted meanwhile is not.
    type: list
    elements: str
    choices: [Pending, Down, Unhealthy, Healthy, active]
  wait_timeout:
    description:
      - Seconds to wait at most.
    type: int
    default: 300
  expect:
    description:
      - What there must be at sites, at least. Of the interconnects that this task is about, only those that are Healthy count.
      - RV(verdict) tells what came of it.
    type: list
    elements: dict
    suboptions:
      site:
        description:
          - The site, or the region of Google Cloud.
        type: str
        required: true
      healthy:
        description:
          - Interconnects that are Healthy.
        type: int
      devices:
        description:
          - Cloudflare's devices that they are on.
        type: int
      facilities:
        description:
          - Data centres that they are in.
        type: int
  enforce:
    description:
      - Fails if O(expect) is not met, with the same results. Otherwise the task only tells.
    type: bool
    default: false
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
    conduit_name: nyc-1
    wait_for: [Healthy]
    wait_timeout: 10
  register: light

- name: Say so if there is none
  ansible.builtin.debug:
    msg: "{{ light.statuses }}"
  when: not light.reached

- name: Is New York redundant, whatever else there is?
  netops.cloudflare_cni.status_info:
    expect:
      - {site: ewr-a, healthy: 2, devices: 2}
  register: gate

- name: Put a change off if it is not
  ansible.builtin.debug:
    msg: "{{ gate.verdict.text }}"
  when: not gate.verdict.met
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
    conduit_name:
      description: The circuit on it, that is, the name of its CNI. Null if there is none, or more than one.
      type: str
      returned: always
      sample: nyc-1
    conduit_names:
      description: All circuits on it, in the order of their names.
      type: list
      elements: str
      returned: always
      sample: [nyc-1]
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
verdict:
  description: How what is there compares to O(expect).
  returned: success or O(enforce), if O(expect) is given
  type: dict
  contains:
    met:
      description: Whether all of it is there.
      type: bool
      returned: always
      sample: false
    text:
      description: The same in a line for people.
      type: str
      returned: always
      sample: 'ewr-a: 1 of 2 healthy, 1 of 2 devices'
    sites:
      description: For each entry of O(expect) its site, what was counted, and under C(short) what is missing.
      type: list
      elements: dict
      returned: always
      sample:
        - site: ewr-a
          met: false
          healthy: 1
          devices: 1
          facilities: 1
          short: {healthy: {have: 1, want: 2}, devices: {have: 1, want: 2}}
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
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(transport), V(answer), V(api),
      V(unmet) or V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STATES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import COUNTED_FIELDS, SINGULAR_OPTIONS, status_work

ARGUMENT_SPEC = {
    **{single: {'type': 'str'} for single in SINGULAR_OPTIONS.values()},
    'interconnects': {'type': 'list', 'elements': 'str'},
    'conduit_names': {'type': 'list', 'elements': 'str'},
    'states': {'type': 'list', 'elements': 'str', 'choices': STATES},
    'wait_for': {'type': 'list', 'elements': 'str', 'choices': STATES},
    'wait_timeout': {'type': 'int', 'default': 300},
    'expect': {
        'type': 'list',
        'elements': 'dict',
        'options': {'site': {'type': 'str', 'required': True}, **{name: {'type': 'int'} for name in COUNTED_FIELDS}},
    },
    'enforce': {'type': 'bool', 'default': False},
}


def main() -> None:
    run(status_work, ARGUMENT_SPEC, mutually_exclusive=list(SINGULAR_OPTIONS.items()))


if __name__ == '__main__':
    main()
