// SPDX-License-Identifier: MIT
//
// k6 against three gateways of one broker, behind a balancer without affinity.
//
//   node tests/load/run.mjs <build-dir> <k6> [scenario...]
//
// A scenario whose accounts do not balance, or that misses a threshold, has failed (k6 exits with 99).

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Balancer } from '../lib/balancer.mjs';
import { startStack } from '../lib/stack.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const [k6, ...wanted] = process.argv.slice(3);
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.replace('.js', ''));
const scenarios = wanted.length > 0 ? wanted : all;

for (const scenario of scenarios.filter((name) => !all.includes(name))) {
  console.error(`no scenario ${scenario}: there are ${all.join(', ')}`);
  process.exit(2);
}

function run(scenario, url) {
  const args = ['run', '--quiet', '--no-usage-report', path.join(folder, `${scenario}.js`)];
  const env = { ...process.env, BASE: url, K6_NO_USAGE_REPORT: 'true', K6_AUTO_EXTENSION_RESOLUTION: 'false' };
  return new Promise((resolve) => spawn(k6, args, { env, stdio: 'inherit' }).on('exit', resolve));
}

let passed = 0;
for (const scenario of scenarios) {
  const stack = await startStack({}, { gateways: 3 });
  const balancer = await new Balancer(() => stack.gateways.map(({ url }) => Number(url.split(':').at(-1)))).listen();
  try {
    const code = await run(scenario, balancer.url);
    await balancer.close();
    await stack.stop();
    passed += code === 0 ? 1 : 0;
  } catch (error) {
    console.error(String(error.stack));
    stack.kill();
  }
}
console.log(`${passed} passed, ${scenarios.length - passed} failed`);
process.exit(passed === scenarios.length ? 0 : 1);
