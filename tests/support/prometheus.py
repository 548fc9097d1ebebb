# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alert rules and dashboard ask for, and metrics as the reference parsers read them."""

from __future__ import annotations

import json
import shutil

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as classic_families
from support.playbook import ROOT

RULES = ROOT / 'extensions' / 'prometheus' / 'cloudflare_cni.rules.yml'
DASHBOARD = ROOT / 'extensions' / 'prometheus' / 'grafana_dashboard.json'
PROMTOOL = shutil.which('promtool')

Sample = tuple[str, dict[str, str], float]


def alerts() -> dict[str, str]:
    """{alert: its expression}."""
    return {rule['alert']: rule['expr'] for group in yaml.safe_load(RULES.read_text())['groups'] for rule in group['rules']}


def panels() -> dict[str, list[str]]:
    """{panel of the dashboard: its expressions}, with all accounts chosen."""
    board = json.loads(DASHBOARD.read_text())
    return {panel['title']: [target['expr'].replace('$account', '.*') for target in panel['targets']] for panel in board['panels']}


def read_as_openmetrics(text: str) -> list[Sample]:
    return [(sample.name, sample.labels, sample.value) for family in openmetrics_families(text) for sample in family.samples]


def read_as_classic(text: str) -> list[Sample]:
    return [(sample.name, sample.labels, sample.value) for family in classic_families(text) for sample in family.samples]
