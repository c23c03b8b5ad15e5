// The composition as it ships, brought up, tested from inside its own network namespace, taken down.
// node tests/compose/run.mjs [name part...]; as root, beside a running dockerd that has a base image.
//
// This process builds, starts and ends; cases.mjs runs the *.test.mjs beside it by nsenter, browser included.

import { spawn } from 'node:child_process';
import { cpSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { leanRoot } from '../browser/browser.mjs';
import { Composition, GATEWAYS } from './composition.mjs';

const CASES = fileURLToPath(new URL('cases.mjs', import.meta.url));
const CLOSING = /^(\d+) passed, (\d+) failed$/;

const say = (text) => console.log(`--- ${text}`);

/** Runs the cases; answers their closing line. */
async function runCases(pid, folder, words) {
  const child = spawn('nsenter', [`--net=/proc/${pid}/ns/net`, process.execPath, CASES, folder, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let closing = null;
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      CLOSING.test(line) ? (closing = line) : console.log(line);
    }
  });
  await new Promise((resolve) => child.on('close', resolve));
  return closing;
}

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-compose-'));
cpSync(leanRoot, path.join(folder, 'pages'), { recursive: true });
chmodSync(folder, 0o755);
chmodSync(path.join(folder, 'pages'), 0o755);

const composition = new Composition(folder);
let closing = null;
try {
  say('images');
  composition.build();
  composition.prepare();
  say('services');
  const gateways = GATEWAYS.slice(0, 3).map(({ service }) => service);
  composition.up('redis', 'broker', ...gateways, 'balancer');
  closing = await runCases(composition.namespacePid(), folder, process.argv.slice(2));
} catch (error) {
  console.log(error.message);
}
if (closing === null || !closing.endsWith(' 0 failed')) {
  console.log(composition.logs().split('\n').slice(-200).join('\n'));
}
try {
  say('down');
  composition.down();
} catch (error) {
  console.log(error.message);
  closing = null;
}
rmSync(folder, { recursive: true });
console.log(closing ?? '0 passed, 1 failed');
process.exit(closing?.endsWith(' 0 failed') ? 0 : 1);
