# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python tests/tools/routers.py FOLDER`: FRR and BIRD of another release of Debian, in FOLDER/root with all that they need.

`PEERING_ROUTERS=FOLDER/root pytest tests/peering` runs them in place of those of this machine. Nothing is installed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

PACKAGES = ('frr', 'frr-pythontools', 'bird3')
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
PAM = ''.join(f'{kind} required pam_permit.so\n' for kind in ('auth', 'account', 'password', 'session'))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--suite', default='trixie')
    arguments = parser.parse_args()
    folder, root = arguments.folder.resolve(), arguments.folder.resolve() / 'root'
    for name in ('state/lists/partial', 'cache/archives/partial', 'root'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / 'state/status').touch()  # no package is there
    sites = subprocess.check_output(['apt-get', 'indextargets', '--format', '$(SITE)', 'Created-By: Packages'], text=True).split()
    mirror = next(site for site in sites if site.endswith('/debian'))
    (folder / 'sources.list').write_text(f'deb [signed-by={KEYRING}] {mirror} {arguments.suite} main\n')
    own = {
        'Dir::State': folder / 'state', 'Dir::State::status': folder / 'state/status', 'Dir::Cache': folder / 'cache',
        'Dir::Etc::sourcelist': folder / 'sources.list', 'Dir::Etc::sourceparts': '/dev/null',
    }
    apt = ['apt-get', '-qq', *(word for key, value in own.items() for word in ('-o', f'{key}={value}'))]
    subprocess.run([*apt, 'update'], check=True)
    subprocess.run([*apt, 'install', '--yes', '--no-install-recommends', '--download-only', *PACKAGES], check=True)
    for package in (folder / 'cache/archives').glob('*.deb'):
        subprocess.run(['dpkg-deb', '--extract', package, root], check=True)
    for name in ('bin', 'sbin', 'lib', 'lib64'):
        if not (root / name).exists():
            (root / name).symlink_to(f'usr/{name}')
    for name in ('passwd', 'group'):  # the user of FRR
        shutil.copy(f'/etc/{name}', root / 'etc' / name)
    (root / 'etc/pam.d/frr').write_text(PAM)
    (root / 'etc/pam.d/other').write_text(PAM)
    print(root)


if __name__ == '__main__':
    main()
