# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One event for each change of the state of an interconnect."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Any

DOCUMENTATION = r'''
short_description: Events of interconnects that change their state
description:
  - Polls the status of interconnects and emits one event for each change, such as from Pending to Healthy once the cross-connect is run.
  - The events have the shape of C(extensions/eda/event.schema.json), with C(type=status). A new interconnect was C(absent) before, and a
    deleted one is C(absent) afterwards. Of several changes between two polls the last one counts.
  - An API that fails ends nothing. The source tries again, each time after twice as long, after 15 minutes at most. After three failures in
    a row it emits an event with C(type=problem) and C(phase=start), and one with C(phase=end) once it works again.
  - One poll takes a request for each interconnect, and one for each page of the lists of interconnects and CNIs.
version_added: 1.1.0
options:
  conduit_names:
    description: Only these circuits, by the names of their CNIs. One that does not exist yet is watched from its first status on.
    type: list
    elements: str
  interconnects:
    description: Only these interconnects. If neither O(conduit_names) nor this is set, all are watched.
    type: list
    elements: str
  interval:
    description: Seconds from the end of a poll to the next one.
    type: float
    default: 60
  initial:
    description:
      - Whether each start also reports the state of every interconnect, changed or not.
      - If not, the first start reports nothing, and a later one what has changed since, if there is O(state_file).
    type: bool
    default: false
  state_file:
    description:
      - A file to keep the states and the events in that ansible-rulebook has not taken yet. It is created with the mode 0600; each source
        needs one of its own. Without it, a restart forgets both.
      - A kill loses no change and reports none twice, but for an event that was handed over at that very moment. It comes again with
        the same C(id) and C(redelivered=true).
      - What ansible-rulebook has taken and not carried out is lost when it is killed, unless O(confirm) is set.
    type: path
  confirm:
    description:
      - Whether an event is kept until a playbook confirms that it is done, by creating the file C(event.receipt). The playbooks
        C(on_*) of this collection do. Each start hands over again what has not been confirmed.
      - For rulebooks of which each event ends in such a playbook, on the machine of the rulebook. Needs O(state_file).
    type: bool
    default: false
  api_token:
    description: As in the modules of this collection, see M(netops.cloudflare_cni.status_info); E(CLOUDFLARE_API_TOKEN) if not set.
    type: str
  api_key:
    description: As in the modules; E(CLOUDFLARE_API_KEY) if not set.
    type: str
  api_email:
    description: As in the modules; E(CLOUDFLARE_EMAIL) if not set.
    type: str
  account_id:
    description: As in the modules; E(CLOUDFLARE_ACCOUNT_ID) if not set.
    type: str
  api_url:
    description: As in the modules; E(CLOUDFLARE_BASE_URL) if not set.
    type: str
    default: https://api.cloudflare.com/client/v4
  timeout:
    description: As in the modules.
    type: float
    default: 30
  retry_timeout:
    description: As in the modules, of one request in a poll.
    type: int
    default: 60
  requests_per_window:
    description: How many requests this source sends in 300 seconds at most. Cloudflare allows 1,200 for everything that uses one token.
    type: int
    default: 300
  validate_certs:
    description: As in the modules.
    type: bool
    default: true
  ca_path:
    description: As in the modules.
    type: path
'''

EXAMPLES = r'''
- name: Circuits that change their state
  hosts: localhost
  sources:
    - netops.cloudflare_cni.status:
        interval: 60
        state_file: /var/lib/cni/status.json
  rules:
    - name: Run a playbook when light comes
      condition: event.type == "status" and event.status.state == "Healthy"
      action:
        run_playbook:
          name: netops.cloudflare_cni.on_healthy
'''

# ansible-rulebook runs this file alone, and Python finds no collections. Ansible's own finder is no way out: once it is there, no second
# source can be run, since runpy takes each path in a collection for a package.
ROOT = Path(__file__).absolute().parents[7]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
import ansible_collections

if str(ROOT / 'ansible_collections') not in ansible_collections.__path__:  # the package of the wheel `ansible`
    ansible_collections.__path__.append(str(ROOT / 'ansible_collections'))

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._connection import connect
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import Secrets
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import (
    Failures,
    Journal,
    checked_options,
    repeat,
    run_together,
)
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._status_events import (
    STATUS_OPTIONS,
    changed_states,
    read_states,
)

LOGGER = logging.getLogger('netops.cloudflare_cni.status')


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Emits events until it is cancelled. Raises InputError for options that cannot be used; nothing else ends it."""
    options = checked_options(STATUS_OPTIONS, args)
    if options['interval'] <= 0:
        raise InputError('interval', f'{options["interval"]:g} is not valid.', 'more than 0')
    secrets = Secrets(filter(None, (options['api_token'], options['api_key'])))
    client = connect(options, LOGGER.warning, secrets)
    journal = Journal('status', options['state_file'], options['confirm'])
    failures = Failures('Reading the status', options['interval'], journal, client.account_id)
    initial = options['initial']

    async def poll() -> None:
        nonlocal initial
        known, now = journal.state.get('interconnects'), time.time()
        states = await asyncio.to_thread(read_states, client, known or (), options['interconnects'], options['conduit_names'])
        events, after = changed_states(known, states, now, client.account_id, initial)
        failures.succeeded(now, events, interconnects=after)
        initial = False

    try:
        await run_together(repeat(poll, failures, secrets.to_error, LOGGER), journal.emit_forever(queue, args.get('eda_feedback_queue')))
    finally:
        client.interrupt()
