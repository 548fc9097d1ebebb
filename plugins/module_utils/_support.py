# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects and writes the support bundle of a circuit; the work of the module support_bundle.

A bundle is needed when something fails, so a read that fails is a line in it and stops no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import alerts_naming
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._bundle import (
    ALERT_FIELDS,
    Answer,
    BundleFacts,
    RouterOutput,
    bundle_archive,
    bundle_markdown,
    unknown_facts,
    without_suspicious_lines,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import check_folder, make_folder, read_file, write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import ArtifactsFolder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import file_name
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import TIME_FORMAT, utc_now
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import samples_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    ALERT,
    CNI,
    INTERCONNECT,
    ROUTE,
    STATUS,
    TUNNEL,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Snapshot, not_found_error, objects_by_key

LISTS = {'CNIs': CNI, 'interconnects': INTERCONNECT, 'health checks': TUNNEL, 'static routes': ROUTE}
ENDINGS = {'markdown': '.md', 'archive': '.tar.gz'}


class _Reader:
    """Reads parts of the account, whatever becomes of each. errors: {part: its error}; answers: all answers."""

    def __init__(self, client: Client, to_error: Callable[[Exception], CniError]) -> None:
        self.client, self._to_error, self._part = client, to_error, ''
        self.errors: dict[str, CniError] = {}
        self.answers: list[Answer] = []
        client.on_answer = lambda answer: self.answers.append(Answer(self._part, answer.status, answer.headers.get('cf-ray')))

    def read(self, part: str, work: Callable[[], list[Object]]) -> list[Object]:
        """What work() returns, [] if it fails."""
        self._part = part
        try:
            return work()
        except Exception as error:
            self.errors[part] = self._to_error(error)
            return []


def bundle_work(task: Task) -> dict[str, Any]:
    """The work of the module. Raises the error of the first read if every read has failed, after the bundle is written."""
    params, reader = task.params, _Reader(task.client, task.to_error)
    if params['alert_days'] < 1:
        raise InputError('alert_days', f'{params["alert_days"]} is not valid.', 'days, 1 or more')
    folder = os.path.realpath(params['path'])
    check_folder(folder, 'path')
    router = [_router_output(number, entry) for number, entry in enumerate(params['router'] or ())]
    record = _record(params, task.module.warn)
    metrics = read_file(params['metrics'], 'metrics') if params['metrics'] else None
    facts = _read_circuit(reader, params, record, utc_now())
    # After the reads: only then the MD5 key of the circuit is known.
    router = [output._replace(text=task.module.secrets.redact(output.text)) for output in router]
    facts = facts._replace(
        record=record, samples=samples_of((metrics or b'').decode('utf-8', 'replace')), router=router, rays=params['cf_rays'] or (),
        answers=reader.answers, failures={part: str(error) for part, error in reader.errors.items()})
    paths = {kind: os.path.join(params['path'], file_name(facts.circuit) + ending) for kind, ending in ENDINGS.items()}
    if not task.module.check_mode:
        make_folder(folder, 'path')
        write_file(paths['markdown'], bundle_markdown(facts).encode(), 'path')
        write_file(paths['archive'], bundle_archive(facts), 'path')
    for part, error in reader.errors.items():
        task.module.warn(f'{part}: {error}')
    if len(reader.errors) > len(LISTS):
        raise next(iter(reader.errors.values()))
    return {'changed': True, **paths, 'unknown': unknown_facts(facts)}


def _record(params: Mapping[str, Any], warn: Callable[[str], None]) -> Object | None:
    """The NAME.json of the circuit, None without one."""
    return ArtifactsFolder(params['artifacts_dir'], warn=warn).on_disk(params['conduit_name']).record if params['artifacts_dir'] else None


def _router_output(number: int, entry: Mapping[str, Any]) -> RouterOutput:
    """What an entry of the option router names. Raises InputError."""
    option = f'router[{number}]'
    if (entry['text'] is None) == (entry['path'] is None):
        raise InputError(option, 'text or path is required, and not both.')
    text = entry['text']
    if text is None:
        content = read_file(entry['path'], f'{option}.path')
        if content is None:
            raise InputError(f'{option}.path', f'{entry["path"]} does not exist.')
        text = content.decode('utf-8', 'replace')
    return RouterOutput(entry['name'], without_suspicious_lines(text))


def _read_circuit(reader: _Reader, params: Mapping[str, Any], record: Object | None, now: datetime) -> BundleFacts:
    """What the API knows of the circuit. Raises InputError for a circuit that neither the account nor a record knows."""
    name, client = params['conduit_name'], reader.client
    lists = {row.name: reader.read(part, lambda row=row: read_objects(client, row.name)) for part, row in LISTS.items()}
    snapshot = Snapshot({(resource, None): objects for resource, objects in lists.items()})
    cni = next(iter(snapshot.matching(CNI.name, 'magic.conduit_name', name)), None)
    port_name = get(cni, 'interconnect') or get(record, 'interconnect.name')
    if not port_name and 'CNIs' not in reader.errors:
        raise not_found_error(CNI, 'conduit_name', name, snapshot, 'magic.conduit_name')
    status = reader.read('status', lambda: read_objects(client, STATUS.name, port_name)) if port_name else []
    since = now - timedelta(days=params['alert_days'])
    alerts = reader.read('alerts', lambda: read_objects(client, ALERT.name, None, {'since': since.strftime(TIME_FORMAT)}))
    tunnel = next(iter(objects_by_key(TUNNEL, TUNNEL.keys[0], port_name, snapshot)), None)
    return BundleFacts(
        name, client.account_id, now, port_name, next(iter(snapshot.matching(INTERCONNECT.name, 'name', port_name)), None), cni,
        next(iter(status), None), tunnel,
        objects_by_key(ROUTE, next(key for key in ROUTE.keys if key.option == 'conduit_name'), name, snapshot),
        _distinct_alerts(alerts_naming(alerts, [name, port_name, get(tunnel, 'name'), get(tunnel, 'id')])), params['alert_days'])


def _distinct_alerts(alerts: list[Object]) -> list[Object]:
    """Each alert once: the history has it for each destination. Without the destination, which may be a person's address."""
    shown = [{name: alert.get(name) for name in ALERT_FIELDS} for alert in alerts]
    return list({tuple(str(alert[name]) for name in ALERT_FIELDS[1:]): alert for alert in shown}.values())
