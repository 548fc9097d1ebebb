# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's alerts as events: the receiver of its webhooks, and the history of what was sent."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web  # ansible-rulebook brings it

DOCUMENTATION = r'''
short_description: Events of Cloudflare's alerts
description:
  - Receives the webhooks of Cloudflare's notifications, reads the history of what was sent, or both, and emits each alert once.
  - >-
    The events have the shape of C(extensions/eda/event.schema.json). C(type) is C(maintenance), C(tunnel_health), C(alert) for alerts of
    other products, C(test) for the message that Cloudflare sends to try a webhook, or C(problem) when the history cannot be read for long.
    C(alert) is what Cloudflare sent. What C(alert.data) holds is not documented, and is passed on as it is, but for braces, which Ansible
    would take for templates - they are percent-encoded.
  - >-
    Answers of the receiver - 200 the alert is taken, or had been before; 400 it is no JSON object; 401 the header C(cf-webhook-auth) is
    missing or wrong; 404 another path; 405 another method; 408 too slow; 413 larger than 256 KiB; 429 more than O(max_per_minute); 503 more
    than O(max_waiting) wait, or O(state_file) cannot be written. With O(state_file), a 200 means that the alert is on disk.
  - Cloudflare does not document whether it sends a webhook again that was refused. O(history) finds it in any case.
version_added: 1.1.0
options:
  port:
    description:
      - The TCP port to receive webhooks at. If not set, nothing is received, and O(history) is needed.
      - Cloudflare sends to public addresses and to the ports 80 and 443 only, so a proxy or a Cloudflare Tunnel has to lead here.
    type: int
  host:
    description: The address to listen at.
    type: str
    default: 127.0.0.1
  path:
    description: The path of the URL.
    type: str
    default: /
  secret:
    description: The secret of the webhook destination. E(CLOUDFLARE_WEBHOOK_SECRET) if not set. Required with O(port).
    type: str
  certfile:
    description: A file with the certificate for TLS, and those between it and its CA. Without it the receiver speaks plain HTTP.
    type: path
  keyfile:
    description: The file with the private key, if it is not in O(certfile).
    type: path
  max_waiting:
    description: How many events may wait for ansible-rulebook.
    type: int
    default: 1000
  max_per_minute:
    description: How many webhooks with the right secret are taken in a minute.
    type: int
    default: 600
  types:
    description: Only events of these types.
    type: list
    elements: str
    choices: [maintenance, tunnel_health, alert, test, problem]
  history:
    description:
      - Whether the history of notifications is read at the start and every O(history_interval) seconds. It has what was sent while this
        source was not there, and what was lost on the way.
      - Needs a token that may read notifications. No document says how an entry refers to a webhook. An entry is taken for a webhook that
        has come if it holds the same payload, or if it is of the same policy and type, says the same, was sent within two minutes, and no
        other entry is. When in doubt, an alert is an event twice rather than never.
    type: bool
    default: false
  history_interval:
    description: Seconds between two looks into the history.
    type: float
    default: 300
  history_mechanisms:
    description: Which entries count, by the kind of destination that they were sent to.
    type: list
    elements: str
    choices: [webhook, email, pagerduty]
    default: [webhook]
  lookback:
    description:
      - How many seconds before its first start the history is read. Later starts go on where the last one was, if there is O(state_file).
      - For a source that runs where no file is kept, as in a container. Each start then repeats what was sent in that time.
    type: float
    default: 0
  state_file:
    description: As in the source C(netops.cloudflare_cni.status). It also has which alerts have come.
    type: path
  confirm:
    description: As in the source C(netops.cloudflare_cni.status).
    type: bool
    default: false
  api_token:
    description: As in the modules of this collection, for O(history); E(CLOUDFLARE_API_TOKEN) if not set.
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
    description: As in the modules.
    type: int
    default: 60
  requests_per_window:
    description: As in the source C(netops.cloudflare_cni.status).
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
- name: Alerts of Cloudflare
  hosts: localhost
  sources:
    - netops.cloudflare_cni.alerts:
        port: 8443
        host: 0.0.0.0
        secret: "{{ webhook_secret }}"
        certfile: /etc/cni/fullchain.pem
        keyfile: /etc/cni/privkey.pem
        history: true
        state_file: /var/lib/cni/alerts.json
  rules:
    - name: Look for redundancy when maintenance is announced
      condition: event.type == "maintenance"
      action:
        run_playbook:
          name: netops.cloudflare_cni.on_maintenance
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
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._alert_events import (
    ALERT_OPTIONS,
    OVERLAP,
    SETTLED,
    Alert,
    Rate,
    ReceivedAlerts,
    is_authentic,
    new_history,
    read_history,
    webhook_alert,
)
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._events import (
    Failures,
    Journal,
    checked_options,
    is_selected,
    repeat,
    run_together,
)

LOGGER = logging.getLogger('netops.cloudflare_cni.alerts')
MAX_BODY = 256 * 1024  # bytes; the alerts that Cloudflare documents have some hundreds
BODY_TIME = 10.0  # seconds for a body to arrive
RETRY_AFTER = {'Retry-After': '60'}


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Emits events until it is cancelled. Raises InputError for options that cannot be used, and OSError for a port that cannot be."""
    options = checked_options(ALERT_OPTIONS, args)
    check(options)
    journal = Journal('alerts', options['state_file'], options['confirm'])
    parts = [journal.emit_forever(queue, args.get('eda_feedback_queue'))]
    if options['port'] is not None:
        parts.append(receive(journal, options))
    if options['history']:
        parts.append(follow_history(journal, options))
    await run_together(*parts)


def check(options: dict[str, Any]) -> None:
    """Raises InputError for options that do not go together."""
    if options['port'] is None and not options['history']:
        raise InputError('port', 'is required without history.')
    if options['port'] is not None and not options['secret']:
        raise InputError('secret', 'is required with port; set it or CLOUDFLARE_WEBHOOK_SECRET.')
    if not options['path'].startswith('/'):
        raise InputError('path', f'{options["path"]!r} is not valid.', 'a path that begins with /')
    for option in ('max_waiting', 'max_per_minute', 'history_interval'):
        if options[option] <= 0:
            raise InputError(option, f'{options[option]:g} is not valid.', 'more than 0')


# Webhooks.

async def receive(journal: Journal, options: dict[str, Any]) -> None:
    """Receives webhooks until it is cancelled."""
    receiver = Receiver(journal, options)
    application = web.Application(client_max_size=MAX_BODY)
    application.router.add_post(options['path'], receiver.answer)
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, options['host'], options['port'], ssl_context=tls_context(options)).start()
        LOGGER.info('Webhooks are received at %s', runner.addresses)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def tls_context(options: dict[str, Any]) -> ssl.SSLContext | None:
    """The certificate to show; None for plain HTTP. Raises InputError."""
    if not options['certfile']:
        if options['host'] not in ('127.0.0.1', '::1', 'localhost'):
            LOGGER.warning('certfile is not set: the secret arrives unencrypted, unless a proxy in front of this machine ends TLS.')
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options['certfile'], options['keyfile'], password=lambda: '')
    except OSError as error:  # ssl.SSLError is one
        raise InputError('certfile', f'{options["certfile"]} cannot be used: {error.strerror or error}.') from None
    return context


class Receiver:
    """Answers webhooks. What is answered with 200 is in the journal."""

    def __init__(self, journal: Journal, options: dict[str, Any]) -> None:
        self._journal, self._options = journal, options
        self._rate = Rate(options['max_per_minute'])
        self._refusals = Rate(1)  # in the log: whoever has no secret must not fill it

    async def answer(self, request: web.Request) -> web.Response:
        try:
            return self._refusal(request) or self._record(webhook_alert(await asyncio.wait_for(request.read(), BODY_TIME), time.time()))
        except asyncio.TimeoutError:
            return web.Response(status=408, text='the body did not arrive\n', headers={'Connection': 'close'})
        except ValueError as error:
            return web.Response(status=400, text=f'no alert: {error}\n')

    def _refusal(self, request: web.Request) -> web.Response | None:
        """The answer to a request whose body is not even read."""
        if not is_authentic(request.headers.get('cf-webhook-auth'), self._options['secret']):
            if self._refusals.admits():
                LOGGER.warning('A request of %s was refused: its cf-webhook-auth is missing or wrong.', request.remote)
            return web.Response(status=401, text='cf-webhook-auth is missing or wrong\n', headers={'Connection': 'close'})
        if not self._rate.admits():
            return web.Response(status=429, text='more than max_per_minute\n', headers=RETRY_AFTER)
        if self._journal.waiting >= self._options['max_waiting']:
            return web.Response(status=503, text='max_waiting events wait\n', headers=RETRY_AFTER)
        return None

    def _record(self, alert: Alert) -> web.Response:
        """Records the event of an alert that has not come before. Raises ValueError for data that is too deep."""
        state, event = self._journal.state, alert.event()
        received = ReceivedAlerts(state.get('alerts', ()), time.time(), state.get('history_until'))
        is_new = received.admits(alert)
        try:
            self._journal.record([event] if is_new and is_selected(event, self._options['types']) else [], alerts=received.records)
        except InputError as error:
            LOGGER.error('%s', error)
            return web.Response(status=503, text='the alert cannot be kept\n', headers=RETRY_AFTER)
        return web.Response(text='taken\n' if is_new else 'known\n')


# The history.

async def follow_history(journal: Journal, options: dict[str, Any]) -> None:
    """Reads the history until it is cancelled."""
    secrets = Secrets(filter(None, (options['api_token'], options['api_key'], options['secret'])))
    client = connect(options, LOGGER.warning, secrets)
    failures = Failures('Reading the history of alerts', options['history_interval'], journal, client.account_id)
    since = journal.state.get('history_since', time.time() - options['lookback'])
    journal.record([], history_since=since)
    settled = 0 if options['port'] is None else SETTLED  # what is on its way here by webhook

    async def read() -> None:
        now = time.time()
        entries = await asyncio.to_thread(read_history, client, max(since, journal.state.get('history_until', since) - OVERLAP))
        new, state = new_history(journal.state, entries, options['history_mechanisms'], now - settled, now)
        events = [alert.event() for alert in new]
        failures.succeeded(now, [event for event in events if is_selected(event, options['types'])], **state)

    try:
        await repeat(read, failures, secrets.to_error, LOGGER)
    finally:
        client.interrupt()
