# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: metrics
short_description: An account as metrics for Prometheus
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Makes the text file that the textfile collector of Prometheus' node_exporter reads. It is valid in the classic text format, which is all
    that the collector takes, and in OpenMetrics. The playbook C(netops.cloudflare_cni.status) writes it.
  - The metrics are listed in L(the guide, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/day2.md).
positional: former, now, records, account_id
options:
  _input:
    description: The account, as P(netops.cloudflare_cni.overview#filter) returns it.
    type: dict
    required: true
  former:
    description:
      - The file as the run before wrote it, or an empty text. It says since when a circuit is in its state, which the API does not report.
      - A file with other lines than those of this filter is an error, so that no other file is overwritten.
    type: str
    required: true
  now:
    description: The Unix time of the read.
    type: int
    required: true
  records:
    description: The contents of the files C(NAME.json) of the circuits, for the time when each LOA was fetched. Other texts are ignored.
    type: list
    elements: str
    default: []
  account_id:
    description: The account, as the label C(account) of each sample. It keeps the files of several accounts apart.
    type: str
    default: ''
'''

EXAMPLES = r'''
- name: Show the metrics of an account
  ansible.builtin.debug:
    msg: "{{ account | netops.cloudflare_cni.metrics('', now().timestamp() | int) }}"
  vars:
    account: "{{ ports | netops.cloudflare_cni.overview(cnis, statuses, slots, tunnels, '2026-11-23', routes) }}"
'''

RETURN = r'''
_value:
  description: The content of the file.
  type: str
'''

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import Account, loas_fetched, metrics_text, states_since
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resilience import what_if


def metrics(overview: Mapping[str, Any], former: str, now: int, records: Iterable[str] = (), account_id: str = '') -> str:
    """The content of the file. Raises AnsibleFilterError if the former file is not one."""
    try:
        return metrics_text(Account(overview, int(now), states_since(former), loas_fetched(records), what_if(overview)), account_id)
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    def filters(self) -> dict:
        return {'metrics': metrics}
