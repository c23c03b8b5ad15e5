// Integration tests: the real programs, driven over their sockets. node tests/integration/run.mjs <build-dir> [name part...]
//
// http/ and link/ are suites in Python with the same arguments and closing line; their counts are added to ours.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDir, finish, runCases } from '../lib/test.mjs';

const CLOSING = /^(\d+) passed, (\d+) failed$/;
const folder = path.dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(3);

/** A suite that ends without its closing line has failed. */
async function runPython(suite) {
  const file = path.join(folder, suite, 'run.py');
  const child = spawn('python3', [file, buildDir(), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let counts = null;
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const closing = CLOSING.exec(line);
      closing ? (counts = { passed: Number(closing[1]), failed: Number(closing[2]) }) : console.log(`${suite}: ${line}`);
    }
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  counts ??= { passed: 0, failed: 1 };
  const isUnsaid = code !== 0 && counts.failed === 0 && counts.passed > 0;
  return isUnsaid ? { ...counts, failed: 1 } : counts;
}

const all = [];
for (const suite of ['http', 'link']) {
  all.push(await runPython(suite));
}
all.push(await runCases(import.meta.url, process.argv));
const sum = (name) => all.reduce((total, counts) => total + counts[name], 0);
finish({ passed: sum('passed'), failed: sum('failed') });
