// What ships is what runs, and runs with little.

import assert from 'node:assert/strict';
import { test } from '../lib/test.mjs';
import { Composition, run } from './composition.mjs';

const composition = new Composition(process.argv[2]);

test('the balancer takes the configuration that ships', () => {
  run('docker', ['run', '--rm', '--network', 'none', 'sluice-haproxy', 'haproxy', '-c', '-f', '/etc/haproxy/haproxy.cfg']);
});

test('what runs has no privileges: its own user, nothing to write to', async () => {
  for (const service of ['broker', 'gateway', 'balancer', 'redis']) {
    const id = composition.container(service);
    const found = run('docker', ['inspect', '-f', '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.Config.User}}', id]).trim();
    assert.match(found, /^true \[ALL\] \[no-new-privileges(:true)?\] 1000[123]:1000[123]$/, service);
  }
});
