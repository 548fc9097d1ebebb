# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of what modules of this collection can do; the second and third fragment differ by what the module is for."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options: {}
attributes:
  action_group:
    description: Use C(module_defaults) for C(group/netops.cloudflare_cni.all) to set the connection options of all modules once.
    support: full
    membership:
      - netops.cloudflare_cni.all
  check_mode:
    description: Can run in check mode and predict what would change, without a request that writes.
    support: full
  diff_mode:
    description: Returns what changes, before and after, always; shown with C(--diff).
    support: full
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing and writes nothing.
    support: full
'''

    INFO = r'''
options: {}
attributes:
  action_group:
    description: Use C(module_defaults) for C(group/netops.cloudflare_cni.all) to set the connection options of all modules once.
    support: full
    membership:
      - netops.cloudflare_cni.all
  check_mode:
    description: Can run in check mode and predict what would change, without a request that writes.
    support: full
    details:
      - It only reads.
  diff_mode:
    description: Returns what changes, before and after, always; shown with C(--diff).
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing and writes nothing.
    support: full
    details:
      - It only reads.
'''
