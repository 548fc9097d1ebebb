# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rollout and provision take for all circuits of a run. The defaults are in rollout."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r'''
options:
  max_deletes:
    description:
      - How many circuits a run may delete or replace. If more would be, nothing is written, and the message lists them with their
        interconnects and states.
      - If not given, none that O(state=overridden) finds, and one of those that are declared absent or to be replaced.
    type: int
  at_most_per_site:
    description:
      - How many circuits of a site, or of a region of Google Cloud, a run updates, replaces or deletes. No limit if not given. New circuits
        do not count.
      - A Healthy circuit is changed only while all others of its site are Healthy. The rest is V(deferred), which is no failure - run it
        again.
      - Reads the status of every circuit of a site where anything changes.
    version_added: 1.1.0
    type: int
  purge_routes:
    description:
      - Whether the routes to a circuit that O(state=overridden) deletes are deleted with it. Without it such a circuit is not deleted,
        unless O(force). Routes to circuits that stay, or to other next hops, stay.
    version_added: 1.1.0
    type: bool
  fail_fast:
    description: Whether to write nothing if a circuit cannot be as declared, and to begin no other circuit once a write has failed.
    type: bool
    default: false
  concurrency:
    description: How many circuits are written at the same time, within one budget of O(requests_per_window).
    type: int
  progress_every:
    description:
      - Seconds between lines that report progress, rate and remaining time. V(0) turns them off.
      - They are shown while the task runs, in the controller's process only, and not with C(no_log).
    type: float
'''
