// SPDX-License-Identifier: MIT
//
// The tests of several gateways see each rule of the protocol: with one of them switched off (common/test_rule.h) they fail,
// and say what was broken; with none they pass.
//
// SLUICE_RULES_BUILD is the folder of programs built with -Dtest_rules=true (`./dev test integration` makes it); without it
// there is nothing here. A run stops at its first fault, so most rows take less than a second.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '../lib/test.mjs';

const folder = path.dirname(fileURLToPath(import.meta.url));
const build = process.env.SLUICE_RULES_BUILD;
const RUN_LIMIT_MS = 200_000;

/** What is met by chance is looked for longer than it ever took; a run that meets it ends there. */
const SCHEDULES_WITHOUT = '6000';
const KILLS_WITHOUT = '30';

const SCHEDULES = ['schedules: ', 'random schedules'];
const BROKER = ['replicas_broker: ', 'ten kills'];

/** Rule -> words that choose the cases which see it, and what they say. */
const SEEN_BY = {
  opens_once: [SCHEDULES, /o again/],
  cut_ends: [SCHEDULES, /although a receiver was cut/],
  eventsource_stays: [['replicas_races: an eventsource that the network cut'], /No such session/],
  alive_refuses: [['replicas_races: a second receiver elsewhere'], /the first ended/],
  idle_yields: [SCHEDULES, /2010 with nobody beside it/],
  one_family: [SCHEDULES, /another family/],
  unsent_moves: [SCHEDULES, /heard .* before|c\[1000\] before its own|not over/],
  half_frame_moves: [['replicas_races: half a frame moves'], /"command":"ERROR"/],
  half_character_moves: [['replicas_races: half a frame moves'], /deep-equal/],
  log_moves: [SCHEDULES, /heard .* before|c\[1000\] before its own|not over/],
  log_is_cut: [SCHEDULES, /heard .* again/],
  answers_move: [SCHEDULES, /not over/],
  groups_are_told: [SCHEDULES, /heard .* before|c\[1000\] before its own|not over/],
  claim_relays: [SCHEDULES, /404 while the session lives/],
  relays_wait: [SCHEDULES, /404 while the session lives/],
  relays_in_order: [['replicas_races: sends that wait for a yield'], /deep-equal/],
  relays_are_whole: [['replicas_races: a send elsewhere is answered when'], /answered before/],
  absent_is_told: [SCHEDULES, /taken after the close/],
  rest_is_kept: [SCHEDULES, /c\[1000\] before its own/],
  tombstone_answers: [SCHEDULES, /o again/],
  restart_waits: [BROKER, /No such session/],
  repeats_are_known: [BROKER, /problems/],
};

/** Runs cases with the programs that can break rules; answers what it printed. */
async function run(words, env) {
  const child = spawn(process.execPath, [path.join(folder, 'cases.mjs'), build, ...words], {
    env: { ...process.env, SLUICE_RULES_BUILD: '', SLUICE_SEED: '20250717', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: RUN_LIMIT_MS,
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (printed += text));
  await new Promise((resolve) => child.on('close', resolve));
  return printed;
}

if (build) {
  test('each rule that can be switched off has a row', () => {
    const header = readFileSync(path.join(folder, '../../common/test_rule.h'), 'utf8');
    const rules = [...header.matchAll(/^ +R\((\w+)\)/gm)].map(([, name]) => name);
    assert.deepEqual(Object.keys(SEEN_BY), rules);
  });

  for (const words of new Set(Object.values(SEEN_BY).map(([words]) => words.join('')))) {
    test(`with all rules on, these pass: ${words}`, async () => {
      const [[chosen]] = Object.values(SEEN_BY).filter(([row]) => row.join('') === words);
      const printed = await run(chosen, { SLUICE_SCHEDULES: '400' });
      assert.match(printed, /^[1-9]\d* passed, 0 failed$/m, printed);
    });
  }

  for (const [rule, [words, fault]] of Object.entries(SEEN_BY)) {
    test(`without ${rule} they fail`, async () => {
      const printed = await run(words, {
        SLUICE_TEST_RULE_OFF: rule,
        SLUICE_SCHEDULE_MS: '5000',
        SLUICE_SCHEDULES: SCHEDULES_WITHOUT,
        SLUICE_KILLS: KILLS_WITHOUT,
      });
      assert.match(printed, /^FAIL /m, printed);
      assert.match(printed, fault);
    });
  }
}
