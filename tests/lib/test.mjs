// Test cases by name, run one after the other; the closing line is `N passed, N failed`.
//
//   test('a sentence about behaviour', async () => { ... });   in a file beside run.mjs
//   lastly('a sentence', async () => { ... });                 after the file's other cases, if any of them was chosen
//   await runFiles(import.meta.url, process.argv);             in run.mjs: <build-dir> [name part...]
//
// A case that takes longer than its limit has failed: nothing here waits by sleeping, so it hangs.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CASE_LIMIT_MS = 120_000;
const cases = [];
let group = '';

export function test(name, body, { limitMs = CASE_LIMIT_MS } = {}) {
  cases.push({ name: `${group}: ${name}`, body, limitMs, group });
}

/** What a file's cases share is ended here, and what must hold at the end is a case of its own. */
export function lastly(name, body) {
  cases.push({ name: `${group}: ${name}`, body, limitMs: CASE_LIMIT_MS, group, isLast: true });
}

async function runOne({ name, body, limitMs }) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs);
  });
  const started = Date.now();
  try {
    await Promise.race([body(), limit]);
    console.log(`ok   ${name} (${Date.now() - started} ms)`);
    return true;
  } catch (error) {
    console.log(`FAIL ${name}\n     ${String(error.stack ?? error).replaceAll('\n', '\n     ')}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** The folder of built programs, from the first argument. */
export function buildDir() {
  return path.resolve(process.argv[2] ?? 'build');
}

/** Runs the cases of the files beside `runner`; answers how many passed and failed. */
export async function runCases(runner, argv) {
  const folder = path.dirname(fileURLToPath(runner));
  const wanted = argv.slice(3);
  const files = readdirSync(folder, { recursive: false })
    .filter((file) => file.endsWith('.test.mjs'))
    .sort();
  for (const file of files) {
    group = file.replace('.test.mjs', '');
    await import(pathToFileURL(path.join(folder, file)));
  }
  const named = cases.filter(({ name, isLast }) => !isLast && wanted.every((part) => name.includes(part)));
  const chosen = [...new Set(named.map((one) => one.group))].flatMap((of) => [
    ...named.filter((one) => one.group === of),
    ...cases.filter((one) => one.isLast && one.group === of),
  ]);
  let passed = 0;
  for (const one of chosen) {
    passed += (await runOne(one)) ? 1 : 0;
  }
  return { passed, failed: chosen.length - passed };
}

/** Prints the closing line and ends the process. */
export function finish({ passed, failed }) {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

export async function runFiles(runner, argv) {
  finish(await runCases(runner, argv));
}
