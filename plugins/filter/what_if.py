# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: what_if
short_description: What happens to the traffic if a circuit, a device, a facility or a site fails
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - For each failure domain of an account, that is, each circuit, interconnect, device, facility, site and airport, finds the prefixes that
    would lose their last path, those that would move, and whether the circuits that take over can carry it. Also finds faults in the
    design that nobody notices while all circuits are up.
  - Starts from the state as it is. A circuit whose interconnect is not Healthy is no path. The static routes decide by prefix, scope,
    priority and health check.
    L(The guide, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/day2.md#what-if-it-fails) has the rules, and what
    cannot be known.
positional: fails, commit_rates, site_demand, must_survive
options:
  _input:
    description: The account, as P(netops.cloudflare_cni.overview#filter) returns it.
    type: dict
    required: true
  fails:
    description:
      - Names of circuits, interconnects, devices, facilities, sites or airports that fail at the same time, as a list or in a text with
        commas. Without it, each failure domain fails by itself.
    type: list
    elements: str
    default: []
  commit_rates:
    description:
      - What Cloudflare sends to you over circuits at most. The keys are circuits, values such as V(3G) or V(500M). Without it, the mean of
        the traffic counts, if the statuses in the overview have it.
    type: dict
    default: {}
  site_demand:
    description: What sites send to Cloudflare, as O(netops.cloudflare_cni.status_info#module:site_demand).
    type: dict
    default: {}
  must_survive:
    description:
      - The kinds of failure domains of which any single one may fail, as a list or in a text with commas - V(circuit), V(interconnect),
        V(device), V(facility), V(site), V(airport). RV(_value) has the C(verdict).
    type: list
    elements: str
    default: []
'''

EXAMPLES = r'''
- name: Show what fails with what, the worst first
  ansible.builtin.debug:
    msg: "{{ (account | netops.cloudflare_cni.what_if).lines }}"
  vars:
    account: "{{ ports | netops.cloudflare_cni.overview(cnis, statuses, slots, tunnels, '2026-11-23', routes) }}"

- name: Fail if a single device carries the last path of a prefix
  ansible.builtin.assert:
    that: checked.verdict.met
    fail_msg: "{{ checked.verdict.text }}"
  vars:
    checked: "{{ account | netops.cloudflare_cni.what_if(must_survive=['circuit', 'device']) }}"
'''

RETURN = r'''
_value:
  description: >-
    C(failures), the worst first, each with C(domains), all that are of the same C(circuits), as C(kind) and C(name); C(lost), the prefixes
    that have no path left; C(blackholed), those that have one, but that Cloudflare keeps sending over a circuit that has failed; C(moved),
    each with C(prefix), C(from) and C(to); C(bgp), the circuits with BGP, of which the prefixes are not known; C(capacity), with what is
    C(needed) and C(available) in Mbit/s and whether it is C(enough), null where that is not known, and a C(text); C(shortages), sites that
    can send less than they need; C(single_point_of_failure); C(survives). C(faults) in the design, each with C(kind), C(names) and
    C(text). C(without_path), prefixes without a path now. C(unknown), what no read shows. C(verdict), with C(met) and C(text). C(lines),
    the same as a table.
  type: dict
'''

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _resilience
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError


def what_if(overview: Mapping[str, Any], fails: Any = (), commit_rates: Mapping[str, Any] | None = None,
            site_demand: Mapping[str, Any] | None = None, must_survive: Any = ()) -> dict[str, Any]:
    """What fails with what. Raises AnsibleFilterError for a name that there is not, and for what is no bandwidth."""
    try:
        return _resilience.what_if(overview, fails, commit_rates, site_demand, must_survive)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict:
        return {'what_if': what_if}
