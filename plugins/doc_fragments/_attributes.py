# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules have in common. INFO, before DOCUMENTATION, is what differs for those that only read."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
author:
  - netops.cloudflare_cni contributors (@netops-collections)
attributes:
  action_group:
    description: Use C(module_defaults) for C(group/netops.cloudflare_cni.all) to set the connection options of all modules once.
    support: full
    membership:
      - netops.cloudflare_cni.all
  check_mode:
    description: Predicts in check mode what would change, and sends no request that writes.
    support: full
  diff_mode:
    description: Returns what changes, before and after, always; shown with C(--diff).
    support: full
  idempotent:
    description: A second run with the same options changes nothing and writes nothing.
    support: full
notes:
  - Run it where the API can be reached, usually with C(delegate_to=localhost) or C(connection=local).
  - On the controller it runs in the process of the task, some ten times as fast and with the same result, unless there is C(become),
    C(async), another Python than the one that runs Ansible, or the variable C(cni_in_process) is V(false).
seealso:
  - name: Results
    description: The keys that the results of all modules have in common, and what each C(kind) of error means.
    link: https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md
'''

    INFO = r'''
attributes:
  diff_mode:
    support: N/A
'''
