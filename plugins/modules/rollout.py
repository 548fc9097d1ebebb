#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: rollout
short_description: Manage many circuits in one task
version_added: 1.0.0
description:
  - Brings a list of circuits to the declared state - the interconnect of each, the CNI on it, its health check and the static routes to
    it, and, with O(artifacts_dir), its Letter of Authorization (LOA) and its hand-over as files. The account is read once, all circuits are
    planned together, and independent changes are written at the same time.
  - A circuit is found by its name, which is the C(conduit_name) of its CNI, and otherwise as M(netops.cloudflare_cni.interconnect) and
    M(netops.cloudflare_cni.cni) find theirs. Options that are not given leave it as it is.
  - A circuit that is wrong or cannot be written does not stop the others, unless O(fail_fast=true); the task fails at its end and reports
    the outcome of each. Run it again to go on from there.
  - With O(artifacts_dir) the JSON file of a circuit is its record too. It names the interconnect as soon as that is ordered, so that a
    later run finds it, also to delete it, although it has no CNI yet. An interconnect on record is never used for another circuit. A record
    that Cloudflare contradicts is ignored with a warning. Runs that order for the same folder at the same time wait for each other.
options:
  circuits:
    description:
      - The circuits. Required, except for O(state=gathered), where it selects circuits by name.
      - An interconnect that carries another circuit is not used, unless by O(circuits[].interconnect) with O(circuits[].shared=true).
      - With O(circuits[].pairing_key), O(circuits[].slot), O(circuits[].slot_id) and O(circuits[].speed) are ignored with a warning, as a
        circuit may inherit them from a group.
  state:
    description:
      - V(merged) makes the circuits as declared and leaves all others alone.
      - V(overridden) also deletes each circuit of the account that is not in the list, within O(max_deletes).
      - V(deleted) deletes the circuits, as O(circuits[].state=absent) does with one of them.
      - V(gathered) changes nothing and returns the circuits of the account as RV(gathered), which can be passed back as O(circuits) and
        then changes nothing.
    type: str
    choices: [merged, overridden, deleted, gathered]
    default: merged
  steps:
    description:
      - The steps to take for circuits that are present, all if not given.
      - Without V(interconnect) nothing is ordered, replaced, or deleted by O(state=overridden), and each circuit must have its
        interconnect, by its CNI, by O(circuits[].interconnect) or on record.
      - V(health_check) is that of O(circuits[].tunnel) too, as both are one object.
      - V(loa) and V(handover) need O(artifacts_dir), V(settings) needs O(default_asn). V(status) reads the status of all circuits if it is
        given here, otherwise of those with O(circuits[].wait_for).
    version_added: 1.1.0
    type: list
    elements: str
    choices: [settings, interconnect, loa, cni, health_check, routes, status, handover]
  default_asn:
    description:
      - Cloudflare's AS number in the account, as O(netops.cloudflare_cni.cni_settings#module:default_asn). Left as it is if not given.
    version_added: 1.1.0
    type: int
  artifacts_dir:
    description:
      - The folder of the files, on the machine that runs the task; it is created if missing. No files are written if not given.
      - C(NAME-loa.pdf) is the LOA of a direct interconnect. It is fetched again if it is for another interconnect, made out to another name
        than O(circuits[].loa_name), altered, or older than O(loa_max_age).
      - C(NAME.md) is the hand-over for people. C(NAME.json) is that for programs, and the record. Characters of a name other than letters,
        digits, C(.), C(-) and C(_) are percent-encoded. The files of a deleted circuit are removed.
    version_added: 1.1.0
    type: path
  loa_max_age:
    description: Days after which an LOA is fetched again. If not given, it never is for its age.
    version_added: 1.1.0
    type: int
  handover_template:
    description: A Jinja template for C(NAME.md) instead of the collection's own. It gets the content of C(NAME.json) as C(handover).
    version_added: 1.1.0
    type: path
  wait_timeout:
    description: Seconds to wait at most for O(circuits[].wait_for), for all circuits at the same time.
    version_added: 1.1.0
    type: int
    default: 300
  site_demand:
    description:
      - The bandwidth that sites need from your network to Cloudflare. The keys are sites or regions of Google Cloud, values such as V(3G)
        or V(500M).
      - Warns of a site whose circuits are too few for it after the run, whatever their status. It never fails for that. Cloudflare accepts
        at most 1 Gbps on each CNI of dataplane v2, whatever the speed of the port.
    version_added: 1.1.0
    type: dict
  later:
    description: Circuits that other runs order, at the same time or later. O(circuits[].slot.diverse_from) may name them before they exist.
    version_added: 1.1.0
    type: list
    elements: str
  other_artifacts_dirs:
    description:
      - The folders of files of circuits that other runs make, as O(artifacts_dir) is of these circuits. An interconnect on record there is
        used for no other circuit, and is known to O(circuits[].slot.diverse_from) and O(diversity).
    version_added: 1.1.0
    type: list
    elements: path
  diversity:
    description:
      - Circuits that other runs order, and what each of these is to be diverse from. Where that is a circuit of this list, its new port is
        diverse from theirs as well, so that the second of two is, whichever comes first.
      - It is not part of what a circuit declares, so O(approved_plan) does not compare it.
    version_added: 1.1.0
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the circuit.
        type: str
        required: true
      diverse_from:
        description: The circuits that it is to be diverse from.
        type: list
        elements: str
        required: true
  purge_routes:
    default: false
  force:
    version_added: 1.1.0
    default: false
  protect:
    default: last
  traffic:
    default: false
  concurrency:
    default: 8
  progress_every:
    default: 10
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._approval
  - netops.cloudflare_cni._attributes
  - netops.cloudflare_cni._circuit
  - netops.cloudflare_cni._delete
  - netops.cloudflare_cni._fleet
  - netops.cloudflare_cni._validate
