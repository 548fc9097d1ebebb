# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: hosts
short_description: Circuits as the hosts of an inventory
version_added: 1.0.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes a host of each circuit, with the variables of the role P(netops.cloudflare_cni.provision#role). The other way round is
    P(netops.cloudflare_cni.circuits#filter).
options:
  _input:
    description: Circuits, as M(netops.cloudflare_cni.rollout) gathers them.
    type: list
    elements: dict
    required: true
'''

EXAMPLES = r'''
- name: The account
  netops.cloudflare_cni.rollout:
    state: gathered
  register: account

- name: As an inventory
  ansible.builtin.debug:
    msg: "{{ {'circuits': {'hosts': account.gathered | netops.cloudflare_cni.hosts}} | to_nice_yaml }}"
'''

RETURN = r'''
_value:
  description: The variables of each host, by its name.
  type: dict
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, ROLE


def hosts(circuits: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{name: variables} of the circuits. What the role has no variable for, as both ends of the link, is left to Cloudflare."""
    return {circuit['name']: {PREFIX + option: circuit[option] for option in ROLE if option in circuit} for circuit in circuits}


class FilterModule:
    def filters(self) -> dict:
        return {'hosts': hosts}
