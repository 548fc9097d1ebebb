# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares tests/simulator/cni.openapi.yaml with the newest release of Cloudflare's Python SDK, `make contract`. Prints each difference,
and fails on one that tests/contract.yml does not have, and on one there that is none any more. Needs PyPI; nothing of the SDK is run.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests'))

from support.contract import module_text, own_contract  # noqa: E402
from support.drift import constraints, differences, reviewed  # noqa: E402
from support.sdk import Sdk  # noqa: E402

FOLDER = ROOT / '.build' / 'contract'
REVIEWED = ROOT / 'tests' / 'contract.yml'
PATHS = re.compile('/cni/|/magic/(cf_interconnects|routes|bgp)|/alerting/v3/|/tokens/verify')  # what this collection is about
PIP = (sys.executable, '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:')


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help='make plugins/module_utils/_contract.py of the document instead')
    if parser.parse_args().write:
        (ROOT / 'plugins/module_utils/_contract.py').write_text(module_text(), encoding='utf-8')
        return 0
    version, folder = newest_sdk()
    print(f'The contract of the simulator and cloudflare {version}:\n')
    sdk = Sdk(folder)
    lines = differences(own_contract().operations(), sdk.operations(PATHS))
    return report([*lines, *constraints(sdk.sentences)])


def newest_sdk() -> tuple[str, Path]:
    """(version, folder of the package) of the newest release on PyPI."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([*PIP, '--dest', str(FOLDER), 'cloudflare'], check=True)
    (wheel,) = FOLDER.glob('cloudflare-*.whl')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(FOLDER)
    return wheel.name.split('-')[1], FOLDER / 'cloudflare'


def report(lines: list[str]) -> int:
    reasons, new, unused = reviewed(lines, yaml.safe_load(REVIEWED.read_text(encoding='utf-8')))
    for reason in dict.fromkeys(reasons.values()):
        print(*(line for line in lines if reasons.get(line) == reason), f'    {reason}\n', sep='\n')
    if new:
        print('NOT REVIEWED. Change the contract, or say in tests/contract.yml why it may be:', *new, '', sep='\n')
    if unused:
        print('NO LONGER SO. Remove from tests/contract.yml:', *unused, '', sep='\n')
    print(f'{len(reasons)} reviewed, {len(new)} not reviewed, {len(unused)} no longer so')
    return int(bool(new or unused))


if __name__ == '__main__':
    sys.exit(main())