'''

EXAMPLES = r'''
- name: Create a redundant pair that shares the traffic to the offices, the second as a backup for the data centre
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        slot: &newark
          site: ewr-a
          speed: 10G
        health_check: &check
          rate: high
        routes:
          - {prefix: 10.20.0.0/16, description: Offices}
          - {prefix: 10.30.0.0/16, description: Data centre}
      - name: nyc-2
        slot:
          <<: *newark
          diverse_from: [nyc-1]
        health_check: *check
        routes:
          - {prefix: 10.20.0.0/16, description: Offices}
          - {prefix: 10.30.0.0/16, description: Data centre, priority: 200}
    site_demand:
      ewr-a: 2G

- name: Add BGP to the pair, in an account that has it
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        bgp:
          customer_asn: 64512
      - name: nyc-2
        bgp:
          customer_asn: 64512

- name: Read the account as circuits
  netops.cloudflare_cni.rollout:
    state: gathered
  register: account

- name: Declare the same, which changes nothing
  netops.cloudflare_cni.rollout:
    circuits: "{{ account.gathered }}"
    state: overridden

- name: Write the files of the pair, and wait for the first
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        slot: *newark
        loa_name: Example Networks Inc.
        wait_for: [Healthy]
      - name: nyc-2
        slot: *newark
    artifacts_dir: "{{ playbook_dir }}/artifacts"
    wait_timeout: 10

- name: Fetch LOAs that are older than 60 days again
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
      - name: nyc-2
    artifacts_dir: "{{ playbook_dir }}/artifacts"
    loa_max_age: 60
    steps: [loa]

- name: Change one of the pair, and with the next run the other
  netops.cloudflare_cni.rollout:
    circuits:
      - {name: nyc-1, mtu: 1476}
      - {name: nyc-2, mtu: 1476}
    at_most_per_site: 1

- name: Delete one circuit with the routes to it and change the other, with one plan
  netops.cloudflare_cni.rollout:
    circuits:
      - {name: nyc-1, state: absent, routes: []}
      - {name: nyc-2, mtu: 1476}

- name: Delete both, even if they carry traffic
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
      - name: nyc-2
    state: deleted
    max_deletes: 2
    force: true
