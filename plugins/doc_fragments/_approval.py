# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an approved plan."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  plan_file:
    description:
      - The path of a file that check mode writes the plan to, for a change ticket. V(-) writes none. Without check mode the option does
        nothing.
      - The file is Markdown with the circuits that change, each field before and after, where ports are ordered, and which circuits are
        Healthy. A block of JSON at its end is for O(approved_plan). Secrets are in neither.
      - Reads the status of each circuit that changes.
    version_added: 1.1.0
    type: path
  approved_plan:
    description:
      - The path of a plan that O(plan_file) wrote, or the digest in it. Nothing is written at Cloudflare that is not in that plan.
      - A circuit with another plan fails with C(kind) V(unapproved) before anything of it is written, be it that the account has changed or
        the declaration. The others go on, unless O(fail_fast). With a file, the message says what was approved.
      - What is done already needs no approval, so a run that was interrupted can be started again with the same plan.
      - Not compared are the slot and the device of a new port, names and addresses that Cloudflare assigns, the content of secrets, and
        files such as the LOA. Site, facility, speed and O(netops.cloudflare_cni.rollout#module:circuits[].slot.diverse_from) are.
    version_added: 1.1.0
    type: path
'''
