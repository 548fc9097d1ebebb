# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: ping_loss
short_description: Packets lost in the output of ping
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Counts the echo requests that were sent and answered, and finds the longest run of lost ones, in the output of C(ping -n -O) of iputils.
    The output of a ping that still runs will do.
positional: interval
options:
  _input:
    description: The output.
    type: str
    required: true
  interval:
    description: Seconds between two requests.
    type: float
    required: true
'''

EXAMPLES = r'''
- name: Show how long nothing was answered
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', 'ping.log') | netops.cloudflare_cni.ping_loss(0.2)).longest_gap }}"
'''

RETURN = r'''
_value:
  description: C(sent) and C(received), C(loss_percent), and C(longest_gap), in seconds, of requests lost in a row.
  type: dict
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import loss_of


class FilterModule:
    def filters(self) -> dict:
        return {'ping_loss': loss_of}