'''

RETURN = r'''
circuits:
  description: The outcome of each circuit, in the order of O(circuits); those that V(overridden) deletes come last.
  returned: except for O(state=gathered), once the account could be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the circuit.
      type: str
      returned: always
      sample: nyc-1
    outcome:
      description:
        - V(unchanged), V(created), V(updated), V(replaced), V(deleted) or V(failed); V(skipped) if O(fail_fast) ended the task before,
          V(deferred) if O(at_most_per_site) leaves it to the next run.
      type: str
      returned: always
      sample: created
    changed:
      description: Whether anything of the circuit changed, its files included.
      type: bool
      returned: always
      sample: true
    interconnect:
      description: The name of its interconnect; in check mode V((known after apply\)) for one that is to be ordered.
      type: str
      returned: unless it failed, is deleted or deferred
      sample: ewr-a-icon-7f3a
    former_interconnect:
      description: The name of the interconnect that it was on. It is deleted with the circuit, unless circuits share it.
      type: str
      returned: if it is deleted or replaced
      sample: ewr-a-icon-2f91
    addresses:
      description: As RV(netops.cloudflare_cni.interconnect#module:addresses).
      returned: if it was replaced
      type: dict
    objects:
      description:
        - C(interconnect), C(cni), C(tunnel), C(health_check) and C(routes) of the circuit after the task, as the info modules return them,
          or in check mode as they would be. Null is what the task did not look at, and what is deleted.
      returned: always
      type: dict
      sample:
        interconnect: {name: ewr-a-icon-7f3a, type: direct, site: ewr-a, speed: 10G}
        cni: {interconnect: ewr-a-icon-7f3a, magic: {conduit_name: nyc-1, mtu: 1500}}
        tunnel: {name: ewr-a-icon-7f3a, mtu: 1500, health_check: {enabled: true, rate: high, type: reply}}
        health_check: {enabled: true, rate: high, type: reply}
        routes: [{prefix: 10.20.0.0/16, nexthop: 172.31.0.1, priority: 100}]
    status:
      description: The status of its interconnect. Null if it was not read.
      returned: always
      type: dict
      sample: {interconnect: ewr-a-icon-7f3a, state: Pending, reason: null}
    reached:
      description: Whether the interconnect is in a state of O(circuits[].wait_for).
      returned: if that is given, and the status was read
      type: bool
      sample: false
    files:
      description:
        - The paths of its files. C(loa) is null for V(gcp_partner). Of a circuit that failed, only those that were written. Empty without
          O(artifacts_dir), and for a circuit that is deleted.
      returned: always
      type: dict
      sample: {loa: /srv/cni/nyc-1-loa.pdf, markdown: /srv/cni/nyc-1.md, json: /srv/cni/nyc-1.json}
    msg:
      description: Why it failed or is deferred.
      type: str
      returned: if it failed or is deferred
      sample: "slot: no slot is left"
    error:
      description: What went wrong, with the keys of RV(error).
      type: dict
      returned: if it failed
      sample: {kind: input, retryable: false, option: slot}
    applied:
      description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
      returned: if it failed, and anything was
      type: list
      elements: dict
      sample: [{action: create, object: CNI of nyc-1}]
summary:
  description: How many circuits there are of each outcome.
  returned: except for O(state=gathered), once the account could be read
  type: dict
  sample: {created: 2, unchanged: 98}
settings:
  description: The settings of the account. Null unless they were set, or read for a hand-over.
  returned: except for O(state=gathered), once the account could be read
  type: dict
  sample: {default_asn: 65100}
plan:
  description: The plan for a change ticket, without secrets.
  returned: in check mode, with O(plan_file)
  type: dict
  contains:
    digest:
      description:
        - What O(approved_plan) takes, whole. After a checksum, it has 16 hexadecimal digits for each change. The plan of an interrupted run
          that is started again has a part of these.
      type: str
      returned: always
      sample: plan1-06de5cb6-3f2a91c04be87d52-9b1e44d07c6af318
    circuits:
      description:
        - The circuits that change, each with its changes, as in the file. C(circuit) is null for the settings of the account.
      type: list
      elements: dict
      returned: always
    file:
      description: As O(plan_file).
      type: str
      returned: always
      sample: plan.md
    left_out:
      description: Why a circuit is not in the plan, by its name. If it can be planned later, it is not approved.
      type: dict
      returned: always
      sample: {nyc-3: "slot: no slot is left"}
gathered:
  description: The circuits of the account, by name, as O(circuits) takes them. Without MD5 keys, so that these stay as they are.
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample: [{name: nyc-1, interconnect: ewr-a-icon-7f3a, mtu: 1500}]
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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CIRCUIT_OPTIONS, DELETE_OPTIONS, STEPS

ARGUMENT_SPEC = {
    'circuits': {'type': 'list', 'elements': 'dict', 'options': CIRCUIT_OPTIONS},
    'state': {'type': 'str', 'choices': ['merged', 'overridden', 'deleted', 'gathered'], 'default': 'merged'},
    'steps': {'type': 'list', 'elements': 'str', 'choices': list(STEPS)},
    'default_asn': {'type': 'int'},
    'artifacts_dir': {'type': 'path'},
    'loa_max_age': {'type': 'int'},
    'handover_template': {'type': 'path'},
    'wait_timeout': {'type': 'int', 'default': 300},
    'site_demand': {'type': 'dict'},
    'later': {'type': 'list', 'elements': 'str'},
    'other_artifacts_dirs': {'type': 'list', 'elements': 'path'},
    'diversity': {'type': 'list', 'elements': 'dict', 'options': {
        'name': {'type': 'str', 'required': True}, 'diverse_from': {'type': 'list', 'elements': 'str', 'required': True}}},
    'purge_routes': {'type': 'bool', 'default': False},
    'max_deletes': {'type': 'int'},
    'at_most_per_site': {'type': 'int'},
    **DELETE_OPTIONS,
    'fail_fast': {'type': 'bool', 'default': False},
    'validate': {'type': 'bool', 'default': False},
    'plan_file': {'type': 'path'},
    'approved_plan': {'type': 'path'},
    'concurrency': {'type': 'int', 'default': 8},
    'progress_every': {'type': 'float', 'default': 10},
}


def main() -> None:
    needed = [('state', state, ['circuits']) for state in ('merged', 'overridden', 'deleted')]
    run(rollout_work, ARGUMENT_SPEC, list_option='circuits', required_if=needed)


if __name__ == '__main__':
    main()
