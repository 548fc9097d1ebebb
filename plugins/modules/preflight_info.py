#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: preflight_info
short_description: Check an account before anything is ordered in it
version_added: 1.1.0
description:
  - Reads the account once, in nine requests and the further pages of lists, and reports what a person has to know before a change - whether
    the token is valid and until when, what it may read, whether the account has Network Interconnect, which slots are free, and where the
    answers differ from what Cloudflare documents.
  - A problem of the account is a finding, not a failure, see RV(usable). Only options that no connection can be made with fail the task.
  - Each request is sent once, whatever O(retry_timeout) is. After a lost connection, HTTP 429 or refused credentials nothing more is asked.
  - It cannot find out whether the token may write, as it sends nothing that writes.
options:
  compare_with:
    description: A file with the RV(profile) of an earlier run, as the playbook C(preflight) writes it. What is
      different since is in RV(changes).
    type: path
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Check the account
  netops.cloudflare_cni.preflight_info:
  register: preflight

- name: Show what was found
  ansible.builtin.debug:
    var: preflight.report

- name: Continue only if it can be worked with
  ansible.builtin.assert:
    that: preflight.usable
'''

RETURN = r'''
usable:
  description: Whether no finding is V(failed).
  returned: success
  type: bool
  sample: true
findings:
  description: What was found, in the order in which a person would look.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: What was looked at.
      type: str
      returned: always
      sample: token
    result:
      description:
        - V(ok); V(note), which asks for nothing; V(warning), which a person should look at; or V(failed), with which this collection cannot
          work.
      type: str
      returned: always
      sample: warning
    found:
      description: What was found.
      type: str
      returned: always
      sample: a valid token of the user, until 2026-12-08 09:00 UTC, in 9 days
    action:
      description: What to do about it; empty if nothing is.
      type: str
      returned: always
      sample: Create another one, or extend it, before then.
report:
  description: The findings as a table for people.
  returned: success
  type: list
  elements: str
  sample: ["ok      token  a valid token of the user, which does not expire"]
profile:
  description:
    - The shapes of the answers - HTTP statuses, forms of bodies, names of fields and the kinds of their values. It holds no secret, ID,
      name or address, so it can be attached to an issue. It does hold the names of undocumented fields.
    - The simulator of this collection answers as the account does, given the profile.
  returned: success
  type: dict
  sample: {format: 1, taken: "2026-11-29", token: user, limit: kept, filters: exact}
changes:
  description: What is different at Cloudflare since the profile of O(compare_with).
  returned: success
  type: list
  elements: str
  sample: ["slot: the page size was 50, and is 100"]
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: input, retryable: false, option: compare_with}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._preflight import preflight_work

ARGUMENT_SPEC = {'compare_with': {'type': 'path'}}


def main() -> None:
    run(preflight_work, ARGUMENT_SPEC)


if __name__ == '__main__':
    main()
